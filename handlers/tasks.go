package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// rowsOfPage is how many rows a page of a list has.
const rowsOfPage = 50

// homes are the pages that the roles begin with.
var homes = map[domain.Role]string{
	domain.Worker: "/tasks/mine", domain.Manager: "/tasks", domain.Admin: "/tasks", domain.TopManager: "/analytics",
}

// home shows the page that a role begins with.
func (h *Handlers) home(w http.ResponseWriter, r *http.Request, p page) error {
	http.Redirect(w, r, homes[p.Person.Role], http.StatusSeeOther)
	return nil
}

// board shows the tasks that match the filter in the address.
func (h *Handlers) board(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showBoard(w, r, p, http.StatusOK, views.NewTaskForm{})
}

// showBoard shows the board with the form for a new task as it stands; the form gets a new key.
func (h *Handlers) showBoard(w http.ResponseWriter, r *http.Request, p page, status int, form views.NewTaskForm) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	form.Key = p.Key
	data := views.BoardData{NewTask: form, MayAssign: tracker.MayAssign(p.Person.Actor())}
	query := url.Values{}
	if r.Method == http.MethodGet {
		query = r.URL.Query()
	}
	filter, err := readFilter(query)
	if err != nil {
		return err
	}
	data.Filter = views.BoardFilter{Query: query.Get("q"), Status: filter.Status, Assignee: query.Get("assignee")}
	data.Address = address("/tasks", query)

	counts, err := h.queries.CountBoard(ctx)
	if err != nil {
		return fmt.Errorf("count the board: %w", err)
	}
	data.Open, data.Resolved = int(counts.Open), int(counts.Resolved)
	workers, err := h.queries.ListWorkers(ctx)
	if err != nil {
		return fmt.Errorf("list workers: %w", err)
	}
	for _, worker := range workers {
		data.Assignees = append(data.Assignees, views.Option{Value: worker.ID.String(), Label: worker.Name})
	}
	// One row more than the page has tells whether there is another page.
	filter.Rows = rowsOfPage + 1
	rows, err := h.queries.ListBoard(ctx, filter)
	if err != nil {
		return fmt.Errorf("list the board: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Next = address("/tasks", query, "before", strconv.FormatInt(rows[rowsOfPage-1].Number, 10))
	}
	if filter.Before != nil {
		data.First = address("/tasks", query, "before", "")
	}
	for _, row := range rows {
		task := views.TaskRow{
			ID: row.Task.String(), Number: int(row.Number), Status: row.Status, Description: row.Description,
			Assignee: views.Person{ID: row.Assignee.String(), Name: row.AssigneeName}, Prices: prices(row.Fee, row.Reward), Since: row.CreatedAt,
		}
		task.Resolve = p.resolveForm(row.Task, row.Status, row.Assignee, row.Assignment)
		data.Tasks = append(data.Tasks, task)
	}
	return h.show(w, r, status, views.Board(p.Page, data))
}

// readFilter is the board's filter as a query; what makes no sense in it is refused rather than left out, since a filter
// that silently does nothing shows wrong rows.
func readFilter(query url.Values) (filter dbsqlc.ListBoardParams, err error) {
	refused := func(field string) error {
		return &domain.Refusal{Kind: domain.Invalid, Code: "board.filter", Field: field,
			Message: "The address of this list cannot be read. Go to the board and filter it again."}
	}
	switch status := query.Get("status"); status {
	case "", tracker.Open, tracker.Resolved:
		filter.Status = status
	default:
		return filter, refused("status")
	}
	if s := query.Get("assignee"); s != "" {
		id, err := uuid.Parse(s)
		if err != nil {
			return filter, refused("assignee")
		}
		filter.Assignee = &id
	}
	if filter.Before, err = readBefore(query); err != nil {
		return filter, refused("before")
	}
	search := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(query.Get("q"), "\x00", ""), ""))
	if number, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(search), "T-"), 10, 64); err == nil {
		filter.Number = &number
	}
	filter.Search = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(search)
	return filter, nil
}

// readBefore is the number from below which a list goes on; nil at its beginning.
func readBefore(query url.Values) (*int64, error) {
	s := query.Get("before")
	if s == "" {
		return nil, nil //nolint:nilnil // no number is an answer here
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, err
	}
	return &n, nil
}

// address is a path with a query, changed by names and values; an empty value takes its name out.
func address(path string, query url.Values, changes ...string) string {
	changed := url.Values{}
	for name, values := range query {
		if len(values) > 0 && values[0] != "" {
			changed.Set(name, values[0])
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		changed.Del(changes[i])
		if changes[i+1] != "" {
			changed.Set(changes[i], changes[i+1])
		}
	}
	if len(changed) == 0 {
		return path
	}
	return path + "?" + changed.Encode()
}

func prices(fee, reward *int64) *views.Prices {
	if fee == nil || reward == nil {
		return nil
	}
	return &views.Prices{Fee: *fee, Reward: *reward}
}

// resolveForm is the form that resolves a task, where this person may.
func (p page) resolveForm(task uuid.UUID, status string, assignee uuid.UUID, assignment int32) *views.ResolveForm {
	if status != tracker.Open || !tracker.MayResolve(p.Person.Actor(), assignee) {
		return nil
	}
	return &views.ResolveForm{Key: p.Key + "/" + task.String(), Assignment: int(assignment)}
}

// createTask creates a task, or shows the form again with what is wrong and what was typed.
func (h *Handlers) createTask(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	create := &tracker.CreateTask{Request: p.by(r), Description: r.PostForm.Get("description")}
	err := h.commands.Do(r.Context(), create)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind != domain.Forbidden {
		return h.showBoard(w, r, p, statuses[refusal.Kind], views.NewTaskForm{
			Description: strings.ToValidUTF8(create.Description, "\uFFFD"), Message: translate(r.Context(), refusal),
		})
	}
	if err != nil {
		return err
	}
	h.awaitBoard(r.Context(), create.TaskID, 2)
	name := "T-" + strconv.FormatInt(create.Number, 10)
	return h.flashAndGo(w, r, "/tasks", views.Flash{
		Kind: views.FlashDone, Text: views.T(r.Context(), "flash.created", "Task", name),
		Href: "/tasks/" + create.TaskID.String(), LinkText: views.T(r.Context(), "flash.open_task"),
	})
}

// awaitBoard waits, for a moment at most, until the board shows a task's event number version, so that the page that answers
// a form shows what the form did.
func (h *Handlers) awaitBoard(ctx context.Context, task uuid.UUID, version int64) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		shown, err := h.queries.BoardVersion(ctx, task)
		if err != nil || shown >= version {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// myTasks shows a worker's open tasks.
func (h *Handlers) myTasks(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	before, err := readBefore(query)
	if err != nil {
		return &domain.Refusal{Kind: domain.Invalid, Code: "board.filter", Message: "The address of this list cannot be read. Go to your tasks again."}
	}
	data := views.MineData{Address: address("/tasks/mine", query)}
	count, err := h.queries.CountOpenTasksOf(ctx, p.Person.ID)
	if err != nil {
		return fmt.Errorf("count tasks: %w", err)
	}
	data.Open = int(count)
	rows, err := h.queries.ListOpenTasksOf(ctx, dbsqlc.ListOpenTasksOfParams{Assignee: p.Person.ID, Before: before, Rows: rowsOfPage + 1})
	if err != nil {
		return fmt.Errorf("list tasks: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Next = address("/tasks/mine", query, "before", strconv.FormatInt(rows[rowsOfPage-1].Number, 10))
	}
	if before != nil {
		data.First = "/tasks/mine"
	}
	for _, row := range rows {
		data.Tasks = append(data.Tasks, views.TaskRow{
			ID: row.Task.String(), Number: int(row.Number), Status: tracker.Open, Description: row.Description,
			Assignee: views.Person{ID: p.Person.ID.String(), Name: p.Person.Name}, Prices: prices(row.Fee, row.Reward), Since: row.Since,
			Resolve: p.resolveForm(row.Task, tracker.Open, p.Person.ID, row.Assignment),
		})
	}
	return h.show(w, r, http.StatusOK, views.Mine(p.Page, data))
}

// task shows one task with its history.
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
	history, err := h.queries.ListHistory(ctx, id)
	if err != nil {
		return fmt.Errorf("list the history: %w", err)
	}
	data := views.TaskData{
		Task: views.TaskRow{
			ID: row.Task.String(), Number: int(row.Number), Status: row.Status, Description: row.Description,
			Assignee: views.Person{ID: row.Assignee.String(), Name: row.AssigneeName}, Prices: prices(row.Fee, row.Reward), Since: row.CreatedAt,
			Resolve: p.resolveForm(row.Task, row.Status, row.Assignee, row.Assignment),
		},
		Creator:     views.Person{ID: row.CreatedBy.String(), Name: row.CreatedByName},
		Assignments: int(row.Assignment), Conflict: conflict,
	}
	for _, e := range history {
		data.History = append(data.History, taskEvent(e))
	}
	return h.show(w, r, status, views.Task(p.Page, data))
}

// taskEvent is a row of a task's history as it is shown.
func taskEvent(row dbsqlc.ListHistoryRow) views.TaskEvent {
	e := views.TaskEvent{ID: row.Event.String(), At: row.At}
	if row.Actor != nil {
		e.By = views.Person{ID: row.Actor.String(), Name: row.ActorName}
	}
	switch row.Name {
	case tracker.TaskAssigned{}.EventName():
		e.Kind = views.TaskGiven
		if row.Assignee != nil && row.Assignment != nil {
			e.Assignee, e.Assignment = views.Person{ID: row.Assignee.String(), Name: row.AssigneeName}, int(*row.Assignment)
		}
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

// resolveTask resolves a task, or shows it as it is now with the reason why it could not be.
func (h *Handlers) resolveTask(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return tracker.ErrNoTask()
	}
	resolve := &tracker.ChangeTaskStatus{Request: p.by(r), TaskID: id, Status: tracker.Resolved}
	if s := r.PostForm.Get("assignment"); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			return &domain.Refusal{Kind: domain.Invalid, Code: "task.assignment_unreadable", Field: "assignment",
				Message: "This form cannot be read. Open the task and resolve it there."}
		}
		assignment := int32(n)
		resolve.Assignment = &assignment
	}
	err = h.commands.Do(r.Context(), resolve)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind == domain.Conflict {
		return h.showTask(w, r, p, http.StatusConflict, translate(r.Context(), refusal))
	}
	if err != nil {
		return err
	}
	h.awaitBoard(r.Context(), id, resolve.Version)
	back := returnTo(r.PostForm.Get("return_to"))
	if back == "/" {
		back = "/tasks/" + id.String()
	}
	return h.flashAndGo(w, r, back, views.Flash{Kind: views.FlashDone, Text: views.T(r.Context(), "flash.resolved")})
}
