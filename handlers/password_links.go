package handlers

import (
	"errors"
	"log/slog"
	"net/http"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

// The pages behind one-time links. The token is in the query, which is not logged, and never in the path.
const (
	passwordPath   = "/auth/password"
	firstAdminPath = "/auth/first-admin"
)

// linkAddress is a one-time link as people are given it.
func (h *Handlers) linkAddress(path, token string) string {
	return h.PublicURL + path + "?token=" + token
}

// FirstAdminLink is the address by which whoever has the token becomes the first Admin of the program that people reach under a
// public URL.
func FirstAdminLink(publicURL, token string) string {
	return publicURL + firstAdminPath + "?token=" + token
}

// byLink adapts the pages of one-time links, for whoever has one. Nobody keeps them, other sites are not told where they were
// linked from, and whoever tries too many dead ones has to wait.
func (h *Handlers) byLink(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return h.ratedByAddress(h.public(func(w http.ResponseWriter, r *http.Request) error {
		noStore(w)
		// Not no-referrer: with it browsers would hide from us too that the form comes from here.
		w.Header().Set("Referrer-Policy", "strict-origin")
		err := handle(w, r)
		var refusal *domain.Refusal
		if errors.As(err, &refusal) && refusal.Code == "auth.link_dead" {
			slog.InfoContext(r.Context(), "a dead link was tried", "path", r.URL.Path, "address", clientAddress(r, h.TrustedProxies))
			return h.show(w, r, http.StatusNotFound, views.LinkDead(h.frame(r, nil)))
		}
		return err
	}))
}

// passwordLink shows the form by which a person chooses their password.
func (h *Handlers) passwordLink(w http.ResponseWriter, r *http.Request) error {
	return h.showPasswordLink(w, r, r.URL.Query().Get("token"), nil)
}

func (h *Handlers) showPasswordLink(w http.ResponseWriter, r *http.Request, token string, refused *domain.Refusal) error {
	link, err := auth.FindPasswordLink(r.Context(), h.pool, token, h.Now())
	if err != nil {
		return err
	}
	if link.FirstAdmin {
		http.Redirect(w, r, firstAdminPath+"?token="+token, http.StatusSeeOther) //nolint:gosec // a path of ours, and a token that we have made
		return nil
	}
	data := views.PasswordLinkData{Token: token, Login: link.Person.Login, Name: link.Person.Name, First: link.First}
	status := http.StatusOK
	if refused != nil {
		status, data.Message = statuses[refused.Kind], translate(r.Context(), refused)
	}
	return h.show(w, r, status, views.PasswordLink(h.frame(r, nil), data))
}

// setPassword sets the password that was chosen, and leads on to the sign-in.
func (h *Handlers) setPassword(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	set := &auth.SetPassword{Token: r.PostForm.Get("token"), Password: r.PostForm.Get("password")}
	err := h.commands.Do(r.Context(), set)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind == domain.Invalid {
		return h.showPasswordLink(w, r, set.Token, refusal)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, passwordPath+"/done", http.StatusSeeOther)
	return nil
}

// passwordSet says that there is a password now.
func (h *Handlers) passwordSet(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, views.PasswordSet(h.frame(r, nil)))
}

// firstAdminLink shows the form by which the first Admin makes themselves known.
func (h *Handlers) firstAdminLink(w http.ResponseWriter, r *http.Request) error {
	return h.showFirstAdmin(w, r, http.StatusOK, views.FirstAdminData{Token: r.URL.Query().Get("token")})
}

func (h *Handlers) showFirstAdmin(w http.ResponseWriter, r *http.Request, status int, data views.FirstAdminData) error {
	link, err := auth.FindPasswordLink(r.Context(), h.pool, data.Token, h.Now())
	if err == nil && !link.FirstAdmin {
		return &domain.Refusal{Kind: domain.NotFound, Code: "auth.link_dead", Message: "This link is for something else."}
	}
	if err != nil {
		return err
	}
	return h.show(w, r, status, views.FirstAdmin(h.frame(r, nil), data))
}

// registerFirstAdmin makes the first Admin known, and leads on to the sign-in.
func (h *Handlers) registerFirstAdmin(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	form := r.PostForm
	register := &auth.RegisterFirstAdmin{
		Token: form.Get("token"), Login: form.Get("login"), Name: form.Get("name"), Email: form.Get("email"), Password: form.Get("password"),
	}
	err := h.commands.Do(r.Context(), register)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind == domain.Invalid {
		return h.showFirstAdmin(w, r, statuses[refusal.Kind], views.FirstAdminData{
			Token: register.Token, Login: typed(register.Login), Name: typed(register.Name), Email: typed(register.Email),
			Refused: views.RefusedField{Name: refusal.Field, Message: translate(r.Context(), refusal)},
		})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, passwordPath+"/done", http.StatusSeeOther)
	return nil
}
