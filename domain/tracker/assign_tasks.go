package tracker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// AssignTasks draws a new assignee for every open task, uniformly and independently over the active Workers. Managers and
// Admins may, any number of times. It is refused when there is no active Worker, and when what was seen is outdated.
type AssignTasks struct {
	domain.Request
	// Seen is what whoever asks for it was shown; nil where nothing was, and then nothing can be outdated.
	Seen *Prospect `json:"seen,omitempty"`

	// DrawID is the answer: the name of this draw, nil where there was no task to draw for. Reassigned and Kept are how many tasks
	// moved, and how many were drawn for the worker they were with.
	DrawID           uuid.UUID
	Reassigned, Kept int
}

// Handle draws; the events are one Task.Assigned for each task that moved and then one Tasks.Drawn, or none where no task is open.
func (c *AssignTasks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if !MayAssign(c.By) {
		return nil, &domain.Refusal{Kind: domain.Forbidden, Code: "task.may_not_assign",
			Message: "Only managers and admins can assign tasks."}
	}
	q := dbsqlc.New(tx)
	if err := q.HoldLastDraw(ctx); err != nil {
		return nil, fmt.Errorf("wait for the last draw: %w", err)
	}
	now, err := prospect(ctx, q)
	if err != nil {
		return nil, err
	}
	switch {
	case now.Workers == 0:
		return nil, errNoWorkers()
	case now.Open == 0:
		return nil, nil
	case c.Seen != nil && c.Seen.Outdated(now):
		return nil, errOutdated()
	}
	drawn, err := q.DrawAssignees(ctx)
	if err != nil {
		return nil, fmt.Errorf("draw assignees: %w", err)
	}
	if len(drawn) == 0 { // meanwhile the last open task has been resolved, or the last worker has left
		if now, err = prospect(ctx, q); err != nil || now.Workers > 0 {
			return nil, err
		}
		return nil, errNoWorkers()
	}
	events := make([]domain.Event, 0, len(drawn)+1)
	for _, d := range drawn {
		if d.Kept {
			c.Kept++
			continue
		}
		previous := d.Previous
		events = append(events, domain.Event{Subject: d.ID, Version: d.Version, Data: TaskAssigned{
			TaskID: d.ID, Assignee: d.Assignee, Previous: &previous, Assignment: d.Assignment,
		}})
	}
	c.Reassigned = len(events)
	if c.DrawID, err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("make a draw id: %w", err)
	}
	if err := q.KeepLastDraw(ctx, dbsqlc.KeepLastDrawParams{
		Draw: c.DrawID, DrawnBy: c.By.ID, DrawnAt: tx.Now, Reassigned: int32(c.Reassigned), Kept: int32(c.Kept),
	}); err != nil {
		return nil, fmt.Errorf("keep the draw: %w", err)
	}
	return append(events, domain.Event{Subject: c.DrawID, Version: 1, Data: TasksDrawn{
		DrawID: c.DrawID, DrawnBy: c.By.ID, DrawnAt: tx.Now, Open: len(drawn), Workers: now.Workers, Reassigned: c.Reassigned, Kept: c.Kept,
	}}), nil
}
