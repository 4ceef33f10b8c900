package handlers

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/mileusna/useragent"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

// ownSessions shows where somebody is signed in.
func (h *Handlers) ownSessions(w http.ResponseWriter, r *http.Request, p page) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	rows, err := h.sessions.Own(r.Context(), p.Person.ID)
	if err != nil {
		return err
	}
	data := views.SessionsData{Address: "/sessions", Key: p.Key}
	for _, row := range rows {
		agent := useragent.Parse(row.UserAgent)
		data.Sessions = append(data.Sessions, views.SessionRow{
			ID: row.ID.String(), Browser: agent.Name, System: agent.OS, Mine: row.Mine, Since: row.CreatedAt, Used: row.TouchedAt,
		})
	}
	return h.show(w, r, http.StatusOK, views.Sessions(p.Page, data))
}

// endSessions ends the session that the form names, all but this one, or all.
func (h *Handlers) endSessions(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	end := &auth.EndSessions{Request: p.by(r)}
	switch which := r.PostForm.Get("session"); which {
	case "all":
	case "others":
		rows, err := h.sessions.Own(r.Context(), p.Person.ID)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Mine {
				end.Keep = row.ID
			}
		}
	default:
		var err error
		if end.Session, err = uuid.Parse(which); err != nil || end.Session == uuid.Nil {
			return &domain.Refusal{Kind: domain.Invalid, Code: "request.form_unreadable",
				Message: "This form cannot be read. Open the page again and send it once more."}
		}
	}
	if err := h.commands.Do(r.Context(), end); err != nil {
		return err
	}
	if _, here, err := h.sessions.Alive(r.Context(), r); err != nil || !here {
		// This one was among them: there is no session left that could keep a message.
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return err
	}
	return h.flashAndGo(w, r, "/sessions", views.Flash{Kind: views.FlashDone, Text: views.N(r.Context(), "sessions.ended", int(end.Ended))})
}
