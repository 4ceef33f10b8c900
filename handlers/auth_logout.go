package handlers

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/domain"
)

// endSession signs the browser out and sends it to where the client asks, if the client has registered that. Whoever
// cannot show an ID token of the person signed in could be anybody, so then it is left to the person, who has a button for
// it on every page (RP-Initiated Logout 1.0, section 2).
func (p *provider) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := parseOnce(r); err != nil {
		return err
	}
	req, err := op.ParseEndSessionRequest(r, p.op.Decoder())
	if err != nil {
		return refuseLogout()
	}
	session, err := op.ValidateEndSessionRequest(r.Context(), req, p.op)
	if err != nil {
		return refuseLogout()
	}
	who, signedIn, err := p.signedIn(r)
	if err != nil {
		return err
	}
	if signedIn && session.UserID != who.ID.String() {
		return &domain.Refusal{
			Kind: domain.Conflict, Code: "auth.logout_unasked",
			Message: "Do you want to sign out? Then choose Sign out on any page. You are still signed in.",
		}
	}
	if err := p.stopSession(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, session.RedirectURI, http.StatusSeeOther) //nolint:gosec // the client has registered it
	return nil
}

func refuseLogout() error {
	return &domain.Refusal{
		Kind: domain.Invalid, Code: "auth.logout_invalid",
		Message: "The application asked to sign you out in a way that is not registered. You are still signed in.",
	}
}
