package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// task shows one task with its story.
func (h *Handlers) task(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showTask(w, r, p, http.StatusOK, "")
}

func (h *Handlers) showTask(w http.ResponseWriter, r *http.Request, p page, status int, conflict string) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return tracker.ErrNoTask()
	}
	row, err := h.queries.FindOnBoard(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return tracker.ErrNoTask()
	}
	if err != nil {
		return fmt.Errorf("find the task: %w", err)
	}
	data := views.TaskData{
		Task: views.TaskRow{
			ID: row.Task.String(), Number: int(row.Number), Status: row.Status, JiraID: row.JiraID, Description: row.Description,
			Assignee: views.Person{ID: row.Assignee.String(), Name: row.AssigneeName}, Prices: prices(row.Fee, row.Reward), Since: row.CreatedAt,
			Resolve: p.resolveForm(row.Task, row.Status, row.Assignee, row.Assignment),
		},
		Creator:     views.Person{ID: row.CreatedBy.String(), Name: row.CreatedByName},
		Assignments: int(row.Assignment), Conflict: conflict,
	}
	query := url.Values{}
	if r.Method == http.MethodGet {
		query = r.URL.Query()
	}
	if err := h.readStory(ctx, id, query, &data); err != nil {
		return err
	}
	sums, err := h.queries.SumTaskEntries(ctx, id)
	if err != nil {
		return fmt.Errorf("sum the entries of the task: %w", err)
	}
	data.Charged, data.Fees, data.Rewards = int(sums.Charged), sums.Fees, sums.Rewards
	return h.show(w, r, status, views.Task(p.Page, data))
}

// readStory reads a page of what happened to a task, which the tracker tells, and what that made Accounting book.
func (h *Handlers) readStory(ctx context.Context, id uuid.UUID, query url.Values, data *views.TaskData) error {
	path := "/tasks/" + id.String()
	before, err := readBefore(query)
	if err != nil {
		return &domain.Refusal{Kind: domain.Invalid, Code: "task.place", Message: "The address of this list cannot be read. Open the task again."}
	}
	history, err := h.queries.ListHistory(ctx, dbsqlc.ListHistoryParams{Task: id, Before: before, Rows: rowsOfPage + 1})
	if err != nil {
		return fmt.Errorf("list the history: %w", err)
	}
	data.Address = address(path, query)
	if len(history) > rowsOfPage {
		history = history[:rowsOfPage]
		data.Older = address(path, nil, "before", strconv.FormatInt(history[rowsOfPage-1].Position, 10))
	}
	if before != nil {
		data.First = path
	}
	places := make(map[uuid.UUID]int, len(history))
	events := make([]uuid.UUID, len(history))
	for i, row := range history {
		data.History = append(data.History, taskEvent(row))
		events[i], places[row.Event] = row.Event, i
	}
	entries, err := h.queries.ListTaskEntries(ctx, dbsqlc.ListTaskEntriesParams{Task: id, Events: events})
	if err != nil {
		return fmt.Errorf("list the entries of the task: %w", err)
	}
	for _, row := range entries {
		data.History[places[row.Event]].Entry = &views.TaskEntry{
			Kind: views.EntryKind(row.Kind), Amount: row.Amount, Worker: views.Person{ID: row.Worker.String(), Name: row.WorkerName},
			Took: row.BookedAt.Sub(row.OccurredAt),
		}
	}
	return nil
}

// taskEvent is a row of a task's history as it is shown.
func taskEvent(row dbsqlc.ListHistoryRow) views.TaskEvent {
	e := views.TaskEvent{ID: row.Event.String(), At: row.At}
	if row.Actor != nil {
		e.By = views.Person{ID: row.Actor.String(), Name: row.ActorName}
	}
	if row.Assignee != nil {
		e.Assignee = views.Person{ID: row.Assignee.String(), Name: row.AssigneeName}
	}
	if row.Previous != nil {
		e.Previous = views.Person{ID: row.Previous.String(), Name: row.PreviousName}
	}
	if row.Assignment != nil {
		e.Assignment = int(*row.Assignment)
	}
	switch row.Name {
	case tracker.TaskAssigned{}.EventName():
		e.Kind = views.TaskGiven
		if row.Drawn {
			e.Draw = row.Command.String()
		}
	case tracker.TaskResolved{}.EventName():
		e.Kind = views.TaskResolved
	case accounting.TaskPriced{}.EventName():
		e.Kind, e.Prices, e.By = views.TaskPriced, prices(row.Fee, row.Reward), views.Person{}
	default:
		e.Kind = views.TaskCreated
	}
	return e
}
