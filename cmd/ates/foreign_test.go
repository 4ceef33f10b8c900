package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const (
	foreignClient   = "ates.popug.example"
	foreignSecret   = "kept between the two + / %"
	foreignPassword = "crackers"
)

// foreignProvider is an OpenID Connect provider of somebody else's on an origin of its own: codes with PKCE, RS256, a login
// form, a session of its own, and claims beyond the identity in UserInfo only, as many have it.
type foreignProvider struct {
	t   testing.TB
	url string
	key *rsa.PrivateKey

	mu       sync.Mutex
	people   map[string]map[string]any // claims by login
	asked    map[string]url.Values     // authorization requests that wait for somebody to sign in
	grants   map[string]*foreignGrant  // by code and by access token
	sessions map[string]string         // login by cookie
	// answers is the error with which it answers instead of a code, tokens what it says instead of tokens.
	answers, tokens string
	// staysSignedIn says that it has no end_session endpoint.
	staysSignedIn bool
}

type foreignGrant struct {
	login    string
	asked    url.Values
	redeemed bool
}

// foreign makes a provider that listens nowhere yet, under an address that is free.
func foreign(t testing.TB) *foreignProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	return &foreignProvider{
		t: t, url: "http://" + free.Addr().String(), key: key, people: map[string]map[string]any{},
		asked: map[string]url.Values{}, grants: map[string]*foreignGrant{}, sessions: map[string]string{},
	}
}

// listen has the provider serve until the test ends.
func (f *foreignProvider) listen() *foreignProvider {
	f.t.Helper()
	var listener net.Listener
	require.Eventually(f.t, func() (ok bool) {
		var err error
		listener, err = net.Listen("tcp", strings.TrimPrefix(f.url, "http://"))
		return err == nil
	}, 20*time.Second, 20*time.Millisecond, "its address is free again")
	server := httptest.NewUnstartedServer(f.routes())
	require.NoError(f.t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	f.t.Cleanup(server.Close)
	return f
}

// env has a program sign people in here, on a database.
func (f *foreignProvider) env(database string, more ...string) []string {
	return append([]string{
		"DATABASE_URL=" + database, "OIDC_ISSUER=" + f.url, "OIDC_CLIENT_ID=" + foreignClient, "OIDC_CLIENT_SECRET=" + foreignSecret,
		"OIDC_ROLES_CLAIM=/resource_access/" + foreignClient + "/roles", "OIDC_ROLE_MAP=bosses=admin,flock-leads=manager,chiefs=top-manager,flock=worker",
	}, more...)
}

// knows makes somebody known, or known otherwise, who has groups at the client.
func (f *foreignProvider) knows(login, name string, groups ...string) {
	f.set(login, map[string]any{
		"sub": "id-of-" + login, "preferred_username": login, "name": name, "email": login + "@popug.example", "email_verified": true,
		"resource_access": map[string]any{foreignClient: map[string]any{"roles": append([]string{"uma_authorization"}, groups...)}},
	})
}

func (f *foreignProvider) set(login string, claims map[string]any) {
	f.change(func() { f.people[login] = claims })
}

func (f *foreignProvider) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
}

func (f *foreignProvider) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			answer(w, r)
		})
	}
	handle("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		document := map[string]any{
			"issuer": f.url, "authorization_endpoint": f.url + "/authorize", "token_endpoint": f.url + "/token", "jwks_uri": f.url + "/keys",
			"userinfo_endpoint": f.url + "/userinfo", "end_session_endpoint": f.url + "/end_session", "response_types_supported": []string{"code"},
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256"}, "code_challenge_methods_supported": []string{"S256"},
			"authorization_response_iss_parameter_supported": true,
		}
		if f.staysSignedIn {
			delete(document, "end_session_endpoint")
		}
		writeJSON(w, http.StatusOK, document)
	})
	handle("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	handle("GET /authorize", f.authorize)
	handle("POST /login", f.login)
	handle("POST /token", f.token)
	handle("GET /userinfo", f.userinfo)
	handle("GET /end_session", f.endSession)
	return mux
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (f *foreignProvider) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	redirect, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil || redirect.Path != "/callback" || asked.Get("client_id") != foreignClient || asked.Get("response_type") != "code" ||
		asked.Get("code_challenge_method") != "S256" || asked.Get("nonce") == "" || !strings.Contains(asked.Get("scope"), "openid") {
		http.Error(w, "This client asks for what is not registered.", http.StatusBadRequest)
		return
	}
	if cookie, err := r.Cookie("foreign"); err == nil && f.sessions[cookie.Value] != "" && asked.Get("prompt") == "" {
		f.grant(w, r, asked, f.sessions[cookie.Value])
		return
	}
	id := rand.Text()
	f.asked[id] = asked
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Popug ID</title><link rel="icon" href="data:,"><h1>Popug ID</h1>
		<form method="post" action="/login"><input type="hidden" name="request" value="%s">
		<input name="username" aria-label="User name"><input name="secret" type="password" aria-label="Password"><button>Go on</button></form>`, html.EscapeString(id))
}

func (f *foreignProvider) login(w http.ResponseWriter, r *http.Request) {
	asked, login := f.asked[r.PostFormValue("request")], r.PostFormValue("username")
	if asked == nil || f.people[login] == nil || r.PostFormValue("secret") != foreignPassword {
		http.Error(w, "No.", http.StatusForbidden)
		return
	}
	delete(f.asked, r.PostFormValue("request"))
	session := rand.Text()
	f.sessions[session] = login
	http.SetCookie(w, &http.Cookie{Name: "foreign", Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	f.grant(w, r, asked, login)
}

func (f *foreignProvider) grant(w http.ResponseWriter, r *http.Request, asked url.Values, login string) {
	answer := url.Values{"state": {asked.Get("state")}, "iss": {f.url}}
	if f.answers != "" {
		answer.Set("error", f.answers)
	} else {
		code := rand.Text()
		f.grants[code] = &foreignGrant{login: login, asked: asked}
		answer.Set("code", code)
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

func (f *foreignProvider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id) // RFC 6749 2.3.1
	secret, _ = url.QueryUnescape(secret)
	grant, sum := f.grants[r.PostFormValue("code")], sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case f.tokens != "":
		_, _ = fmt.Fprint(w, f.tokens)
		return
	case id != foreignClient || secret != foreignSecret:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	case grant == nil || grant.redeemed || r.PostFormValue("redirect_uri") != grant.asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != grant.asked.Get("code_challenge"):
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	grant.redeemed = true
	access := rand.Text()
	f.grants[access] = grant
	hash := sha256.Sum256([]byte(access))
	writeJSON(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": f.sign(map[string]any{
		"iss": f.url, "aud": []string{foreignClient}, "azp": foreignClient, "sub": f.people[grant.login]["sub"], "nonce": grant.asked.Get("nonce"),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
	})})
}

func (f *foreignProvider) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: f.key, KeyID: "1"}}, nil)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

func (f *foreignProvider) userinfo(w http.ResponseWriter, r *http.Request) {
	grant := f.grants[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if grant == nil || !grant.redeemed {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	writeJSON(w, http.StatusOK, maps.Clone(f.people[grant.login]))
}

func (f *foreignProvider) endSession(w http.ResponseWriter, r *http.Request) {
	hint, err := jose.ParseSigned(r.URL.Query().Get("id_token_hint"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		http.Error(w, "Do you want to sign out?", http.StatusBadRequest)
		return
	}
	if _, err := hint.Verify(f.key.Public()); err != nil {
		http.Error(w, "Do you want to sign out?", http.StatusBadRequest)
		return
	}
	if cookie, err := r.Cookie("foreign"); err == nil {
		delete(f.sessions, cookie.Value)
	}
	http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusSeeOther)
}

// signIn signs somebody in with the provider's form and returns what the program then shows.
func (f *foreignProvider) signIn(p *person, login string) (status int, body string) {
	f.t.Helper()
	status, body = p.get("/login?other=1")
	require.Equal(f.t, http.StatusOK, status, body)
	there := *p
	there.address = f.url
	return there.post("/login", url.Values{"request": {hidden(f.t, body, "request")}, "username": {login}, "secret": {foreignPassword}})
}

// in is a browser in which somebody is signed in by the provider.
func (f *foreignProvider) in(p *program, login string) *person {
	f.t.Helper()
	someone := nobody(f.t, p.address)
	status, body := f.signIn(someone, login)
	require.Equal(f.t, http.StatusOK, status, body)
	require.Contains(f.t, body, `action="/logout"`)
	return someone
}
