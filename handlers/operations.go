package handlers

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Operations looks at the queues, for the admin's pages.
type Operations interface {
	// JobsOf lists the jobs that react to events of the batches and have not done their work.
	JobsOf(ctx context.Context, batches []uuid.UUID) ([]Job, error)
	// FailedJobs lists jobs that are not done, given up ones first: those that have failed, and those that nobody takes.
	FailedJobs(ctx context.Context, limit int) ([]Job, error)
	// OldestJob is the job that reacts to the oldest event that somebody has still to react to, if there is any.
	OldestJob(ctx context.Context) ([]Job, error)
	// CountJobs counts, for some commands, the jobs of their chains that have not done their work.
	CountJobs(ctx context.Context, flows []uuid.UUID) (map[uuid.UUID]JobCounts, error)
	// QueueStates looks at every queue.
	QueueStates(ctx context.Context) ([]QueueState, error)
	// JobFigures counts the jobs that have not done their work.
	JobFigures(ctx context.Context) ([]JobFigure, error)
	// Reactions says of each kind of job to which events it reacts.
	Reactions() map[string][]string
	// VerifySoon has the books verified without waiting for the clock.
	VerifySoon(ctx context.Context) error
}

// Job is a job in the queue that has not done its work.
type Job struct {
	ID                   int64
	Kind, Queue, State   string
	Attempt, MaxAttempts int
	// Batch, First and Last name the events that it reacts to, and Flow the command at the beginning; nil UUIDs where it reacts to none.
	Batch       uuid.UUID
	First, Last int64
	Flow        uuid.UUID
	// Age is how long ago it came into the queue, and Next in how long it is tried again.
	Age, Next time.Duration
	// Error is what the last attempt ended with.
	Error string
}

// JobCounts are how many jobs of something are open, and how many have been given up.
type JobCounts struct{ Open, Dead int }

// QueueState is how a queue is doing.
type QueueState struct {
	Name string
	// Waiting jobs run as soon as somebody is free, Failing ones have failed and will be tried again, Dead ones have been given up;
	// Done ones have done their work within the last hour.
	Waiting, Running, Failing, Dead, Done int
	// Lag is for how long the job has waited that has waited longest.
	Lag time.Duration
}

// JobFigure counts the jobs of a kind, in a queue and in a state, that have not done their work.
type JobFigure struct {
	Kind, Queue, State string
	// Reacts says that the kind reacts to events.
	Reacts bool
	Count  int
	// Oldest is how long ago the one that came first into the queue did; Waited is for how long the one could have run that could
	// for longest, and for how long it has run where the state is that it runs.
	Oldest, Waited time.Duration
}
