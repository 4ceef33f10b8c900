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
		view := &taskView{latest: map[uuid.UUID]taskState{}}
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
	created dbsqlc.ApplyCreatedToBoardParams
	latest  map[uuid.UUID]taskState
	prices  dbsqlc.ApplyPricesToBoardParams
	history dbsqlc.AddHistoryParams
	topics  []string
}

// taskState is the state of a task after its event number version.
type taskState struct {
	version    int64
	status     string
	assignee   uuid.UUID
	assignment int32
	since      time.Time
}

func (v *taskView) add(e domain.Envelope) error {
	row := historyRow{}
	switch e.Name {
	case tracker.TaskCreated{}.EventName():
		created, err := open[tracker.TaskCreated](e)
		if err != nil {
			return err
		}
		v.created.Tasks = append(v.created.Tasks, created.TaskID)
		v.created.Numbers = append(v.created.Numbers, created.Number)
		v.created.JiraIds = append(v.created.JiraIds, created.JiraID)
		v.created.Descriptions = append(v.created.Descriptions, created.Title)
		v.created.CreatedBy = append(v.created.CreatedBy, created.CreatedBy)
		v.created.CreatedAt = append(v.created.CreatedAt, created.CreatedAt)
	case tracker.TaskAssigned{}.EventName():
		assigned, err := open[tracker.TaskAssigned](e)
		if err != nil {
			return err
		}
		row = historyRow{assignee: assigned.Assignee, previous: orNil(assigned.Previous), assignment: assigned.Assignment}
		v.keepLatest(e.Subject, taskState{e.SubjectVersion, tracker.Open, assigned.Assignee, assigned.Assignment, e.OccurredAt})
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
		v.keepLatest(e.Subject, taskState{e.SubjectVersion, tracker.Resolved, resolved.Assignee, resolved.Assignment, resolved.ResolvedAt})
		v.topics = append(v.topics, "mine/"+resolved.Assignee.String())
	case accounting.TaskPriced{}.EventName():
		priced, err := open[accounting.TaskPriced](e)
		if err != nil {
			return err
		}
		row = historyRow{fee: priced.Fee, reward: priced.Reward}
		v.prices.Tasks = append(v.prices.Tasks, priced.TaskID)
		v.prices.Fees = append(v.prices.Fees, priced.Fee)
		v.prices.Rewards = append(v.prices.Rewards, priced.Reward)
	default:
		return &badEvent{e, fmt.Errorf("the board does not show it")}
	}
	v.addHistory(e, row)
	v.topics = append(v.topics, "tasks/"+e.Subject.String())
	return nil
}

// keepLatest keeps the state with the highest version of each task, since a statement can change a row only once.
func (v *taskView) keepLatest(task uuid.UUID, state taskState) {
	if state.version > v.latest[task].version {
		v.latest[task] = state
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
	if len(v.created.Tasks) > 0 {
		// Most have come with who they were given to: so their rows are written once.
		c := &v.created
		for _, task := range c.Tasks {
			s := v.latest[task]
			delete(v.latest, task)
			c.Versions, c.Statuses, c.Assignees = append(c.Versions, s.version), append(c.Statuses, s.status), append(c.Assignees, s.assignee)
			c.Assignments, c.Since = append(c.Assignments, s.assignment), append(c.Since, s.since)
		}
		if err := q.ApplyCreatedToBoard(ctx, v.created); err != nil {
			return nil, fmt.Errorf("apply new tasks to the board: %w", err)
		}
		words := dbsqlc.ApplyWordsToBoardParams{Tasks: v.created.Tasks, JiraIds: v.created.JiraIds, Descriptions: v.created.Descriptions}
		if err := q.ApplyWordsToBoard(ctx, words); err != nil {
			return nil, fmt.Errorf("apply words to the board: %w", err)
		}
	}
	if len(v.latest) > 0 {
		var rows dbsqlc.ApplyStateToBoardParams
		for task, s := range v.latest {
			rows.Tasks = append(rows.Tasks, task)
			rows.Versions = append(rows.Versions, s.version)
			rows.Statuses = append(rows.Statuses, s.status)
			rows.Assignees = append(rows.Assignees, s.assignee)
			rows.Assignments = append(rows.Assignments, s.assignment)
			rows.Since = append(rows.Since, s.since)
		}
		if err := q.ApplyStateToBoard(ctx, rows); err != nil {
			return nil, fmt.Errorf("apply states to the board: %w", err)
		}
	}
	if len(v.prices.Tasks) > 0 {
		if err := q.ApplyPricesToBoard(ctx, v.prices); err != nil {
			return nil, fmt.Errorf("apply prices to the board: %w", err)
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
