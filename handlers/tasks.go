package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/tracker"
	"ates/views"
)

func prices(fee, reward *int64) *views.Prices {
	if fee == nil || reward == nil {
		return nil
	}
	return &views.Prices{Fee: *fee, Reward: *reward}
}

// resolveForm is the form that resolves a task, where this person may. On a page for many people the assignee may, whoever else may not.
func (p page) resolveForm(task uuid.UUID, status string, assignee uuid.UUID, assignment int32) *views.ResolveForm {
	if status != tracker.Open {
		return nil
	}
	if !tracker.MayResolve(p.Person.Actor(), assignee) {
		if p.differsFor != nil {
			p.differsFor(assignee)
		}
		return nil
	}
	return &views.ResolveForm{Key: p.Key + "/" + task.String(), Assignment: int(assignment)}
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
	h.boards.await(r.Context(), id, resolve.Version)
	back := returnTo(r.PostForm.Get("return_to"))
	if back == "/" {
		back = "/tasks/" + id.String()
	}
	return h.flashAndGo(w, r, back, views.Flash{Kind: views.FlashDone, Text: views.T(r.Context(), "flash.resolved")})
}
