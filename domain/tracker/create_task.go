package tracker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

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
	events, err := c.HandleJointly(ctx, tx, []domain.RequestedCommand{c})
	if err != nil {
		return nil, err
	}
	return events[0], nil
}

// HandleJointly creates several tasks, whose assignees are drawn independently.
func (c *CreateTask) HandleJointly(ctx context.Context, tx domain.Tx, all []domain.RequestedCommand) ([][]domain.Event, error) {
	rows := dbsqlc.InsertTasksParams{CreatedAt: tx.Now}
	of := make(map[uuid.UUID]int, len(all))
	for i, cmd := range all {
		create, ok := cmd.(*CreateTask)
		if !ok {
			return nil, fmt.Errorf("create tasks together: %T is another command", cmd)
		}
		about, err := describe(create.Description)
		if err != nil {
			return nil, err
		}
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make a task id: %w", err)
		}
		of[id] = i
		rows.Ids, rows.JiraIds, rows.Descriptions = append(rows.Ids, id), append(rows.JiraIds, about.jiraID), append(rows.Descriptions, about.title)
		rows.Creators = append(rows.Creators, create.By.ID)
	}
	tasks, err := dbsqlc.New(tx).InsertTasks(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("insert tasks: %w", err)
	}
	if len(tasks) < len(all) {
		return nil, errNoWorkers()
	}
	events := make([][]domain.Event, len(all))
	for _, task := range tasks {
		i, id := of[task.ID], task.ID
		if create, ok := all[i].(*CreateTask); ok {
			create.TaskID, create.Number = id, task.Number
		}
		events[i] = []domain.Event{
			{Subject: id, Version: 1, Data: TaskCreated{
				TaskID: id, Number: task.Number, JiraID: rows.JiraIds[i], Title: rows.Descriptions[i], CreatedBy: rows.Creators[i], CreatedAt: tx.Now,
			}},
			{Subject: id, Version: 2, Data: TaskAssigned{TaskID: id, Assignee: task.Assignee, Assignment: 1}},
		}
	}
	return events, nil
}
