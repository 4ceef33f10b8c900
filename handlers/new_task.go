package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"ates/domain"
	"ates/domain/tracker"
	"ates/views"
)

// newTask shows the form that creates a task.
func (h *Handlers) newTask(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showNewTask(w, r, p, http.StatusOK, views.NewTaskForm{ReturnTo: "/tasks"})
}

// showNewTask shows the form for a new task as it stands; it gets a new key.
func (h *Handlers) showNewTask(w http.ResponseWriter, r *http.Request, p page, status int, form views.NewTaskForm) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	form.Key = p.Key
	return h.show(w, r, status, views.NewTask(p.Page, form))
}

// createTask creates a task and goes back to where it was asked for, or shows the form again with what is wrong and what was typed.
func (h *Handlers) createTask(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	back := returnTo(r.PostForm.Get("return_to"))
	if back == "/" {
		back = "/tasks"
	}
	create := &tracker.CreateTask{Request: p.by(r), Description: r.PostForm.Get("description")}
	err := h.commands.Do(r.Context(), create)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind != domain.Forbidden {
		return h.showNewTask(w, r, p, statuses[refusal.Kind], views.NewTaskForm{
			Description: typed(create.Description), ReturnTo: back, Message: translate(r.Context(), refusal),
		})
	}
	if err != nil {
		return err
	}
	h.boards.await(r.Context(), create.TaskID, 2)
	return h.flashAndGo(w, r, back, views.Flash{
		Kind: views.FlashDone, Text: views.T(r.Context(), "flash.created", "Task", "T-"+strconv.FormatInt(create.Number, 10)),
		Href: "/tasks/" + create.TaskID.String(), LinkText: views.T(r.Context(), "flash.open_task"),
	})
}
