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

// CreateTask creates an open task and draws its first assignee. Anyone may. It is refused when the description is not 1 to
// MaxDescription characters of text or has square brackets elsewhere than around a Jira id in front, as in "[POPUG-42] - Title", and
// when there is no active Worker.
type CreateTask struct {
	domain.Request
	Description string

	// TaskID and Number are the answer: the new task.
	TaskID uuid.UUID
	Number int64
}

// Handle creates the task; the events are Task.Created and Task.Assigned.
func (c *CreateTask) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	about, err := describe(c.Description)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a task id: %w", err)
	}
	task, err := dbsqlc.New(tx).InsertTask(ctx, dbsqlc.InsertTaskParams{
		ID: id, JiraID: about.jiraID, Description: about.title, CreatedBy: c.By.ID, CreatedAt: tx.Now,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoWorkers()
	}
	if err != nil {
		return nil, fmt.Errorf("insert task: %w", err)
	}
	c.TaskID, c.Number = id, task.Number
	return []domain.Event{
		{Subject: id, Version: 1, Data: TaskCreated{
			TaskID: id, Number: task.Number, JiraID: about.jiraID, Title: about.title, CreatedBy: c.By.ID, CreatedAt: tx.Now,
		}},
		{Subject: id, Version: 2, Data: TaskAssigned{TaskID: id, Assignee: task.Assignee, Assignment: 1}},
	}, nil
}
