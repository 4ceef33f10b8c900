package handlers

import (
	"fmt"
	"net/http"
	"net/url"

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

// signedOut is where people end who are signed out here, where the provider cannot sign them out too: every other page would
// send them to the provider, which would let them in again at once.
func (h *Handlers) signedOut(w http.ResponseWriter, r *http.Request) error {
	noStore(w)
	return h.show(w, r, http.StatusOK, views.SignedOut(h.frame(r, nil)))
}
