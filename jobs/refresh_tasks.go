package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

// refreshTasks keeps the tracker's read models: the board (and with it my tasks), the history of each task, and what draws have
// moved.
var refreshTasks = &reaction{kind: "refresh_tasks", queue: readModelsQueue, together: true,
	command: func(events []domain.Envelope) (domain.Command, error) {
		view := &taskView{board: map[uuid.UUID]*boardRow{}}
		for _, e := range events {
			if err := view.add(e); err != nil {
				return nil, err
			}
		}
		return view, nil
	},
	topics: func(_ []domain.Envelope, done domain.Command) []string { return done.(*taskView).topics },
}

// taskView is what events say about tasks, as rows for the read models. Applying it again, late or in another order ends in
// the same rows.
type taskView struct {
	board   map[uuid.UUID]*boardRow
	history dbsqlc.AddHistoryParams
	topics  []string
}

// boardRow is what the board is to show of a task; zero values stand for what no event has told.
type boardRow struct {
	created tracker.TaskCreated
	// The state of the task after its event number version.
	version    int64
	status     string
	assignee   uuid.UUID
	assignment int32
	since      time.Time

	fee, reward int64
}

func (v *taskView) add(e domain.Envelope) error {
	of := v.board[e.Subject]
	if of == nil {
		of = &boardRow{}
		v.board[e.Subject] = of
	}
	row := historyRow{}
	switch e.Name {
	case tracker.TaskCreated{}.EventName():
		created, err := open[tracker.TaskCreated](e)
		if err != nil {
			return err
		}
		of.created = created
	case tracker.TaskAssigned{}.EventName():
		assigned, err := open[tracker.TaskAssigned](e)
		if err != nil {
			return err
		}
		row = historyRow{assignee: assigned.Assignee, previous: orNil(assigned.Previous), assignment: assigned.Assignment}
		of.keepLatest(e, tracker.Open, assigned.Assignee, assigned.Assignment, e.OccurredAt)
		v.topics = append(v.topics, "mine/"+assigned.Assignee.String())
		if assigned.Previous != nil {
			v.topics = append(v.topics, "mine/"+assigned.Previous.String())
		}
	case tracker.TaskResolved{}.EventName():
		resolved, err := open[tracker.TaskResolved](e)
		if err != nil {
			return err
		}
		row = historyRow{assignee: resolved.Assignee, assignment: resolved.Assignment}
		of.keepLatest(e, tracker.Resolved, resolved.Assignee, resolved.Assignment, resolved.ResolvedAt)
		v.topics = append(v.topics, "mine/"+resolved.Assignee.String())
	case accounting.TaskPriced{}.EventName():
		priced, err := open[accounting.TaskPriced](e)
		if err != nil {
			return err
		}
		row = historyRow{fee: priced.Fee, reward: priced.Reward}
		of.fee, of.reward = priced.Fee, priced.Reward
	default:
		return &badEvent{e, fmt.Errorf("the board does not show it")}
	}
	v.addHistory(e, row)
	v.topics = append(v.topics, "tasks/"+e.Subject.String())
	return nil
}

// keepLatest keeps the state that an event tells unless a later one is known.
func (r *boardRow) keepLatest(e domain.Envelope, status string, assignee uuid.UUID, assignment int32, since time.Time) {
	if e.SubjectVersion > r.version {
		r.version, r.status, r.assignee, r.assignment, r.since = e.SubjectVersion, status, assignee, assignment, since
	}
}

// historyRow is what only some events tell; zero values stand for nothing.
type historyRow struct {
	assignee, previous uuid.UUID
	assignment         int32
	fee, reward        int64
}

func (v *taskView) addHistory(e domain.Envelope, row historyRow) {
	h := &v.history
	h.Events = append(h.Events, e.ID)
	h.Tasks = append(h.Tasks, e.Subject)
	h.Positions = append(h.Positions, e.Position)
	h.At = append(h.At, e.OccurredAt)
	h.Names = append(h.Names, e.Name)
	h.Commands = append(h.Commands, e.CorrelationID)
	h.Actors = append(h.Actors, orNil(e.Actor))
	h.Assignees = append(h.Assignees, row.assignee)
	h.Previous = append(h.Previous, row.previous)
	h.Assignments = append(h.Assignments, row.assignment)
	h.Fees = append(h.Fees, row.fee)
	h.Rewards = append(h.Rewards, row.reward)
}

// Handle applies the view, once; it tells nothing.
func (v *taskView) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	var rows dbsqlc.ApplyToBoardParams
	var words dbsqlc.ApplyWordsToBoardParams
	for task, r := range v.board {
		c := r.created
		rows.Tasks, rows.Numbers, rows.JiraIds, rows.Descriptions = append(rows.Tasks, task), append(rows.Numbers, c.Number), append(rows.JiraIds, c.JiraID), append(rows.Descriptions, c.Title)
		rows.CreatedBy, rows.CreatedAt = append(rows.CreatedBy, c.CreatedBy), append(rows.CreatedAt, c.CreatedAt)
		rows.Versions, rows.Statuses, rows.Assignees = append(rows.Versions, r.version), append(rows.Statuses, r.status), append(rows.Assignees, r.assignee)
		rows.Assignments, rows.Since = append(rows.Assignments, r.assignment), append(rows.Since, r.since)
		rows.Fees, rows.Rewards = append(rows.Fees, r.fee), append(rows.Rewards, r.reward)
		if c.Number > 0 {
			words.Tasks, words.JiraIds, words.Descriptions = append(words.Tasks, task), append(words.JiraIds, c.JiraID), append(words.Descriptions, c.Title)
		}
	}
	// First, and of all tasks at once: whoever has these rows comes first in everything that follows.
	if err := q.ApplyToBoard(ctx, rows); err != nil {
		return nil, fmt.Errorf("apply events to the board: %w", err)
	}
	if len(words.Tasks) > 0 {
		if err := q.ApplyWordsToBoard(ctx, words); err != nil {
			return nil, fmt.Errorf("apply words to the board: %w", err)
		}
	}
	v.history.ShownAt = tx.Now
	draws, err := q.AddHistory(ctx, v.history)
	if err != nil {
		return nil, fmt.Errorf("add history: %w", err)
	}
	for _, command := range draws {
		v.topics = append(v.topics, drawTopic(command))
	}
	slices.Sort(v.topics)
	v.topics = slices.Compact(v.topics)
	return nil, nil
}
