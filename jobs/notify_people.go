package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

// The tracker's notifier. A draw is told of by its one Tasks.Drawn, and the first assignment of a task with its creation: nobody reacts
// to each Task.Assigned, of which a draw may tell a hundred thousand.

// notifyGiven notes for workers that a new task was drawn to them: for each Task.Created. Whoever created it is told as well when the
// draw falls on them, since that is news to them and costs them its fee.
func notifyGiven(mails bool) *reaction {
	return &reaction{kind: "notify_given", queue: notificationsQueue, together: true, topics: inboxTopics, follow: sendsMails(trackerMails),
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := &tellOfNewTasks{
				NotifyOfTasks: &tracker.NotifyOfTasks{Kind: tracker.TaskGiven, Keep: !mails}, created: map[uuid.UUID]tracker.TaskNews{},
			}
			for _, e := range events {
				created, err := open[tracker.TaskCreated](e)
				if err != nil {
					return nil, err
				}
				cmd.created[created.TaskID] = tracker.TaskNews{Cause: e.ID, Task: created.TaskID, By: &created.CreatedBy}
			}
			return cmd, nil
		}}
}

// tellOfNewTasks finds in the log whom new tasks were given to.
type tellOfNewTasks struct {
	*tracker.NotifyOfTasks
	// created is the news of each task, but for whom it concerns.
	created map[uuid.UUID]tracker.TaskNews
}

// Handle notes; it tells no event.
func (c *tellOfNewTasks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	rows, err := dbsqlc.New(tx).ReadFirstAssignments(ctx, slices.Collect(maps.Keys(c.created)))
	if err != nil {
		return nil, fmt.Errorf("read first assignments: %w", err)
	}
	for _, row := range rows {
		assigned, err := readAssignment(dbsqlc.ReadEventsRow(row))
		if err != nil {
			return nil, err
		}
		news := c.created[assigned.TaskID]
		news.Person = assigned.Assignee
		c.News = append(c.News, news)
	}
	return c.NotifyOfTasks.Handle(ctx, tx)
}

// readAssignment checks and reads a Task.Assigned of the log.
func readAssignment(row dbsqlc.ReadEventsRow) (tracker.TaskAssigned, error) {
	e := envelope(row)
	if err := check(e); err != nil {
		return tracker.TaskAssigned{}, err
	}
	return open[tracker.TaskAssigned](e)
}

// notifyResolved notes for people that somebody else resolved a task of theirs: for each Task.Resolved.
func notifyResolved(mails bool) *reaction {
	return &reaction{kind: "notify_resolved", queue: notificationsQueue, together: true, topics: inboxTopics, follow: sendsMails(trackerMails),
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := &tracker.NotifyOfTasks{Kind: tracker.TaskResolvedByElse, Keep: !mails}
			for _, e := range events {
				resolved, err := open[tracker.TaskResolved](e)
				if err != nil {
					return nil, err
				}
				if resolved.ResolvedBy != resolved.Assignee {
					cmd.News = append(cmd.News, tracker.TaskNews{Cause: e.ID, Person: resolved.Assignee, Task: resolved.TaskID, By: &resolved.ResolvedBy})
				}
			}
			return cmd, nil
		}}
}

// notifyDraw notes for each person, at once, what a draw gave them and took from them: for each Tasks.Drawn. A draw is read and noted
// whole, in two statements, so there is one job for it and none for its tasks, and it may take longer than others: half a million tasks of a
// hundred thousand people do.
func notifyDraw(mails bool) *reaction {
	return &reaction{kind: "notify_draw", queue: notificationsQueue, chunk: 1, timeout: 2 * time.Minute, topics: inboxTopics, follow: sendsMails(trackerMails),
		command: func(events []domain.Envelope) (domain.Command, error) {
			drawn, err := open[tracker.TasksDrawn](events[0])
			return &tellOfDraw{&tracker.NotifyOfDraw{Cause: events[0], Draw: drawn, Keep: !mails}}, err
		}}
}

// tellOfDraw finds in the log what a draw moved.
type tellOfDraw struct{ *tracker.NotifyOfDraw }

// Handle notes; it tells no event.
func (c tellOfDraw) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	rows, err := dbsqlc.New(tx).ReadAssignments(ctx, dbsqlc.ReadAssignmentsParams{Correlation: c.Cause.CorrelationID, Causation: c.Cause.CausationID})
	if err != nil {
		return nil, fmt.Errorf("read what a draw moved: %w", err)
	}
	for _, row := range rows {
		assigned, err := readAssignment(dbsqlc.ReadEventsRow(row))
		if err != nil {
			return nil, err
		}
		if assigned.Previous != nil {
			c.Moves = append(c.Moves, tracker.Move{Task: assigned.TaskID, Assignee: assigned.Assignee, Previous: *assigned.Previous})
		}
	}
	return c.NotifyOfDraw.Handle(ctx, tx)
}

// inboxTopics are those of the people who have something new in their inbox.
func inboxTopics(_ []domain.Envelope, done domain.Command) []string {
	var topics []string
	for _, person := range done.(domain.Teller).NewlyTold().People {
		topics = append(topics, domain.NotificationsTopic(person))
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// sendsMails has the mails that a command noted sent, some a job.
func sendsMails(kind string) func(domain.Command) []river.InsertManyParams {
	return func(done domain.Command) []river.InsertManyParams {
		var jobs []river.InsertManyParams
		for chunk := range slices.Chunk(done.(domain.Teller).NewlyTold().Waiting, mailsOfJob) {
			jobs = append(jobs, river.InsertManyParams{Args: sendMailArgs{kind: kind, Messages: chunk}, InsertOpts: &river.InsertOpts{Queue: mailQueue}})
		}
		return jobs
	}
}
