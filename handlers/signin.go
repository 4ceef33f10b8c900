package handlers

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"ates/domain"
)

// signInConfig says whom the program asks who a person is: the embedded Auth-Service or any OpenID Connect provider.
type signInConfig struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	// PublicURL is how people reach the program, without a slash at the end. The provider must have registered
	// PublicURL/callback to return to and PublicURL/ to return to after signing out.
	PublicURL string
	// Transport reaches the issuer; nil is the network.
	Transport http.RoundTripper
	// Roles are where the provider's claims name roles; nil when nobody asks them for any.
	Roles *RoleRules
	// SignedOut is the page that a browser stays on after signing out, until somebody asks to sign in; empty where the provider
	// asks for the password then.
	SignedOut string
	// Leave sends a browser that has sent a form to the provider; nil is with a redirect.
	Leave    func(w http.ResponseWriter, r *http.Request, to string) error
	Sessions *sessions
	// Person returns whose account an identity is and refuses whoever may not come in.
	Person func(context.Context, identity) (uuid.UUID, error)
	Now    func() time.Time
}

// signIn is the OAuth client side: /login, /callback and /logout. It keeps no access token: once the provider has said
// who somebody is, our own session speaks for them.
type signIn struct {
	signInConfig

	asking singleflight.Group
	issuer atomic.Pointer[signInIssuer] // nil until the issuer has answered once
}

// newSignIn asks the issuer nothing yet, so the program starts also when the issuer is down.
func newSignIn(cfg signInConfig) *signIn { return &signIn{signInConfig: cfg} }

// login sends the browser to the provider. return_to is the page to come back to; other has the provider ask who it is, though
// somebody is signed in there.
func (s *signIn) login(w http.ResponseWriter, r *http.Request) error {
	if s.staysOut(r) {
		noStore(w)
		http.Redirect(w, r, s.SignedOut, http.StatusSeeOther)
		return nil
	}
	issuer, err := s.discover(r.Context())
	if err != nil {
		return err
	}
	attempt := signInAttempt{
		Nonce:    rand.Text(),
		Verifier: oauth2.GenerateVerifier(),
		ReturnTo: returnTo(r.URL.Query().Get("return_to")),
		At:       s.Now(),
	}
	state, err := s.Sessions.rememberAttempt(r.Context(), attempt)
	if err != nil {
		return err
	}
	noStore(w)
	options := []oauth2.AuthCodeOption{oidc.Nonce(attempt.Nonce), oauth2.S256ChallengeOption(attempt.Verifier)}
	if r.URL.Query().Has("other") {
		options = append(options, oauth2.SetAuthURLParam("prompt", issuer.askWho()))
	}
	http.Redirect(w, r, issuer.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
	return nil
}

// callback is where the provider sends the browser back to. It refuses an answer that this session did not ask for, has
// had already, or that comes from somebody else than the issuer.
func (s *signIn) callback(w http.ResponseWriter, r *http.Request) error {
	ctx, query := r.Context(), r.URL.Query()
	noStore(w)
	if err := parseOnce(r); err != nil {
		return err
	}
	attempt, ok, err := s.Sessions.takeAttempt(ctx, query.Get("state"), s.Now())
	if err != nil {
		return err
	}
	if !ok {
		return &domain.Refusal{
			Kind: domain.Conflict, Code: "sign_in.unknown_attempt",
			Message: "This sign-in took too long or was begun elsewhere. Sign in again.",
		}
	}
	issuer, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if err := issuer.checkAnswer(query); err != nil {
		return err
	}
	who, err := issuer.identify(ctx, query.Get("code"), attempt)
	if err != nil {
		return err
	}
	person, err := s.Person(ctx, who)
	if err != nil {
		return err
	}
	if err := s.Sessions.start(ctx, person, who.IDToken, r.UserAgent()); err != nil {
		return err
	}
	s.markSignedOut(w, false)
	http.Redirect(w, r, attempt.ReturnTo, http.StatusSeeOther)
	return nil
}

// logout ends our session first, whatever happens then, and sends the browser to the provider to be signed out there.
func (s *signIn) logout(w http.ResponseWriter, r *http.Request) error {
	idToken, err := s.Sessions.end(r.Context())
	if err != nil {
		return err
	}
	noStore(w)
	s.markSignedOut(w, true)
	to, ok := s.atProvider(r.Context(), idToken)
	switch {
	case !ok:
		to = s.PublicURL + cmp.Or(s.SignedOut, "/")
	case s.Leave != nil:
		return s.Leave(w, r, to)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// atProvider is where the provider signs out whoever has signed in with an ID token, if it can.
func (s *signIn) atProvider(ctx context.Context, idToken string) (to string, ok bool) {
	if idToken == "" {
		return "", false
	}
	issuer, err := s.discover(ctx)
	if err != nil {
		// The person is signed out here; a provider that is down is no reason to show them an error.
		slog.WarnContext(ctx, "not signed out at the provider", "error", err)
		return "", false
	}
	if issuer.EndSession == "" {
		return "", false
	}
	u, err := url.Parse(issuer.EndSession)
	if err != nil {
		slog.WarnContext(ctx, "not signed out at the provider", "error", err)
		return "", false
	}
	query := u.Query()
	query.Set("id_token_hint", idToken)
	query.Set("client_id", s.ClientID)
	query.Set("post_logout_redirect_uri", s.PublicURL+"/")
	u.RawQuery = query.Encode()
	return u.String(), true
}

// noStore keeps codes and what depends on the person out of caches.
func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }
