package handlers

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"ates/domain"
	"ates/views"
)

// readForm reads what a form sent. A body that is no form is refused.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return &domain.Refusal{Kind: domain.Invalid, Code: "request.form_unreadable",
			Message: "This form cannot be read. Open the page again and send it once more."}
	}
	if !key.MatchString(r.PostForm.Get("idempotency_key")) {
		return &domain.Refusal{Kind: domain.Invalid, Code: "request.key_unreadable", Field: "idempotency_key",
			Message: "This form cannot be read. Open the page again and send it once more."}
	}
	return nil
}

// key is what an idempotency key can be; without one every sending is a new command.
var key = regexp.MustCompile(`^[ -~]{0,200}$`)

// typed is what somebody typed, as a page can show it again and Postgres can look for it: what is no text in it is marked as such.
func typed(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// flashAndGo leaves a message for the next page and sends the browser there.
func (h *Handlers) flashAndGo(w http.ResponseWriter, r *http.Request, to string, message views.Flash) error {
	if err := h.sessions.PutFlash(r.Context(), message); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // callers name a path of ours or one that returnTo has checked
	return nil
}

// The cookies that keep how somebody likes the pages, signed in or not.
const (
	languageCookie = "lang"
	themeCookie    = "theme"
	densityCookie  = "density"
	// preferencesLast is for how many seconds browsers keep them.
	preferencesLast = 365 * 24 * 60 * 60
)

// cookie is the value of a cookie, empty when there is none.
func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// preferences are the values that each may have; the empty one means whatever the browser wants.
var preferences = map[string][]string{
	languageCookie: append([]string{""}, views.Languages()...),
	themeCookie:    {"", "light", "dark"},
	densityCookie:  {"", "compact"},
}

// setPreferences keeps how somebody likes the pages, and goes back to where they were.
func (h *Handlers) setPreferences(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	for name, allowed := range preferences {
		if !r.PostForm.Has(name) {
			continue
		}
		value := r.PostForm.Get(name)
		for _, v := range allowed {
			if v == value {
				http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever people come over TLS
					Name: name, Value: value, Path: "/", MaxAge: preferencesLast, HttpOnly: true, Secure: h.secure(), SameSite: http.SameSiteLaxMode,
				})
			}
		}
	}
	http.Redirect(w, r, returnTo(r.PostForm.Get("return_to")), http.StatusSeeOther) //nolint:gosec // returnTo lets nothing through but paths of ours
	return nil
}
