package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ates/views"
)

// OpenIDProvider is a provider outside of the program that says who people are, in place of the embedded Auth-Service. It
// must have registered the public URL followed by /callback to return to, and by / to return to after signing out.
type OpenIDProvider struct {
	Issuer, ClientID, ClientSecret string
	Roles                          RoleRules
}

// foreignSignIn is the client of another provider.
func (h *Handlers) foreignSignIn(p OpenIDProvider) *signIn {
	return newSignIn(signInConfig{
		Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret, PublicURL: h.PublicURL,
		Roles: &p.Roles, SignedOut: "/signed-out", Leave: h.leave, Sessions: h.sessions, Person: h.vouchedPerson(p.Roles), Now: h.Now,
	})
}

// leave shows a page that moves on by itself to another site. A redirect would not do: browsers hold all the redirects after a
// form against form-action, and nobody knows over which sites a provider sends people on.
func (h *Handlers) leave(w http.ResponseWriter, r *http.Request, to string) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("read where to go: %w", err)
	}
	w.Header().Set("Refresh", "0; url="+u.String())
	return h.show(w, r, http.StatusOK, views.Leaving(h.frame(r, nil), views.LeavingData{To: u.String(), Host: u.Host}))
}

// signedOutCookie marks a browser in which somebody has signed out. The provider may know them still, or for a moment longer,
// and would let every page that goes to sign in by itself in again at once.
const signedOutCookie = "ates-signed-out"

// staysOut reports whether a browser has signed out, and nobody asks to sign in but a page by itself.
func (s *signIn) staysOut(r *http.Request) bool {
	return s.SignedOut != "" && !r.URL.Query().Has("other") && cookie(r, cookieName(signedOutCookie, s.overTLS())) != ""
}

func (s *signIn) markSignedOut(w http.ResponseWriter, out bool) {
	if s.SignedOut == "" {
		return
	}
	mark := &http.Cookie{ //nolint:gosec // Secure wherever people come over TLS
		Name: cookieName(signedOutCookie, s.overTLS()), Value: "1", Path: "/", Secure: s.overTLS(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if !out {
		mark.MaxAge = -1
	}
	http.SetCookie(w, mark)
}

func (s *signIn) overTLS() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// signedOut is where a browser stays after signing out.
func (h *Handlers) signedOut(w http.ResponseWriter, r *http.Request) error {
	noStore(w)
	return h.show(w, r, http.StatusOK, views.SignedOut(h.frame(r, nil)))
}
