package tracker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// The kinds of notification.
const (
	TaskGiven          = "task_given"
	DrawTold           = "tasks_drawn"
	TaskResolvedByElse = "task_resolved"
)

// NotificationKinds lists them, in the order in which people are shown them.
func NotificationKinds() []string { return []string{TaskGiven, DrawTold, TaskResolvedByElse} }

// NotifyOfTasks notes for people what happened to single tasks of theirs, of one kind. Nobody is told the same twice, however often it is
// asked, and who has left is told nothing.
type NotifyOfTasks struct {
	Kind string
	News []TaskNews
	// Keep keeps the mails to be read here only, where there is no way to send them.
	Keep bool

	domain.Told
}

// TaskNews is one thing to tell: the event that it is, whom it concerns, and who did it, nil when nobody did.
type TaskNews struct {
	Cause, Person, Task uuid.UUID
	By                  *uuid.UUID
}

// Handle notes; it tells no event.
func (c *NotifyOfTasks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	asked := dbsqlc.NoteTaskNotificationsParams{Kind: c.Kind, MailState: mailState(c.Keep), At: tx.Now}
	for _, n := range c.News {
		asked.Causes = append(asked.Causes, n.Cause)
		asked.People = append(asked.People, n.Person)
		asked.Tasks = append(asked.Tasks, n.Task)
		by := uuid.Nil
		if n.By != nil {
			by = *n.By
		}
		asked.Actors = append(asked.Actors, by)
	}
	noted, err := dbsqlc.New(tx).NoteTaskNotifications(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("note notifications of tasks: %w", err)
	}
	for _, n := range noted {
		c.Note(n.ID, n.Channel, n.Person, n.State)
	}
	return nil, nil
}

// NotifyOfDraw notes for each person what a draw gave them and took from them: one notification a channel, however many tasks.
type NotifyOfDraw struct {
	Cause domain.Envelope
	Draw  TasksDrawn
	Moves []Move
	// Keep keeps the mails to be read here only, where there is no way to send them.
	Keep bool

	domain.Told
}

// Move is one task of a draw that got another assignee.
type Move struct{ Task, Assignee, Previous uuid.UUID }

// Handle notes; it tells no event.
func (c *NotifyOfDraw) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	asked := dbsqlc.NoteDrawNotificationsParams{
		Cause: c.Cause.ID, Actor: c.Draw.DrawnBy, Draw: c.Draw.DrawID, MailState: mailState(c.Keep), At: tx.Now,
	}
	for _, m := range c.Moves {
		asked.Tasks = append(asked.Tasks, m.Task)
		asked.Assignees = append(asked.Assignees, m.Assignee)
		asked.Previous = append(asked.Previous, m.Previous)
	}
	noted, err := dbsqlc.New(tx).NoteDrawNotifications(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("note notifications of a draw: %w", err)
	}
	for _, n := range noted {
		c.Note(n.ID, n.Channel, n.Person, n.State)
	}
	return nil, nil
}

func mailState(keep bool) string {
	if keep {
		return domain.MailKept
	}
	return domain.MailWaiting
}
