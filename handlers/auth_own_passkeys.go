package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/auth"
)

// providerPasskeys is what the page of somebody's own passkeys shows.
type providerPasskeys struct {
	Person   auth.Person
	Passkeys []auth.Passkey
	// Nameless says that there are no passkeys under this address, Recent that the person has just signed in.
	Nameless, Recent bool
	// Name is what was typed, and Refused why the last try failed; nil the first time.
	Name    string
	Refused *domain.Refusal
	// Done is "added", "removed" or nothing.
	Done string
}

// ownPage is where people keep their passkeys.
const ownPage = "/auth/passkeys"

// owner is who has signed in with this browser. Whoever has not is sent to do so; then ok is false.
func (p *provider) owner(w http.ResponseWriter, r *http.Request) (person auth.Person, recent, ok bool, err error) {
	who, ok, err := p.signedIn(r)
	if err != nil {
		return person, false, false, err
	}
	if !ok {
		http.Redirect(w, r, loginURL(ownPage), http.StatusSeeOther)
		return person, false, false, nil
	}
	person, err = auth.FindPerson(r.Context(), p.DB, who.ID)
	return person, p.Now().Sub(who.AuthTime) < recentSignIn, err == nil, err
}

// ownerNow is an owner who may change how they sign in: somebody else may have come to a browser that was left alone.
func (p *provider) ownerNow(w http.ResponseWriter, r *http.Request) (person auth.Person, ok bool, err error) {
	if err := parseOnce(r); err != nil {
		return person, false, err
	}
	person, recent, ok, err := p.owner(w, r)
	if err == nil && ok && !recent {
		err = &domain.Refusal{
			Kind: domain.Forbidden, Code: "auth.sign_in_again",
			Message: "It has been a while since you signed in. Sign in again, then do it once more.",
		}
	}
	return person, ok && err == nil, err
}

// showPasskeys shows somebody their passkeys.
func (p *provider) showPasskeys(w http.ResponseWriter, r *http.Request) error {
	person, recent, ok, err := p.owner(w, r)
	if err != nil || !ok {
		return err
	}
	return p.listPasskeys(w, r, providerPasskeys{Person: person, Recent: recent, Done: r.URL.Query().Get("done")})
}

func (p *provider) listPasskeys(w http.ResponseWriter, r *http.Request, d providerPasskeys) (err error) {
	d.Nameless = p.relyingParty == nil
	if d.Passkeys, err = auth.ListPasskeys(r.Context(), p.DB, d.Person.ID); err != nil {
		return err
	}
	return p.Pages.Passkeys(w, r, d)
}

// signInAgain has somebody prove anew who they are, and brings them back.
func (p *provider) signInAgain(w http.ResponseWriter, r *http.Request) error {
	if err := p.stopSession(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, loginURL(ownPage), http.StatusSeeOther)
	return nil
}

// askNewPasskey asks for a passkey that this person does not have yet.
func (p *provider) askNewPasskey(w http.ResponseWriter, r *http.Request) error {
	person, ok, err := p.ownerNow(w, r)
	if err != nil || !ok {
		return err
	}
	if p.relyingParty == nil {
		return refuseNameless()
	}
	passkeys, err := auth.ListPasskeys(r.Context(), p.DB, person.ID)
	if err != nil {
		return err
	}
	holder := passkeyHolder{person: person, passkeys: passkeys}
	options, session, err := p.relyingParty.BeginRegistration(holder, webauthn.WithExclusions(webauthn.Credentials(holder.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return fmt.Errorf("ask for a new passkey: %w", err)
	}
	return p.askPasskey(w, r, p.markBrowser(w, r), &person.ID, options, session)
}

// addPasskey adds the passkey that this browser has made.
func (p *provider) addPasskey(w http.ResponseWriter, r *http.Request) error {
	person, ok, err := p.ownerNow(w, r)
	if err != nil || !ok {
		return err
	}
	cmd := &auth.AddPasskey{Request: domain.Request{By: person.Actor()}, Name: r.PostForm.Get("name")}
	if cmd.Credential, err = p.madePasskey(r, person); err == nil {
		err = p.Commands.Do(r.Context(), cmd)
	}
	if refusal := (*domain.Refusal)(nil); errors.As(err, &refusal) && refusal.Kind != domain.NotFound {
		return p.listPasskeys(w, r, providerPasskeys{Person: person, Recent: true, Name: cmd.Name, Refused: refusal})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, ownPage+"?"+url.Values{"done": {"added"}}.Encode(), http.StatusSeeOther)
	return nil
}

// madePasskey checks a new passkey against what this browser was asked for this person (WebAuthn 7.1). It uses the challenge up,
// whatever comes of it.
func (p *provider) madePasskey(r *http.Request, person auth.Person) (made auth.PasskeyCredential, err error) {
	if p.relyingParty == nil {
		return made, refuseNameless()
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(r.PostForm.Get("passkey")))
	if err != nil {
		return made, passkeyUnusable(r.Context(), err)
	}
	browser, _ := p.browser(r)
	session, err := p.takePasskeyChallenge(r.Context(), parsed.Response.CollectedClientData.Challenge, browser, &person.ID)
	if err != nil {
		return made, err
	}
	credential, err := p.relyingParty.CreateCredential(passkeyHolder{person: person}, session, parsed)
	if err != nil {
		return made, passkeyUnusable(r.Context(), err)
	}
	return auth.PasskeyCredential{
		ID: credential.ID, PublicKey: credential.PublicKey,
		SignCount: credential.Authenticator.SignCount, BackupEligible: credential.Flags.BackupEligible,
	}, nil
}

func passkeyUnusable(ctx context.Context, err error) error {
	logPasskey(ctx, err)
	return &domain.Refusal{
		Kind: domain.Invalid, Code: "auth.passkey_unusable", Field: "passkey",
		Message: "This passkey cannot be used here. Try another device.",
	}
}

// removePasskey removes one of somebody's own.
func (p *provider) removePasskey(w http.ResponseWriter, r *http.Request) error {
	person, ok, err := p.ownerNow(w, r)
	if err != nil || !ok {
		return err
	}
	// What is no id is that of no passkey.
	id, _ := uuid.Parse(r.PathValue("id"))
	if err := p.Commands.Do(r.Context(), &auth.RemovePasskey{Request: domain.Request{By: person.Actor()}, Passkey: id}); err != nil {
		return err
	}
	http.Redirect(w, r, ownPage+"?"+url.Values{"done": {"removed"}}.Encode(), http.StatusSeeOther)
	return nil
}
