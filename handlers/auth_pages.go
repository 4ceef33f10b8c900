package handlers

import (
	"net/http"

	"ates/views"
)

// providerPages are the Auth-Service's pages, in the look of all the others.
func (h *Handlers) providerPages() providerPages {
	return providerPages{SignIn: h.showSignIn, Failed: h.failed}
}

func (h *Handlers) showSignIn(w http.ResponseWriter, r *http.Request, d providerSignIn) error {
	w.Header().Set("Content-Security-Policy", signInPolicy(h.Clients))
	data := views.SignInData{Action: "/auth/login", Request: d.Request, Login: d.Login}
	status := http.StatusOK
	if d.Refused != nil {
		status, data.Message = statuses[d.Refused.Kind], translate(r.Context(), d.Refused)
	}
	for _, person := range d.Demo {
		data.Demo = append(data.Demo, views.DemoLogin{Login: person.Login, Name: person.Name, Role: person.Role})
	}
	return h.show(w, r, status, views.SignIn(h.frame(r, nil), data))
}
