package handlers

import (
	"fmt"
	"net/http"
	"strings"

	"ates/domain"
	"ates/domain/tracker"
	"ates/views"
)

// board shows the tasks that fit the filter in the address.
func (h *Handlers) board(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	filter, err := readTaskFilter(query)
	if err != nil {
		return err
	}
	data := views.BoardData{
		Address: address("/tasks", query), MayAssign: tracker.MayAssign(p.Person.Actor()),
		Filter: views.BoardFilter{Query: strings.TrimSpace(typed(query.Get("q"))), Status: filter.status, Assignee: query.Get("assignee"), Sort: filter.sort},
	}
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
	if err := h.find(ctx, &filter); err != nil {
		return err
	}
	tasks, err := h.listTasks(ctx, filter)
	if err != nil {
		return err
	}
	if only := (views.BoardFilter{Status: filter.status, Sort: filter.sort}); data.Filter == only {
		data.Matches = map[string]int{tracker.Open: data.Open, tracker.Resolved: data.Resolved}[filter.status]
	} else {
		if data.Matches, data.MoreMatch, err = h.countMatches(ctx, filter, tasks); err != nil {
			return err
		}
	}
	data.Pages = tasks.pages("/tasks", query)
	for _, row := range tasks.rows {
		task := p.taskRow(row)
		if filter.sort == views.SortChanged {
			task.Since = row.Since
		}
		data.Tasks = append(data.Tasks, task)
	}
	return h.show(w, r, http.StatusOK, views.Board(p.Page, data))
}

// myTasks shows a worker's open tasks.
func (h *Handlers) myTasks(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	filter, err := readTaskFilter(query)
	if err != nil {
		return err
	}
	mine := taskFilter{status: tracker.Open, assignee: &p.Person.ID, sort: filter.sort, from: filter.from, back: filter.back}
	sums, err := h.queries.SumOpenTasksOf(ctx, p.Person.ID)
	if err != nil {
		return fmt.Errorf("sum tasks: %w", err)
	}
	data := views.MineData{
		Address: address("/tasks/mine", query), Sort: filter.sort, Open: int(sums.Tasks), Charged: sums.Fees, WouldPay: sums.Rewards,
	}
	tasks, err := h.listTasks(ctx, mine)
	if err != nil {
		return err
	}
	data.Pages = tasks.pages("/tasks/mine", query)
	for _, row := range tasks.rows {
		task := p.taskRow(row)
		task.Since = row.Since
		data.Tasks = append(data.Tasks, task)
	}
	return h.show(w, r, http.StatusOK, views.Mine(p.Page, data))
}

// homes are the pages that the roles begin with.
var homes = map[domain.Role]string{
	domain.Worker: "/tasks/mine", domain.Manager: "/tasks", domain.Admin: "/tasks", domain.TopManager: "/analytics",
}

// home shows the page that a role begins with.
func (h *Handlers) home(w http.ResponseWriter, r *http.Request, p page) error {
	http.Redirect(w, r, homes[p.Person.Role], http.StatusSeeOther)
	return nil
}
