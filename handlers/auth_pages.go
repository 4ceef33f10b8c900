package handlers

import (
	"net/http"

	"ates/views"
)

// providerPages are the Auth-Service's pages, in the look of all the others.
func (h *Handlers) providerPages() providerPages {
	return providerPages{SignIn: h.showSignIn, Passkeys: h.showPasskeys, Failed: h.failed}
}

func (h *Handlers) showSignIn(w http.ResponseWriter, r *http.Request, d providerSignIn) error {
	w.Header().Set("Content-Security-Policy", signInPolicy(h.Clients))
	data := views.SignInData{Action: "/auth/login", Request: d.Request, Login: typed(d.Login)}
	if d.Passkeys {
		data.PasskeyOptions = "/auth/login/passkey"
	}
	status := http.StatusOK
	if d.Refused != nil {
		status, data.Message = statuses[d.Refused.Kind], translate(r.Context(), d.Refused)
		if d.Refused.Code == "auth.too_many_tries" {
			data.RetryAfter = d.Refused.RetryAfter
		}
		retryAfter(w, d.Refused)
	}
	for _, person := range d.Demo {
		data.Demo = append(data.Demo, views.DemoLogin{Login: person.Login, Name: person.Name, Role: person.Role})
	}
	return h.show(w, r, status, views.SignIn(h.frame(r, nil), data))
}

func (h *Handlers) showPasskeys(w http.ResponseWriter, r *http.Request, d providerPasskeys) error {
	frame := h.frame(r, &d.Person)
	at, err := currentCursor(r.Context(), h.queries)
	if err != nil {
		return err
	}
	frame.Cursor = at.String()
	data := views.PasskeysData{Nameless: d.Nameless, Recent: d.Recent, Name: typed(d.Name), Done: d.Done}
	status := http.StatusOK
	if d.Refused != nil {
		status, data.Message = statuses[d.Refused.Kind], translate(r.Context(), d.Refused)
	}
	for _, passkey := range d.Passkeys {
		row := views.PasskeyRow{ID: passkey.ID.String(), Name: passkey.Name, AddedAt: passkey.AddedAt}
		if passkey.UsedAt != nil {
			row.UsedAt = *passkey.UsedAt
		}
		data.Passkeys = append(data.Passkeys, row)
	}
	return h.show(w, r, status, views.Passkeys(frame, data))
}
