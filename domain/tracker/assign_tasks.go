package tracker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// AssignTasks draws a new assignee for every open task, uniformly and independently over the active Workers. Managers and
// Admins may, any number of times. It is refused when there is no active Worker.
type AssignTasks struct {
	domain.Request

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
	drawn, err := q.DrawAssignees(ctx)
	if err != nil {
		return nil, fmt.Errorf("draw assignees: %w", err)
	}
	workers, err := q.CountActiveWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("count workers: %w", err)
	}
	if len(drawn) == 0 {
		if workers == 0 {
			return nil, errNoWorkers()
		}
		return nil, nil
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
	return append(events, domain.Event{Subject: c.DrawID, Version: 1, Data: TasksDrawn{
		DrawID: c.DrawID, DrawnBy: c.By.ID, DrawnAt: tx.Now, Open: len(drawn), Workers: int(workers), Reassigned: c.Reassigned, Kept: c.Kept,
	}}), nil
}
