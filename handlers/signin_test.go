package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
)

// answer is where the provider would send the browser back to, after a sign-in that has begun with /login.
func (b *browser) answer(loginAt string, p auth.Person) *url.URL {
	b.site.t.Helper()
	next := b.to(b.get(b.to(b.get(loginAt)).String()))
	if next.Path != "/auth/login" {
		return next
	}
	return b.to(b.enter(next, p.Login, testPassword))
}

func TestSigningInLeadsToWhereOneWanted(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	require.Empty(t, b.whoami())
	back := b.answer("/login?return_to=%2Ftasks%3Fq%3Dnut", p)
	require.Equal(t, s.url+"/tasks?q=nut", b.to(b.get(back.String())).String())
	require.Equal(t, p.ID.String(), b.whoami())
}

func TestAnswerIsTakenOnceAndOnlyWhereItWasAskedFor_RFC9700_4_7(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	back := b.answer("/login", p)

	other := s.browser()
	other.get("/login")
	require.Equal(t, "sign_in.unknown_attempt", other.get(back.String()).body, "a code slipped into another browser")
	require.Empty(t, other.whoami())

	forged := *back
	query := forged.Query()
	query.Set("state", "x")
	forged.RawQuery = query.Encode()
	require.Equal(t, "sign_in.unknown_attempt", b.get(forged.String()).body)

	require.Equal(t, http.StatusSeeOther, b.get(back.String()).StatusCode)
	require.Equal(t, "sign_in.unknown_attempt", b.get(back.String()).body, "a second time")
	require.Equal(t, p.ID.String(), b.whoami(), "who is signed in stays so")
}

func TestTwoTabsCanSignInAtOnce_RFC9700_4_7(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	first, second := b.answer("/login?return_to=/first", p), b.answer("/login?return_to=/second", p)
	require.Equal(t, "/second", b.to(b.get(second.String())).Path)
	require.Equal(t, "/first", b.to(b.get(first.String())).Path)
}

func TestAttemptsAreFewAndShort(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	first := b.answer("/login", p)
	second := b.answer("/login", p)
	for range signInAttempts - 1 {
		b.get("/login")
		s.clock.forward(time.Second)
	}
	require.Equal(t, "sign_in.unknown_attempt", b.get(first.String()).body, "the ninth pushes out the first")
	require.Equal(t, http.StatusSeeOther, b.get(second.String()).StatusCode)

	late := b.answer("/login", p)
	s.clock.forward(signInTimeout + time.Second)
	require.Equal(t, "sign_in.unknown_attempt", b.get(late.String()).body)
}

func TestAnswerMustNameTheIssuer_RFC9207(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p := s.person(domain.Worker)
	for name, change := range map[string]func(url.Values){
		"another issuer": func(q url.Values) { q.Set("iss", "https://evil.example") },
		"no issuer":      func(q url.Values) { q.Del("iss") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := s.on(t).browser()
			back := b.answer("/login", p)
			query := back.Query()
			change(query)
			back.RawQuery = query.Encode()
			require.Equal(t, "sign_in.wrong_issuer", b.get(back.String()).body)
			require.Empty(t, b.whoami())
		})
	}
}

func TestErrorsOfTheProviderAreShown(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	state := b.to(b.get("/login")).Query().Get("state")
	res := b.get("/callback?" + url.Values{"error": {"access_denied"}, "state": {state}, "iss": {s.provider.Issuer}}.Encode())
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	require.Equal(t, "sign_in.denied", res.body)

	state = b.to(b.get("/login")).Query().Get("state")
	res = b.get("/callback?" + url.Values{"code": {"x"}, "state": {state}, "iss": {s.provider.Issuer}}.Encode())
	require.Equal(t, "sign_in.code_refused", res.body)
}

func TestSigningOutEndsBothSessions(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	b.signInAs(p)
	require.Equal(t, http.StatusMethodNotAllowed, b.get("/logout").StatusCode)
	require.Equal(t, p.ID.String(), b.whoami())

	out := b.to(b.post("/logout", nil))
	require.Equal(t, "/auth/end_session", out.Path)
	require.Empty(t, b.whoami(), "ours ends first")
	require.Equal(t, s.url+"/", b.to(b.get(out.String())).String())
	require.Equal(t, "/auth/login", b.to(b.get(b.to(b.get("/login")).String())).Path, "the provider asks for the password again")

	require.Equal(t, s.url+"/", b.to(b.post("/logout", nil)).String(), "once more does no harm")
}

func TestCrossSiteFormsAreRefused_ASVS_4_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	b.signInAs(p)
	r, err := http.NewRequest(http.MethodPost, s.url+"/logout", nil)
	require.NoError(t, err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, b.do(r).StatusCode)
	require.Equal(t, p.ID.String(), b.whoami())
}

func TestWhoHasNoAccountDoesNotComeIn(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	back := b.answer("/login", p)
	s.run(&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: p.ID})
	require.NotEqual(t, http.StatusSeeOther, b.get(back.String()).StatusCode)
	require.Empty(t, b.whoami())
}

func TestReturnToStaysOnThisSite_RFC9700_4_11(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":                       "/",
		"/":                      "/",
		"/tasks":                 "/tasks",
		"/tasks?q=a%20b#x":       "/tasks?q=a%20b#x",
		"/a?to=https://b.c":      "/a?to=https://b.c",
		"tasks":                  "/",
		"//evil.example":         "/",
		"///evil.example":        "/",
		`/\evil.example`:         "/",
		`/%5cevil.example`:       "/",
		"/%2fevil.example":       "/",
		`\\evil.example`:         "/",
		"/\t/evil.example":       "/",
		"/\n/evil.example":       "/",
		"\t//evil.example":       "/",
		" //evil.example":        "/",
		"https://evil.example":   "/",
		"https:evil.example":     "/",
		"javascript:alert(1)":    "/",
		"/%zz":                   "/",
		"/x\r\nSet-Cookie: a=b":  "/",
		"/ok/\x7f":               "/",
		"http://localhost:8080/": "/",
	} {
		require.Equal(t, want, returnTo(path), "%q", path)
	}
}

// Whatever is sent, a browser that resolves the answer against a page of ours stays on our host.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/tasks?x=1", "//evil.example", `/\evil.example`, "/\t/evil.example", "https://evil.example", "/%2f%5c"} {
		f.Add(seed)
	}
	here := &url.URL{Scheme: "https", Host: "ates.example.com", Path: "/login"}
	// What browsers do to an address before they read it: https://url.spec.whatwg.org/#url-parsing
	asBrowsersRead := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/")
	f.Fuzz(func(t *testing.T, path string) {
		got := strings.TrimFunc(returnTo(path), func(r rune) bool { return r <= ' ' })
		there, err := here.Parse(asBrowsersRead.Replace(got))
		require.NoError(t, err)
		require.Equal(t, here.Scheme, there.Scheme)
		require.Equal(t, here.Host, there.Host)
	})
}
