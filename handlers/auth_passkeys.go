package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

const (
	// passkeyTimeout is how long a challenge may be answered.
	passkeyTimeout = 5 * time.Minute
	// recentSignIn is how long after signing in somebody may change how they sign in.
	recentSignIn = 10 * time.Minute
)

// newRelyingParty is what passkeys are made for: the host of the public URL, reached at exactly that address. It is nil under a
// number, for which there are no passkeys (WebAuthn 5.1.2: a relying party's id is a domain).
func newRelyingParty(origin *url.URL) (*webauthn.WebAuthn, error) {
	if _, err := netip.ParseAddr(origin.Hostname()); err == nil {
		return nil, nil
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: origin.Hostname(), RPDisplayName: "aTES", RPOrigins: []string{origin.String()},
		AttestationPreference: protocol.PreferNoAttestation,
		// Without a login name the passkey has to know whose it is, and without a password it has to know its person.
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: passkeyTimeout},
			Registration: webauthn.TimeoutConfig{Timeout: passkeyTimeout},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys: %w", err)
	}
	return party, nil
}

// passkeyHolder is a person with their passkeys, as the library reads them.
type passkeyHolder struct {
	person   auth.Person
	passkeys []auth.Passkey
}

func (h passkeyHolder) WebAuthnID() []byte          { return h.person.ID[:] }
func (h passkeyHolder) WebAuthnName() string        { return h.person.Login }
func (h passkeyHolder) WebAuthnDisplayName() string { return h.person.Name }
func (h passkeyHolder) WebAuthnCredentials() []webauthn.Credential {
	credentials := make([]webauthn.Credential, len(h.passkeys))
	for i, p := range h.passkeys {
		credentials[i] = webauthn.Credential{
			ID: p.Credential.ID, PublicKey: p.Credential.PublicKey,
			Flags:         webauthn.CredentialFlags{BackupEligible: p.Credential.BackupEligible},
			Authenticator: webauthn.Authenticator{SignCount: p.Credential.SignCount},
		}
	}
	return credentials
}

// askPasskey answers with what a passkey is to sign, and notes it for this browser. account is whom a passkey is added to, nil
// when it is to let somebody in.
func (p *provider) askPasskey(w http.ResponseWriter, r *http.Request, browser []byte, account *uuid.UUID, options any, session *webauthn.SessionData) error {
	noted, err := json.Marshal(session)
	if err != nil {
		return fmt.Errorf("write passkey challenge: %w", err)
	}
	err = p.queries.InsertPasskeyChallenge(r.Context(), dbsqlc.InsertPasskeyChallengeParams{
		ChallengeHash: tokenHash(session.Challenge), BrowserHash: browser, AccountID: account, Session: noted, ExpiresAt: p.Now().Add(passkeyTimeout),
	})
	if err != nil {
		return fmt.Errorf("note passkey challenge: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(options)
}

// takePasskeyChallenge returns what this browser was asked, once.
func (p *provider) takePasskeyChallenge(ctx context.Context, challenge string, browser []byte, account *uuid.UUID) (session webauthn.SessionData, err error) {
	noted, err := p.queries.TakePasskeyChallenge(ctx, dbsqlc.TakePasskeyChallengeParams{
		ChallengeHash: tokenHash(challenge), BrowserHash: browser, AccountID: account, Now: p.Now(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return session, &domain.Refusal{
			Kind: domain.Invalid, Code: "auth.passkey_expired", Field: "passkey",
			Message: "This took too long or was tried already. Try again.",
		}
	}
	if err != nil {
		return session, fmt.Errorf("take passkey challenge: %w", err)
	}
	if err := json.Unmarshal(noted, &session); err != nil {
		return session, fmt.Errorf("read passkey challenge: %w", err)
	}
	return session, nil
}

// askPasskeyToSignIn asks for any passkey of anybody, in a browser in which a request waits for its person.
func (p *provider) askPasskeyToSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := parseOnce(r); err != nil {
		return err
	}
	if p.relyingParty == nil {
		return refuseNameless()
	}
	asked, ok, err := p.askedBy(r, r.PostForm.Get("request"))
	if err != nil {
		return err
	}
	if !ok {
		return refuseExpired()
	}
	options, session, err := p.relyingParty.BeginDiscoverableLogin()
	if err != nil {
		return fmt.Errorf("ask for a passkey: %w", err)
	}
	return p.askPasskey(w, r, asked.Browser, nil, options, session)
}

// recognizePasskey returns the active person whose passkey has signed what this browser was asked (WebAuthn 7.2). It uses the
// challenge up, whatever comes of it.
func (p *provider) recognizePasskey(ctx context.Context, browser []byte, signed string) (auth.Person, error) {
	if p.relyingParty == nil {
		return auth.Person{}, refuseNameless()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(signed))
	if err != nil {
		return auth.Person{}, passkeyRefused(ctx, err)
	}
	session, err := p.takePasskeyChallenge(ctx, parsed.Response.CollectedClientData.Challenge, browser, nil)
	if err != nil {
		return auth.Person{}, err
	}
	var fault error
	holder := func(credential, handle []byte) (webauthn.User, error) {
		passkey, err := auth.FindPasskey(ctx, p.DB, credential)
		if err != nil {
			if !errors.As(err, new(*domain.Refusal)) {
				fault = err
			}
			return nil, err
		}
		if !bytes.Equal(handle, passkey.Person[:]) {
			return nil, errors.New("it is somebody else's")
		}
		return passkeyHolder{person: auth.Person{ID: passkey.Person}, passkeys: []auth.Passkey{passkey}}, nil
	}
	_, credential, err := p.relyingParty.ValidatePasskeyLogin(holder, session, parsed)
	if fault != nil {
		return auth.Person{}, fault
	}
	if err != nil {
		return auth.Person{}, passkeyRefused(ctx, err)
	}
	if credential.Authenticator.CloneWarning {
		return auth.Person{}, passkeyRefused(ctx, errors.New("its count did not go up: there may be a copy of the key"))
	}
	return auth.UsePasskey(ctx, p.DB, credential.ID, parsed.Response.AuthenticatorData.Counter, p.Now())
}

func passkeyRefused(ctx context.Context, err error) error {
	logPasskey(ctx, err)
	return auth.RefusePasskey()
}

// logPasskey keeps for the operator what the person at the browser need not know.
func logPasskey(ctx context.Context, err error) {
	why := err.Error()
	if failed := (*protocol.Error)(nil); errors.As(err, &failed) {
		why = failed.Details + ": " + failed.DevInfo
	}
	slog.WarnContext(ctx, "a passkey was refused", "why", why)
}

func refuseNameless() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "auth.passkeys_nameless", Message: "Passkeys do not work under this address."}
}
