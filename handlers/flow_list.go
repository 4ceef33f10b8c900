package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/sql/dbsqlc"
	"ates/views"
)

const (
	// countedEvents is up to how many events of a command the list counts.
	countedEvents = 1000
	// factsOfRow is how much of what a command was asked the list shows.
	factsOfRow = 3
)

// flows lists what was asked of the program. A search for an id leads to the command that it belongs to.
func (h *Handlers) flows(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	asked, name := strings.TrimSpace(typed(query.Get("q"))), typed(query.Get("name"))
	if _, err := uuid.Parse(asked); err == nil {
		id, err := h.findFlow(ctx, asked)
		if err != nil {
			return err
		}
		http.Redirect(w, r, "/ops/events/"+id.String(), http.StatusSeeOther) //nolint:gosec // a UUID
		return nil
	}
	filter, err := h.readFlowFilter(ctx, asked, name, query.Get("before"))
	if err != nil {
		return err
	}
	data := views.CommandsData{Address: address("/ops/events", query), Filter: views.CommandsFilter{Query: asked, Name: name}}
	if data.Names, err = h.queries.ListCommandNames(ctx); err != nil {
		return fmt.Errorf("list the names of commands: %w", err)
	}
	rows, err := h.queries.ListCommands(ctx, filter)
	if err != nil {
		return fmt.Errorf("list commands: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Older = address("/ops/events", query, "before", rows[rowsOfPage-1].ID.String())
	}
	if query.Get("before") != "" {
		data.First = address("/ops/events", query, "before", "")
	}
	if data.Commands, err = h.commandRows(ctx, rows); err != nil {
		return err
	}
	return h.show(w, r, http.StatusOK, views.Commands(p.Page, data))
}

// commandRows are commands as they are listed.
func (h *Handlers) commandRows(ctx context.Context, rows []dbsqlc.ListCommandsRow) ([]views.CommandRow, error) {
	names, ids := people{}, make([]uuid.UUID, len(rows))
	shown := make([]views.CommandRow, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
		names.add(row.Actor)
		asked := askedFacts(ctx, row.Input)
		shown[i].Asked = asked[:min(len(asked), factsOfRow)]
		names.addOf(shown[i].Asked)
	}
	if err := h.namePeople(ctx, names); err != nil {
		return nil, err
	}
	jobs, err := h.Operations.CountJobs(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		c := &shown[i]
		names.replace(c.Asked)
		c.ID, c.Name, c.At, c.By = row.ID.String(), row.Name, row.OccurredAt, names.person(row.Actor)
		c.Events, c.More = min(int(row.Events), countedEvents), row.Events > countedEvents
		c.Open, c.Dead = jobs[row.ID].Open, jobs[row.ID].Dead
		if row.DoneAt != nil {
			took := row.DoneAt.Sub(row.OccurredAt)
			c.Took = &took
		}
	}
	return shown, nil
}

// readFlowFilter is a search as a query: for a task's number, or for a person's login. What nobody has finds nothing.
func (h *Handlers) readFlowFilter(ctx context.Context, asked, name, before string) (filter dbsqlc.ListCommandsParams, err error) {
	filter.Before, filter.Rows = uuid.Max, rowsOfPage+1
	if before != "" {
		if filter.Before, err = uuid.Parse(before); err != nil {
			return filter, errNoFlow()
		}
	}
	if name != "" {
		filter.Name = &name
	}
	if asked == "" {
		return filter, nil
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(strings.ToUpper(asked), "T-"), 10, 64)
	if err == nil {
		filter.Subject = &uuid.Max
		id, err := h.queries.FindTaskByNumber(ctx, number)
		if err == nil {
			filter.Subject = &id
		} else if !errors.Is(err, pgx.ErrNoRows) {
			return filter, fmt.Errorf("find a task by its number: %w", err)
		}
		return filter, nil
	}
	filter.Actor = &uuid.Max
	person, err := h.queries.FindAccountByLogin(ctx, asked)
	if err == nil {
		filter.Actor = &person.ID
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return filter, fmt.Errorf("find a person by their login: %w", err)
	}
	return filter, nil
}
