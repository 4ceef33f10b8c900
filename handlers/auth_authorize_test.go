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

// What is wrong with the redirect URI must not be sent to it.
func TestRedirectURIIsComparedLetterByLetter_RFC9700_2_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	good := s.client.RedirectURIs[0]
	for name, uri := range map[string]string{
		"missing":            "",
		"with a suffix":      good + "/x",
		"with a query":       good + "?x=1",
		"with a fragment":    good + "#x",
		"of another port":    "http://127.0.0.1:1/callback",
		"of another host":    "https://evil.example/callback",
		"of another scheme":  strings.Replace(good, "http:", "https:", 1),
		"in capitals":        strings.ToUpper(good),
		"with user":          strings.Replace(good, "http://", "http://evil.example@", 1),
		"with a path upward": good + "/../callback",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a := s.on(t), s.asking()
			a.query.Set("redirect_uri", uri)
			res := s.browser().authorize(a)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
			require.Equal(t, "auth.unknown_client", res.body)
			require.Empty(t, res.Header.Get("Location"))
		})
	}
	t.Run("of an unknown client", func(t *testing.T) {
		t.Parallel()
		s, a := s.on(t), s.asking()
		a.query.Set("client_id", "other")
		require.Equal(t, "auth.unknown_client", s.browser().authorize(a).body)
	})
	t.Run("of another client", func(t *testing.T) {
		t.Parallel()
		other, s := newOfflineSite(t)
		a := s.asking()
		a.query.Set("redirect_uri", other.client.RedirectURIs[0])
		res := s.browser().authorize(a)
		require.Equal(t, "auth.unknown_client", res.body)
		require.Empty(t, res.Header.Get("Location"))
	})
}

func TestPKCEIsMandatory_RFC7636_4_4_1(t *testing.T) {
	t.Parallel()
	requireRefused(t, []wrongAsking{
		{"no challenge, RFC 9700 2.1.1", "code_challenge", "", "invalid_request"},
		{"a short challenge, RFC 7636 4.2", "code_challenge", "short", "invalid_request"},
		{"a challenge that is too long", "code_challenge", strings.Repeat("A", 44), "invalid_request"},
		{"a challenge in another alphabet", "code_challenge", strings.Repeat("+", 43), "invalid_request"},
		{"plain", "code_challenge_method", "plain", "invalid_request"},
		{"no method, which means plain", "code_challenge_method", "", "invalid_request"},
		{"an unknown method", "code_challenge_method", "S512", "invalid_request"},
		{"a method in lower case", "code_challenge_method", "s256", "invalid_request"},
	})
}

func TestImplicitAndHybridAreRefused_RFC9700_2_1_2(t *testing.T) {
	t.Parallel()
	requireRefused(t, []wrongAsking{
		{"implicit", "response_type", "token", "unsupported_response_type"},
		{"implicit with ID token", "response_type", "id_token token", "unsupported_response_type"},
		{"ID token only", "response_type", "id_token", "unsupported_response_type"},
		{"hybrid", "response_type", "code id_token", "unsupported_response_type"},
		{"no response type", "response_type", "", "unsupported_response_type"},
		{"form_post", "response_mode", "form_post", "invalid_request"},
		{"fragment", "response_mode", "fragment", "invalid_request"},
	})
}

func TestWhatTheProviderDoesNotOfferIsRefused_OIDCCore_3_1_2_6(t *testing.T) {
	t.Parallel()
	requireRefused(t, []wrongAsking{
		{"no openid", "scope", "profile", "invalid_scope"},
		{"a request object", "request", "e30.e30.", "request_not_supported"},
		{"a request by reference", "request_uri", "https://evil.example/r", "request_uri_not_supported"},
		{"prompts that contradict", "prompt", "none login", "invalid_request"},
		{"a hint that is none", "id_token_hint", "x", "login_required"},
		{"a nonce that is not text", "nonce", "\x00", "invalid_request"},
		{"a nonce without end", "nonce", strings.Repeat("x", 513), "invalid_request"},
	})
}

// wrongAsking is a request that is right but for one parameter, and the error it gets.
type wrongAsking struct{ name, parameter, value, code string }

// requireRefused requires that what is wrong goes back to the client, with its state and with who says so.
func requireRefused(t *testing.T, askings []wrongAsking) {
	t.Helper()
	s := newAuthSite(t)
	for _, c := range askings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, a := s.on(t), s.asking()
			a.query.Set(c.parameter, c.value)
			b := s.browser()
			back := b.to(b.authorize(a))
			require.Equal(t, s.client.RedirectURIs[0], "http://"+back.Host+back.Path)
			require.Equal(t, c.code, back.Query().Get("error"))
			require.Equal(t, "the-state", back.Query().Get("state"))
			require.Equal(t, s.provider.Issuer, back.Query().Get("iss"))
			require.False(t, back.Query().Has("code"))
		})
	}
}

func TestAnswerNamesTheIssuer_RFC9207(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b, a, p := s.browser(), s.asking(), s.person(domain.Worker)
	back := b.to(b.enter(b.to(b.authorize(a)), p.Login, testPassword)).Query()
	require.Equal(t, s.provider.Issuer, back.Get("iss"))
	require.Equal(t, "the-state", back.Get("state"))
	require.NotEmpty(t, back.Get("code"))
}

// Otherwise whoever knows the address of a login page could send it to a victim and collect what the victim's sign-in buys.
func TestRequestBelongsToTheBrowserThatBeganIt_RFC9700_4_7(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p := s.person(domain.Worker)
	attacker, victim := s.browser(), s.browser()
	loginPage := attacker.to(attacker.authorize(s.asking()))

	require.Equal(t, s.url+"/", victim.to(victim.get(loginPage.String())).String())
	res := victim.enter(loginPage, p.Login, testPassword)
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Equal(t, "auth.request_expired", res.body)

	// Also when the victim has a request of their own open.
	victim.authorize(s.asking())
	require.Equal(t, s.url+"/", victim.to(victim.get(loginPage.String())).String())
	require.Equal(t, "auth.request_expired", victim.enter(loginPage, p.Login, testPassword).body)
}

func TestRequestIsAnsweredOnceAndInTime(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	once := b.to(b.authorize(s.asking()))
	require.Equal(t, http.StatusSeeOther, b.enter(once, p.Login, testPassword).StatusCode)
	require.Equal(t, "auth.request_expired", b.enter(once, p.Login, testPassword).body)

	late := s.browser()
	page := late.to(late.authorize(s.asking()))
	s.clock.forward(signInTimeout + time.Second)
	require.Equal(t, "auth.request_expired", late.enter(page, p.Login, testPassword).body)
}

func TestSignInAndPrompts_OIDCCore_3_1_2_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, other := s.person(domain.Worker), s.person(domain.Worker)
	b := s.browser()
	// asks returns where the browser is sent: to the login page or back to the client.
	asks := func(parameters ...string) *url.URL {
		a := s.asking()
		for i := 0; i < len(parameters); i += 2 {
			a.query.Set(parameters[i], parameters[i+1])
		}
		return b.to(b.authorize(a))
	}
	require.Equal(t, "login_required", asks("prompt", "none").Query().Get("error"), "nobody is signed in")

	a := s.asking()
	_, idToken := s.redeem(b.code(a, p), a).tokens(t)

	require.NotEmpty(t, asks().Query().Get("code"), "signed in already")
	require.NotEmpty(t, asks("prompt", "none").Query().Get("code"))
	require.NotEmpty(t, asks("id_token_hint", idToken).Query().Get("code"))
	require.Equal(t, "/auth/login", asks("prompt", "login").Path)
	require.Equal(t, "/auth/login", asks("prompt", "select_account").Path)
	require.NotEmpty(t, asks("max_age", "60").Query().Get("code"))
	s.clock.forward(61 * time.Second)
	require.Equal(t, "/auth/login", asks("max_age", "60").Path)
	require.Equal(t, "login_required", asks("max_age", "60", "prompt", "none").Query().Get("error"))

	b.code(func() asking { a := s.asking(); a.query.Set("prompt", "login"); return a }(), other)
	require.Equal(t, "login_required", asks("id_token_hint", idToken, "prompt", "none").Query().Get("error"), "somebody else is signed in")

	s.run(&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: other.ID})
	require.Equal(t, "login_required", asks("prompt", "none").Query().Get("error"), "deactivated")
}
