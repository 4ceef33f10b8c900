package main

import (
	"context"

	"github.com/google/uuid"

	"ates/handlers"
	"ates/jobs"
)

// operations shows the queues to the pages, which know no jobs.
type operations struct{ *jobs.Bus }

func (o operations) JobsOf(ctx context.Context, batches []uuid.UUID) ([]handlers.Job, error) {
	found, err := o.Bus.JobsOf(ctx, batches)
	return shownJobs(found), err
}

func (o operations) FailedJobs(ctx context.Context, limit int) ([]handlers.Job, error) {
	found, err := o.Bus.FailedJobs(ctx, limit)
	return shownJobs(found), err
}

func (o operations) OldestJob(ctx context.Context) ([]handlers.Job, error) {
	found, err := o.Bus.OldestJob(ctx)
	return shownJobs(found), err
}

func (o operations) CountJobs(ctx context.Context, flows []uuid.UUID) (map[uuid.UUID]handlers.JobCounts, error) {
	found, err := o.Bus.CountJobs(ctx, flows)
	counts := make(map[uuid.UUID]handlers.JobCounts, len(found))
	for flow, c := range found {
		counts[flow] = handlers.JobCounts(c)
	}
	return counts, err
}

func (o operations) QueueStates(ctx context.Context) ([]handlers.QueueState, error) {
	found, err := o.Bus.QueueStates(ctx)
	states := make([]handlers.QueueState, len(found))
	for i, state := range found {
		states[i] = handlers.QueueState(state)
	}
	return states, err
}

func (o operations) JobFigures(ctx context.Context) ([]handlers.JobFigure, error) {
	found, err := o.Bus.JobFigures(ctx)
	figures := make([]handlers.JobFigure, len(found))
	for i, f := range found {
		figures[i] = handlers.JobFigure(f)
	}
	return figures, err
}

func shownJobs(found []jobs.Job) []handlers.Job {
	shown := make([]handlers.Job, len(found))
	for i, job := range found {
		shown[i] = handlers.Job(job)
	}
	return shown
}
