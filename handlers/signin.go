package handlers

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

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
	Sessions  *sessions
	// Person returns whose account an identity is and refuses whoever may not come in.
	Person func(context.Context, identity) (uuid.UUID, error)
	Now    func() time.Time
}

// signIn is the OAuth client side: /login, /callback and /logout. It keeps no access token: once the provider has said
// who somebody is, our own session speaks for them.
type signIn struct {
	signInConfig

	mu     sync.Mutex
	issuer *signInIssuer // nil until the issuer has answered once
}

// newSignIn asks the issuer nothing yet, so the program starts also when the issuer is down.
func newSignIn(cfg signInConfig) *signIn { return &signIn{signInConfig: cfg} }

// login sends the browser to the provider. return_to is the page to come back to.
func (s *signIn) login(w http.ResponseWriter, r *http.Request) error {
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
	to := issuer.oauth.AuthCodeURL(state, oidc.Nonce(attempt.Nonce), oauth2.S256ChallengeOption(attempt.Verifier))
	http.Redirect(w, r, to, http.StatusSeeOther)
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
	http.Redirect(w, r, s.afterLogout(r.Context(), idToken), http.StatusSeeOther)
	return nil
}

func (s *signIn) afterLogout(ctx context.Context, idToken string) string {
	home := s.PublicURL + "/"
	if idToken == "" {
		return home
	}
	issuer, err := s.discover(ctx)
	if err != nil {
		// The person is signed out here; a provider that is down is no reason to show them an error.
		slog.WarnContext(ctx, "not signed out at the provider", "error", err)
		return home
	}
	if issuer.EndSession == "" {
		return home
	}
	return issuer.EndSession + "?" + url.Values{
		"id_token_hint":            {idToken},
		"client_id":                {s.ClientID},
		"post_logout_redirect_uri": {home},
	}.Encode()
}

// noStore keeps codes and what depends on the person out of caches.
func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }
