package tracker

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ChangeTaskStatus resolves a task; no other change of status exists, and this one is final. Workers may resolve what is
// with them, everybody else any task. Against a reassignment at the same moment exactly one of the two wins: the update
// is guarded by the state the person saw, and whoever comes second is told what happened.
type ChangeTaskStatus struct {
	domain.Request
	TaskID uuid.UUID
	Status string
	// Assignment is the assignment that the person saw, nil when they did not say.
	Assignment *int32

	// Version is the answer: the task's version with this change in it.
	Version int64
}

// Handle resolves the task; the event is Task.Resolved.
func (c *ChangeTaskStatus) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if c.Status != Resolved {
		return nil, &domain.Refusal{Kind: domain.Invalid, Code: "task.status_unknown", Field: "status",
			Message: "A task can only be changed to resolved."}
	}
	q := dbsqlc.New(tx)
	change := dbsqlc.ResolveTaskParams{ID: c.TaskID, By: c.By.ID, At: tx.Now, Assignment: c.Assignment}
	if !MayResolve(c.By, uuid.Nil) {
		change.Assignee = &c.By.ID
	}
	task, err := q.ResolveTask(ctx, change)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, c.whyNot(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve task: %w", err)
	}
	c.Version = task.Version
	return []domain.Event{{Subject: c.TaskID, Version: task.Version, Data: TaskResolved{
		TaskID: c.TaskID, Assignee: task.Assignee, Assignment: task.Assignment, ResolvedBy: c.By.ID, ResolvedAt: tx.Now,
	}}}, nil
}

// whyNot tells why the guarded update found nothing to resolve.
func (c *ChangeTaskStatus) whyNot(ctx context.Context, q *dbsqlc.Queries) error {
	task, err := q.FindTask(ctx, c.TaskID)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoTask()
	}
	if err != nil {
		return fmt.Errorf("find task: %w", err)
	}
	details := map[string]any{"Number": task.Number, "Assignee": task.AssigneeName}
	switch {
	case task.Status == Resolved && MayResolve(c.By, task.Assignee):
		return &domain.Refusal{Kind: domain.Conflict, Code: "task.resolved_already", Details: details,
			Message: fmt.Sprintf("T-%d is resolved already, which is final. Nothing has changed.", task.Number)}
	case !MayResolve(c.By, task.Assignee) && c.Assignment != nil && *c.Assignment < task.Assignment:
		return &domain.Refusal{Kind: domain.Conflict, Code: "task.reassigned", Details: details,
			Message: fmt.Sprintf("T-%d was reassigned to %s before you resolved it. It is no longer yours.", task.Number, task.AssigneeName)}
	case !MayResolve(c.By, task.Assignee):
		return &domain.Refusal{Kind: domain.Forbidden, Code: "task.not_yours", Details: details,
			Message: fmt.Sprintf("T-%d is with %s. You can resolve only your own tasks.", task.Number, task.AssigneeName)}
	default:
		return &domain.Refusal{Kind: domain.Conflict, Code: "task.reassigned_meanwhile", Details: details,
			Message: fmt.Sprintf("T-%d was reassigned while you looked at it and is with %s now. Look again, then resolve it.", task.Number, task.AssigneeName)}
	}
}

// ErrNoTask refuses because there is no such task.
func ErrNoTask() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "task.unknown", Message: "There is no such task. Look for it on the board."}
}
