package handlers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/sql/sqltest"
)

// newWholeSite makes the site with all that it wraps around its pages, as people reach it under an address, and a person of it. It
// is reached without a network.
func newWholeSite(t *testing.T, publicURL string) (*authSite, auth.Person) {
	t.Helper()
	origin, err := url.Parse(publicURL)
	require.NoError(t, err)
	s := &authSite{t: t, url: publicURL, pool: sqltest.Pool(t), clock: &testClock{}}
	site, err := New(t.Context(), Config{
		Pool: s.pool, PublicURL: publicURL, Books: accounting.Books{Zone: time.UTC}, Currency: "USD", Now: s.clock.now,
	})
	require.NoError(t, err)
	s.transport = inProcess{origin: origin, handler: site}
	return s, s.person(domain.Worker)
}

// entered signs somebody in through the pages of the whole site and returns every answer on the way.
func (b *browser) entered(p auth.Person) (answers []testAnswer) {
	b.site.t.Helper()
	answers = append(answers, b.get("/login"))
	answers = append(answers, b.get(b.to(answers[0]).String()))
	answers = append(answers, b.enter(b.to(answers[1]), p.Login, testPassword))
	return append(answers, b.get(b.to(answers[2]).String()))
}

func TestCookiesAreForThisHostOverTLSOnly_RFC6265bis_4_1_3(t *testing.T) {
	t.Parallel()
	s, p := newWholeSite(t, "https://ates.example.com")
	names := map[string]bool{}
	for _, res := range s.browser().entered(p) {
		for _, c := range res.Cookies() {
			names[c.Name] = true
			require.True(t, strings.HasPrefix(c.Name, "__Host-"), c.Name)
			require.True(t, c.Secure, c.Name)
			require.True(t, c.HttpOnly, c.Name)
			require.Equal(t, "/", c.Path, c.Name)
			require.Empty(t, c.Domain, c.Name)
		}
	}
	require.Contains(t, names, "__Host-ates")
	require.Contains(t, names, "__Host-"+providerBrowserCookie)
	require.Contains(t, names, "__Host-"+providerSessionCookie)
}

// RFC 9700 4.2 and 4.16: no other site frames the provider's pages, learns their addresses or reads what they answer.
func TestProviderPagesAreNeitherFramedNorTold_RFC9700_4_16(t *testing.T) {
	t.Parallel()
	s, p := newWholeSite(t, "https://ates.example.com")
	b := s.browser()
	answers := append(b.entered(p), b.get("/auth/authorize?client_id=other"), b.get("/auth/end_session?client_id=other"), b.get("/auth/keys"),
		b.get("/auth/.well-known/openid-configuration"), b.get("/auth/nothing"), b.post("/auth/token", nil), b.post("/auth/revoke", nil),
		b.get("/auth/userinfo"))
	for _, res := range answers {
		at := res.Request.URL.Path
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", at)
		require.Contains(t, []string{"no-referrer", "same-origin"}, res.Header.Get("Referrer-Policy"), at)
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), at)
		require.Contains(t, strings.Join(res.Header.Values("Cache-Control"), ","), "no-store", at)
		require.Empty(t, res.Header.Get("Access-Control-Allow-Origin"), at)
	}
}

// 307 and 308 would have the browser send the form, and the password in it, once more to wherever they lead.
func TestFormsAreNeverSentOn_RFC9700_4_12(t *testing.T) {
	t.Parallel()
	s, p := newWholeSite(t, "https://ates.example.com")
	b := s.browser()
	answers := b.entered(p)
	require.Equal(t, http.StatusSeeOther, answers[2].StatusCode, "the form with the password is answered")
	require.Equal(t, "GET", b.follow(answers[2]).Request.Method)
	form := url.Values{"login": {p.Login}, "password": {testPassword}}
	for _, path := range []string{
		"/auth//login", "/auth/./login", "/auth/x/../login", "//auth/login", "/login", "/login/", "/callback", "/logout", "/ops/jobs", "/static",
		"/live/", "/tasks/", "//evil.example/..", "/auth/authorize", "/auth/end_session", "/preferences",
	} {
		res := b.post(path, form)
		if res.StatusCode >= 300 && res.StatusCode < 400 {
			require.Equal(t, http.StatusSeeOther, res.StatusCode, path)
			require.NotContains(t, res.Header.Get("Location"), "password", path)
			require.Equal(t, "ates.example.com", b.to(res).Host, path)
		}
	}
	require.Equal(t, http.StatusSeeOther, b.post("/auth//login", form).StatusCode, "what the router would have sent on")
}

// What a handler redirects with is written in it.
func TestEveryRedirectIsA303_RFC9700_4_12(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	redirects := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			called, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || called.Sel.Name != "Redirect" && called.Sel.Name != "RedirectHandler" {
				return true
			}
			redirects++
			status, ok := call.Args[len(call.Args)-1].(*ast.SelectorExpr)
			require.True(t, ok && status.Sel.Name == "StatusSeeOther", "%s", fset.Position(call.Pos()))
			return true
		})
	}
	require.GreaterOrEqual(t, redirects, 8)
}

func TestParametersComeOnce_RFC6749_3_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b, p := s.browser(), s.person(domain.Worker)
	a := s.asking()
	for name := range a.query {
		twice := s.asking()
		twice.query.Add(name, twice.query.Get(name))
		require.Equal(t, "auth.parameter_twice", s.browser().authorize(twice).body, name)
		twice = s.asking()
		twice.query.Set(strings.ToUpper(name), "another")
		require.Equal(t, "auth.parameter_twice", s.browser().authorize(twice).body, "%s in capitals", name)
	}
	require.Equal(t, "auth.parameter_twice", b.post("/auth/authorize?"+a.query.Encode(), url.Values{"state": {"again"}}).body, "in the query and in the form")

	page := b.to(b.authorize(a))
	form := url.Values{"request": {page.Query().Get("request")}, "login": {p.Login, "other"}, "password": {testPassword}}
	require.Equal(t, "auth.parameter_twice", b.post("/auth/login", form).body)
	require.Equal(t, "auth.parameter_twice", b.get("/auth/end_session?state=a&state=b").body)
	require.Equal(t, "auth.parameter_twice", b.get("/callback?state=a&state=b").body, "the client's side")

	code := b.code(a, p)
	for _, name := range []string{"grant_type", "code", "redirect_uri", "code_verifier"} {
		res := s.redeem(code, a, func(_ *http.Request, f url.Values) { f.Add(name, f.Get(name)) })
		require.Equal(t, "invalid_request", res.json(t)["error"], name)
	}
	s.redeem(code, a).tokens(t) // none of these tries has used the code up
}
