package handlers

import (
	"net/http"
	"net/url"
)

// loginURL is where a browser goes to sign in and then on to a page of ours.
func loginURL(back string) string {
	u, err := url.Parse(back)
	if err != nil {
		return "/login"
	}
	// htmx names the page with its host.
	return "/login?" + url.Values{"return_to": {returnTo(u.RequestURI())}}.Encode()
}

// logout ends the session; the person's other streams look at their rights at once. The embedded provider forgets the browser
// before they do, since a page whose stream has ended goes to sign in and would be let in again without a password.
func (h *Handlers) logout(w http.ResponseWriter, r *http.Request) error {
	person, ok := h.sessions.Person(r.Context())
	if h.forgetBrowser != nil {
		if err := h.forgetBrowser(w, r); err != nil {
			return err
		}
	}
	if err := h.signIn.logout(w, r); err != nil {
		return err
	}
	if ok {
		h.hub.poke(person)
	}
	return nil
}
