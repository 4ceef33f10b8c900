package handlers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// providerConfig says for whom and under which name the Auth-Service vouches for people.
type providerConfig struct {
	DB dbsqlc.DBTX
	// Issuer is the provider's name and address: the public URL followed by /auth.
	Issuer  string
	Clients []providerClient
	// Demo lets people in as one of auth.DemoPeople without a password.
	Demo bool
	// Commands add and remove passkeys.
	Commands Commands
	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Now            func() time.Time
	Pages          providerPages
}

// providerPages are what people see of the provider.
type providerPages struct {
	// SignIn shows the login page.
	SignIn func(http.ResponseWriter, *http.Request, providerSignIn) error
	// Passkeys shows somebody their passkeys.
	Passkeys func(http.ResponseWriter, *http.Request, providerPasskeys) error
	// Failed answers with what an error means: a page for a refusal, another for a fault.
	Failed func(http.ResponseWriter, *http.Request, error)
}

// provider is the Auth-Service's side of OAuth 2 and OpenID Connect, mounted at /auth/. It grants codes to clients that use
// PKCE and turns them into tokens, for some clients also into tokens for more tokens, and nothing else: no other grant, no
// access from other origins.
// The protocol's parsing, checking and signing is zitadel/oidc's; what that leaves open is closed here.
type provider struct {
	providerConfig
	http.Handler

	queries *dbsqlc.Queries
	op      *op.Provider
	origin  *url.URL
	secure  bool

	knownBrowsers []byte             // the key that seals their cookies
	relyingParty  *webauthn.WebAuthn // nil where there are no passkeys
}

// newProvider prepares the keys, which lie in Postgres and are made when there are none. It refuses an issuer that does
// not use TLS, except on this machine.
func newProvider(ctx context.Context, cfg providerConfig) (*provider, error) {
	origin, err := checkIssuer(cfg.Issuer)
	if err != nil {
		return nil, err
	}
	p := &provider{providerConfig: cfg, queries: dbsqlc.New(cfg.DB), origin: origin, secure: origin.Scheme == "https"}
	if err := p.ensureKeys(ctx); err != nil {
		return nil, err
	}
	secret, err := p.queries.FindSealingKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("find sealing key: %w", err)
	}
	if p.knownBrowsers, err = knownBrowserKey(secret); err != nil {
		return nil, err
	}
	if p.relyingParty, err = newRelyingParty(origin); err != nil {
		return nil, err
	}
	options := []op.Option{
		// The library's own choice would also open what AES-CFB has sealed, which anybody can alter.
		op.WithCrypto(op.NewAES256GCMCrypto([32]byte(secret), "")),
		op.WithIDTokenHintVerifierOpts(op.WithSupportedIDTokenHintSigningAlgorithms(providerAlgorithm)),
	}
	if !p.secure {
		options = append(options, op.WithAllowInsecure())
	}
	settings := &op.Config{CodeMethodS256: true, DefaultLogoutRedirectURI: p.home()}
	p.op, err = op.NewProvider(settings, &providerStorage{provider: p}, op.StaticIssuer(cfg.Issuer), options...)
	if err != nil {
		return nil, fmt.Errorf("set up provider: %w", err)
	}
	p.Handler = p.routes()
	return p, nil
}

// checkIssuer returns the address of the program that an issuer belongs to.
func checkIssuer(issuer string) (*url.URL, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("read issuer: %w", err)
	}
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "/auth":
		return nil, fmt.Errorf("issuer %q must be a host's address followed by /auth, such as https://ates.example.com/auth", issuer)
	case u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())):
		return nil, fmt.Errorf("issuer %q must begin with https://, since passwords travel to it; http:// is for localhost only", issuer)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// routes is all that the provider answers to. The library has a router of its own, with more on it than we want.
func (p *provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /auth/keys", p.keys)
	mux.HandleFunc("GET /auth/authorize", p.page(p.authorize))
	mux.HandleFunc("POST /auth/authorize", p.page(p.authorize))
	mux.HandleFunc("GET /auth/login", p.page(p.showSignIn))
	mux.HandleFunc("POST /auth/login", p.page(p.signIn))
	mux.HandleFunc("POST /auth/login/passkey", p.page(p.askPasskeyToSignIn))
	mux.HandleFunc("GET /auth/passkeys", p.page(p.showPasskeys))
	mux.HandleFunc("POST /auth/passkeys", p.page(p.addPasskey))
	mux.HandleFunc("POST /auth/passkeys/options", p.page(p.askNewPasskey))
	mux.HandleFunc("POST /auth/passkeys/again", p.page(p.signInAgain))
	mux.HandleFunc("POST /auth/passkeys/{id}/remove", p.page(p.removePasskey))
	mux.HandleFunc("POST /auth/token", p.token)
	mux.HandleFunc("POST /auth/revoke", p.revoke)
	mux.HandleFunc("GET /auth/userinfo", p.userinfo)
	mux.HandleFunc("POST /auth/userinfo", p.userinfo)
	mux.HandleFunc("GET /auth/end_session", p.page(p.endSession))
	mux.HandleFunc("POST /auth/end_session", p.page(p.endSession))
	withIssuer := op.NewIssuerInterceptor(p.op.IssuerFromRequest)
	return withIssuer.Handler(uncached(routed(mux)))
}

// uncached keeps codes and tokens out of caches (RFC 6749 5.1).
func uncached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noStore(w)
		next.ServeHTTP(w, r)
	})
}

// page turns a handler that returns an error into one that shows it.
func (p *provider) page(show func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := show(w, r); err != nil {
			p.Pages.Failed(w, r, err)
		}
	}
}

// transport reaches the provider from within the process.
func (p *provider) transport() http.RoundTripper { return inProcess{origin: p.origin, handler: p} }

// home is the program's first page.
func (p *provider) home() string { return p.origin.String() + "/" }

// send redirects to an address that the client has registered, with more in its query. 303, because 307 would send a password on with it
// (RFC 9700 4.12).
func send(w http.ResponseWriter, r *http.Request, to string, more url.Values) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("read redirect URI: %w", err)
	}
	query := u.Query()
	for name, values := range more {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther) //nolint:gosec // the client has registered it
	return nil
}

// parseOnce reads the parameters of a request and refuses those that come twice (RFC 6749 3.1).
func parseOnce(r *http.Request) error {
	var tooLarge *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &tooLarge):
		return &domain.Refusal{Kind: domain.Invalid, Code: "auth.too_large", Message: "This request is too large."}
	case err != nil:
		return &domain.Refusal{Kind: domain.Invalid, Code: "auth.unreadable", Message: "This request cannot be read."}
	}
	// The library takes names in any case, so those that differ in nothing else are the same.
	times := map[string]int{}
	for name, values := range r.Form {
		times[strings.ToLower(name)] += len(values)
	}
	maps.DeleteFunc(times, func(_ string, n int) bool { return n < 2 })
	twice := slices.Sorted(maps.Keys(times))
	if len(twice) > 0 {
		return &domain.Refusal{
			Kind: domain.Invalid, Code: "auth.parameter_twice",
			Message: "This request names a parameter more than once: " + typed(strings.Join(twice, ", ")) + ".",
		}
	}
	return nil
}
