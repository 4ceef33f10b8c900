package handlers

import (
	"fmt"
	"net/http"
	"strings"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// The most tasks and people that the palette shows.
const (
	tasksOfPalette  = 8
	peopleOfPalette = 5
)

// palette finds what there is to go to and to do: the pages and actions that the person has, tasks by their number or words, and for
// an Admin people.
func (h *Handlers) palette(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	q := strings.TrimSpace(typed(r.URL.Query().Get("q")))
	data := views.PaletteData{Query: q, MayAssign: tracker.MayAssign(p.Person.Actor())}
	if q != "" {
		filter := taskFilter{rows: tasksOfPalette}
		filter.search, filter.named = wordsSearched(q)
		if err := h.find(ctx, &filter); err != nil {
			return err
		}
		tasks, err := h.listTasks(ctx, filter)
		if err != nil {
			return err
		}
		for _, row := range tasks.rows {
			data.Tasks = append(data.Tasks, p.taskRow(row))
		}
	}
	if q != "" && p.Person.Role == domain.Admin {
		people, err := h.queries.ListPeople(ctx, dbsqlc.ListPeopleParams{Search: searched(q), Rows: peopleOfPalette})
		if err != nil {
			return fmt.Errorf("list people: %w", err)
		}
		for _, row := range people {
			data.People = append(data.People, personRow(row))
		}
	}
	if fragment(r) != "" {
		return h.show(w, r, http.StatusOK, views.PaletteFound(p.Page, data))
	}
	return h.show(w, r, http.StatusOK, views.Palette(p.Page, data))
}
