package handlers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/sqltest"
)

const testPassword = "correct horse battery"

// testClock is the program's clock, which a test can put forward.
type testClock struct{ ahead atomic.Int64 }

func (c *testClock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())).UTC() }
func (c *testClock) forward(by time.Duration) { c.ahead.Add(int64(by)) }

// authSite is the Auth-Service, the client and a page behind it on one address, with a database of their own.
type authSite struct {
	t        *testing.T
	url      string
	pool     *pgxpool.Pool
	clock    *testClock
	client   providerClient
	provider *provider
	sessions *sessions
	signIn   *signIn
	// transport reaches the site; nil is the network.
	transport http.RoundTripper
}

// newAuthSite starts a site. change, if any, has the last word on how it is set up.
func newAuthSite(t *testing.T, change ...func(*providerConfig, *signInConfig)) *authSite {
	t.Helper()
	return newAuthSiteAt(t, "127.0.0.1", change...)
}

// newAuthSiteAt starts a site that people reach under a host's name.
func newAuthSiteAt(t *testing.T, host string, change ...func(*providerConfig, *signInConfig)) *authSite {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	s := &authSite{t: t, url: "http://" + net.JoinHostPort(host, port), pool: sqltest.Pool(t), clock: &testClock{}}
	s.client = providerClient{
		ID: "ates", Secret: rand.Text(),
		RedirectURIs: []string{s.url + "/callback"}, PostLogoutURIs: []string{s.url + "/"},
	}
	s.sessions = newSessions(s.pool, false, s.clock.now)
	forProvider := providerConfig{
		DB: s.pool, Issuer: s.url + "/auth", Clients: []providerClient{s.client}, Commands: s, Now: s.clock.now,
		Pages: providerPages{SignIn: showTestSignIn, Passkeys: showTestPasskeys, Failed: testFailed},
	}
	forClient := signInConfig{
		Issuer: forProvider.Issuer, ClientID: s.client.ID, ClientSecret: s.client.Secret, PublicURL: s.url,
		Sessions: s.sessions, Person: ownPerson(s.pool), Now: s.clock.now,
	}
	for _, c := range change {
		c(&forProvider, &forClient)
	}
	s.provider, err = newProvider(t.Context(), forProvider)
	require.NoError(t, err)
	if forClient.Transport == nil {
		forClient.Transport = s.provider.transport()
	}
	s.signIn = newSignIn(forClient)

	app := http.NewServeMux()
	app.Handle("GET /login", testPage(s.signIn.login))
	app.Handle("GET /callback", testPage(s.signIn.callback))
	app.Handle("POST /logout", testPage(s.signIn.logout))
	app.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	app.HandleFunc("GET /whoami", func(w http.ResponseWriter, r *http.Request) {
		if id, ok := s.sessions.Person(r.Context()); ok {
			_, _ = fmt.Fprint(w, id)
		}
	})
	site := http.NewServeMux()
	site.Handle("/", s.sessions.loadAndSave(app, testFailed))
	site.Handle("/auth/", s.provider)
	server.Config.Handler = http.NewCrossOriginProtection().Handler(site)
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// on is the same site for a subtest.
func (s *authSite) on(t *testing.T) *authSite {
	t.Helper()
	same := *s
	same.t = t
	return &same
}

func testPage(show func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := show(w, r); err != nil {
			testFailed(w, r, err)
		}
	})
}

// testFailed answers like the site does, with the code of a refusal as the body.
func testFailed(w http.ResponseWriter, _ *http.Request, err error) {
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(statuses[refusal.Kind])
	_, _ = fmt.Fprint(w, refusal.Code)
}

// showTestSignIn shows why a try failed and nothing else.
func showTestSignIn(w http.ResponseWriter, _ *http.Request, d providerSignIn) error {
	if d.Refused != nil {
		retryAfter(w, d.Refused)
		w.WriteHeader(statuses[d.Refused.Kind])
		_, _ = fmt.Fprint(w, d.Refused.Code)
	}
	return nil
}

// showTestPasskeys shows why a try failed, or else one passkey a line.
func showTestPasskeys(w http.ResponseWriter, _ *http.Request, d providerPasskeys) error {
	body := ""
	for _, passkey := range d.Passkeys {
		body += fmt.Sprintln(passkey.ID, passkey.Name, passkey.UsedAt != nil)
	}
	if d.Refused != nil {
		w.WriteHeader(statuses[d.Refused.Kind])
		body = d.Refused.Code
	}
	_, _ = fmt.Fprint(w, body)
	return nil
}

// person makes somebody known who signs in with testPassword.
func (s *authSite) person(role domain.Role) auth.Person {
	s.t.Helper()
	cmd := auth.DemoPeople()[0] // whose password is quickly hashed
	cmd.Request, cmd.Login, cmd.Name, cmd.Role, cmd.Password = domain.Request{By: auth.System}, "p"+strings.ReplaceAll(uuid.NewString(), "-", ""), "Polly Parrot", role, testPassword
	cmd.Email = cmd.Login + "@popug.example"
	s.run(cmd)
	person, err := auth.FindPerson(s.t.Context(), s.pool, cmd.ID)
	require.NoError(s.t, err)
	return person
}

func (s *authSite) run(cmd domain.Command) {
	s.t.Helper()
	require.NoError(s.t, s.Do(s.t.Context(), cmd))
}

// Do runs a command and forgets its events.
func (s *authSite) Do(ctx context.Context, cmd domain.Command) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := cmd.Handle(ctx, domain.Tx{Tx: tx, Now: s.clock.now()})
		return err
	})
}

// browser keeps cookies and shows redirects instead of following them.
type browser struct {
	site   *authSite
	client *http.Client
}

func (s *authSite) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{site: s, client: &http.Client{
		Jar: jar, Transport: s.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// testAnswer is an answer that has been read.
type testAnswer struct {
	*http.Response
	body string
}

func (b *browser) do(r *http.Request) testAnswer {
	b.site.t.Helper()
	res, err := b.client.Do(r.WithContext(b.site.t.Context()))
	require.NoError(b.site.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.site.t, err)
	return testAnswer{res, string(body)}
}

// get asks for an address, of this site when it begins with a slash.
func (b *browser) get(address string) testAnswer {
	b.site.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.site.absolute(address), nil)
	require.NoError(b.site.t, err)
	return b.do(r)
}

func (b *browser) post(address string, form url.Values) testAnswer {
	b.site.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.site.absolute(address), strings.NewReader(form.Encode()))
	require.NoError(b.site.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

func (s *authSite) absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return s.url + address
	}
	return address
}

// to is where an answer redirects to. Every redirect of ours is a 303 (RFC 9700 4.12).
func (b *browser) to(a testAnswer) *url.URL {
	b.site.t.Helper()
	require.Equal(b.site.t, http.StatusSeeOther, a.StatusCode, a.body)
	u, err := a.Location()
	require.NoError(b.site.t, err)
	return u
}

// follow goes on while answers redirect.
func (b *browser) follow(a testAnswer) testAnswer {
	b.site.t.Helper()
	for range 10 {
		if a.StatusCode != http.StatusSeeOther {
			return a
		}
		a = b.get(b.to(a).String())
	}
	b.site.t.Fatal("the redirects go round in a circle")
	return a
}

// whoami is the id of who is signed in at the client, "" for nobody.
func (b *browser) whoami() string {
	b.site.t.Helper()
	return b.get("/whoami").body
}

// enter sends the login page's form.
func (b *browser) enter(loginPage *url.URL, login, password string) testAnswer {
	b.site.t.Helper()
	return b.post("/auth/login", url.Values{
		"request": {loginPage.Query().Get("request")}, "login": {login}, "password": {password},
	})
}

// overlong is a wrong password that is too long to be hashed, so that tests which need many of them are quick.
var overlong = strings.Repeat("x", 300)

// lockOut sends wrong passwords for a login until the next one has to wait for about a minute, which no test takes.
func (b *browser) lockOut(loginPage *url.URL, login string) {
	b.site.t.Helper()
	for range 5 {
		require.Equal(b.site.t, http.StatusUnprocessableEntity, b.enter(loginPage, login, overlong).StatusCode)
	}
	for wait := time.Second; wait <= 64*time.Second; wait *= 2 {
		require.Equal(b.site.t, http.StatusUnprocessableEntity, b.enter(loginPage, login, overlong).StatusCode)
		if wait < 64*time.Second {
			b.site.clock.forward(wait)
		}
	}
}

// signInAs walks the whole way through the client.
func (b *browser) signInAs(p auth.Person) {
	b.site.t.Helper()
	loginPage := b.to(b.get(b.to(b.get("/login")).String()))
	require.Equal(b.site.t, "/auth/login", loginPage.Path)
	b.follow(b.enter(loginPage, p.Login, testPassword))
	require.Equal(b.site.t, p.ID.String(), b.whoami())
}

// asking is an authorization request as a client of the test's own makes it.
type asking struct {
	verifier string
	query    url.Values
}

func (s *authSite) asking() asking {
	verifier := oauth2.GenerateVerifier()
	return asking{verifier: verifier, query: url.Values{
		"client_id":             {s.client.ID},
		"redirect_uri":          {s.client.RedirectURIs[0]},
		"response_type":         {"code"},
		"scope":                 {"openid profile email"},
		"state":                 {"the-state"},
		"nonce":                 {"the-nonce"},
		"code_challenge":        {oauth2.S256ChallengeFromVerifier(verifier)},
		"code_challenge_method": {"S256"},
	}}
}

func (b *browser) authorize(a asking) testAnswer {
	b.site.t.Helper()
	return b.get("/auth/authorize?" + a.query.Encode())
}

// code signs somebody in for a request and returns the code without redeeming it.
func (b *browser) code(a asking, p auth.Person) string {
	b.site.t.Helper()
	back := b.to(b.enter(b.to(b.authorize(a)), p.Login, testPassword))
	code := back.Query().Get("code")
	require.NotEmpty(b.site.t, code, back)
	return code
}

// redeem asks the token endpoint of a provider for tokens, as the client.
func (s *authSite) redeem(code string, a asking, change ...func(*http.Request, url.Values)) testAnswer {
	s.t.Helper()
	return s.asClient("/auth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {a.query.Get("redirect_uri")}, "code_verifier": {a.verifier},
	}, change...)
}

// asClient sends a form as the client does, without a browser.
func (s *authSite) asClient(path string, form url.Values, change ...func(*http.Request, url.Values)) testAnswer {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+path, nil)
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.client.ID, s.client.Secret)
	for _, c := range change {
		c(r, form)
	}
	r.Body = io.NopCloser(strings.NewReader(form.Encode()))
	return s.browser().do(r)
}

// userinfo asks what an access token grants to know.
func (s *authSite) userinfo(token string) testAnswer {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+"/auth/userinfo", nil)
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	return s.browser().do(r)
}

// json reads an answer.
func (a testAnswer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// tokens reads the answer of the token endpoint.
func (a testAnswer) tokens(t *testing.T) (access, id string) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.StatusCode, a.body)
	v := a.json(t)
	return v["access_token"].(string), v["id_token"].(string)
}
