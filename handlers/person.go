package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

// onePerson shows a person and what can be done to them.
func (h *Handlers) onePerson(w http.ResponseWriter, r *http.Request, p page) error {
	id, err := personID(r)
	if err != nil {
		return err
	}
	return h.showPerson(w, r, p, http.StatusOK, id, views.PersonData{})
}

// showPerson shows a person with a form as it stands; without a refused form it has what is so.
func (h *Handlers) showPerson(w http.ResponseWriter, r *http.Request, p page, status int, id uuid.UUID, data views.PersonData) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	row, err := h.findPerson(r.Context(), id)
	if err != nil {
		return err
	}
	data.Person, data.Key, data.Seen, data.Self = personRow(row), p.Key, strconv.FormatInt(row.Version, 10), row.ID == p.Person.ID
	if data.Refused.Message == "" {
		data.Name, data.Email = row.Name, row.Email
	}
	return h.show(w, r, status, views.OnePerson(p.Page, data))
}

func personID(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return uuid.Nil, errNoPerson()
	}
	return id, nil
}

// readPersonForm reads a form about a person: whom it is about, and which version of them the Admin saw.
func readPersonForm(r *http.Request) (id uuid.UUID, seen *int64, err error) {
	if err := readForm(r); err != nil {
		return uuid.Nil, nil, err
	}
	if id, err = personID(r); err != nil {
		return uuid.Nil, nil, err
	}
	if s := r.PostForm.Get("seen"); s != "" {
		version, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return uuid.Nil, nil, &domain.Refusal{Kind: domain.Invalid, Code: "people.seen_unreadable", Field: "seen",
				Message: "This form cannot be read. Open the person and try again."}
		}
		seen = &version
	}
	return id, seen, nil
}

// changed answers a command about a person: it goes back to them with a message, or shows them as they are now with the reason
// why it was refused.
func (h *Handlers) changed(w http.ResponseWriter, r *http.Request, p page, id uuid.UUID, err error, done string) error {
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind != domain.NotFound && refusal.Code != "auth.admins_only" {
		return h.showPerson(w, r, p, statuses[refusal.Kind], id, views.PersonData{Message: translate(r.Context(), refusal)})
	}
	if err != nil {
		return err
	}
	return h.flashAndGo(w, r, "/people/"+id.String(), views.Flash{Kind: views.FlashDone, Text: views.T(r.Context(), done)})
}

// updatePerson corrects a name and an email.
func (h *Handlers) updatePerson(w http.ResponseWriter, r *http.Request, p page) error {
	id, seen, err := readPersonForm(r)
	if err != nil {
		return err
	}
	update := &auth.UpdatePerson{Request: p.by(r), Person: id, Seen: seen, Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email")}
	err = h.commands.Do(r.Context(), update)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind == domain.Invalid {
		return h.showPerson(w, r, p, statuses[refusal.Kind], id, views.PersonData{
			Name: typed(update.Name), Email: typed(update.Email),
			Refused: views.RefusedField{Name: refusal.Field, Message: translate(r.Context(), refusal)},
		})
	}
	return h.changed(w, r, p, id, err, "flash.person_saved")
}

// changeRole gives a person another role.
func (h *Handlers) changeRole(w http.ResponseWriter, r *http.Request, p page) error {
	id, seen, err := readPersonForm(r)
	if err != nil {
		return err
	}
	err = h.commands.Do(r.Context(), &auth.ChangeRole{Request: p.by(r), Person: id, Seen: seen, Role: domain.Role(r.PostForm.Get("role"))})
	return h.changed(w, r, p, id, err, "flash.role_changed")
}

// reactivatePerson lets a person in again.
func (h *Handlers) reactivatePerson(w http.ResponseWriter, r *http.Request, p page) error {
	id, seen, err := readPersonForm(r)
	if err != nil {
		return err
	}
	err = h.commands.Do(r.Context(), &auth.ReactivatePerson{Request: p.by(r), Person: id, Seen: seen})
	return h.changed(w, r, p, id, err, "flash.reactivated")
}

// confirmation is a page that asks before something is done to a person.
type confirmation func(views.Page, views.ConfirmPersonData) templ.Component

// confirmDeactivate asks before a person is shut out.
func (h *Handlers) confirmDeactivate(w http.ResponseWriter, r *http.Request, p page) error {
	return h.confirm(w, r, p, views.Deactivate)
}

// confirmReset asks before a password is taken away.
func (h *Handlers) confirmReset(w http.ResponseWriter, r *http.Request, p page) error {
	return h.confirm(w, r, p, views.ResetPassword)
}

func (h *Handlers) confirm(w http.ResponseWriter, r *http.Request, p page, ask confirmation) error {
	id, err := personID(r)
	if err != nil {
		return err
	}
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	row, err := h.findPerson(r.Context(), id)
	if err != nil {
		return err
	}
	return h.show(w, r, http.StatusOK, ask(p.Page, views.ConfirmPersonData{
		Person: personRow(row), Key: p.Key, Seen: strconv.FormatInt(row.Version, 10),
	}))
}

// deactivatePerson shuts a person out.
func (h *Handlers) deactivatePerson(w http.ResponseWriter, r *http.Request, p page) error {
	id, seen, err := readPersonForm(r)
	if err != nil {
		return err
	}
	err = h.commands.Do(r.Context(), &auth.DeactivatePerson{Request: p.by(r), Person: id, Seen: seen})
	return h.changed(w, r, p, id, err, "flash.deactivated")
}

// resetPassword takes a password away and shows the link by which the person chooses another, this once.
func (h *Handlers) resetPassword(w http.ResponseWriter, r *http.Request, p page) error {
	id, _, err := readPersonForm(r)
	if err != nil {
		return err
	}
	reset := &auth.ResetPassword{Request: p.by(r), Person: id}
	if err := h.commands.Do(r.Context(), reset); err != nil {
		return h.changed(w, r, p, id, err, "")
	}
	return h.showLink(w, r, p, id, reset.Token, false)
}
