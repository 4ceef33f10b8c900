package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"ates/domain"
	"ates/domain/auth"
)

func TestCodeIsSingleUseUnderConcurrency_RFC6749_4_1_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	a := s.asking()
	code := s.browser().code(a, s.person(domain.Worker))

	answers := make([]testAnswer, 16)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.redeem(code, a) })
	}
	all.Wait()
	won := 0
	for _, res := range answers {
		if res.StatusCode == http.StatusOK {
			won++
			access, _ := res.tokens(t)
			require.Equal(t, http.StatusUnauthorized, s.userinfo(access).StatusCode, "fifteen replays have ended the token")
			continue
		}
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
		require.Equal(t, "invalid_grant", res.json(t)["error"])
	}
	require.Equal(t, 1, won)
}

func TestReplayOfACodeEndsWhatItBought_RFC6749_4_1_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	a, p := s.asking(), s.person(domain.Worker)
	code := s.browser().code(a, p)
	access, _ := s.redeem(code, a).tokens(t)
	require.Equal(t, p.ID.String(), s.userinfo(access).json(t)["sub"])
	require.Equal(t, "invalid_grant", s.redeem(code, a).json(t)["error"])
	require.Equal(t, http.StatusUnauthorized, s.userinfo(access).StatusCode)
}

func TestCodeIsBurntByAFailedTry_RFC9700_4_5(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p := s.person(domain.Worker)
	for name, change := range map[string]func(*http.Request, url.Values){
		"a wrong verifier": func(_ *http.Request, f url.Values) { f.Set("code_verifier", oauth2.GenerateVerifier()) },
		"no verifier":      func(_ *http.Request, f url.Values) { f.Del("code_verifier") },
		"another redirect": func(_ *http.Request, f url.Values) { f.Set("redirect_uri", s.url+"/other") },
		"no redirect":      func(_ *http.Request, f url.Values) { f.Del("redirect_uri") },
		"the challenge as it": func(_ *http.Request, f url.Values) {
			f.Set("code_verifier", oauth2.S256ChallengeFromVerifier(f.Get("code_verifier")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a := s.on(t), s.asking()
			code := s.browser().code(a, p)
			require.Equal(t, http.StatusBadRequest, s.redeem(code, a, change).StatusCode)
			require.Equal(t, "invalid_grant", s.redeem(code, a).json(t)["error"])
		})
	}
}

func TestVerifierIsChecked_RFC7636_4_6(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b, p := s.browser(), s.person(domain.Worker)
	b.signInAs(p)
	for _, verifier := range []string{"", "x", oauth2.GenerateVerifier()} {
		a := s.asking()
		code := b.to(b.authorize(a)).Query().Get("code")
		res := s.redeem(code, a, func(_ *http.Request, f url.Values) { f.Set("code_verifier", verifier) })
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
		require.Contains(t, []any{"invalid_grant", "invalid_request"}, res.json(t)["error"])
		require.NotContains(t, res.json(t), "access_token")
	}
}

func TestCodeBelongsToItsClient_RFC6749_4_1_3(t *testing.T) {
	t.Parallel()
	other, s := newOfflineSite(t)
	a := s.asking()
	code := s.browser().code(a, s.person(domain.Worker))
	require.Equal(t, "invalid_grant", other.redeem(code, a).json(t)["error"])
	require.Equal(t, "invalid_grant", s.redeem(code, a).json(t)["error"], "whoever tried it has seen it, so it is burnt")
}

func TestCodeLivesOneMinute_RFC6749_4_1_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	a := s.asking()
	code := s.browser().code(a, s.person(domain.Worker))
	s.clock.forward(providerCodeLifetime + time.Second)
	require.Equal(t, "invalid_grant", s.redeem(code, a).json(t)["error"])
}

func TestClientMustShowWhoItIs_RFC6749_2_3(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	a := s.asking()
	code := s.browser().code(a, s.person(domain.Worker))
	for name, change := range map[string]func(*http.Request, url.Values){
		"not at all":          func(r *http.Request, _ url.Values) { r.Header.Del("Authorization") },
		"with a wrong secret": func(r *http.Request, _ url.Values) { r.SetBasicAuth(s.client.ID, "wrong") },
		"with no secret":      func(r *http.Request, _ url.Values) { r.SetBasicAuth(s.client.ID, "") },
		"as somebody else":    func(r *http.Request, _ url.Values) { r.SetBasicAuth("other", s.client.Secret) },
		"in the body": func(r *http.Request, f url.Values) {
			r.Header.Del("Authorization")
			f.Set("client_id", s.client.ID)
			f.Set("client_secret", s.client.Secret)
		},
		"with half an escape":  func(r *http.Request, _ url.Values) { r.SetBasicAuth(s.client.ID, "%") },
		"with a public client": func(r *http.Request, f url.Values) { r.Header.Del("Authorization"); f.Set("client_id", s.client.ID) },
	} {
		res := s.redeem(code, a, change)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
		require.Equal(t, "invalid_client", res.json(t)["error"], name)
		require.Contains(t, res.Header.Get("WWW-Authenticate"), "Basic", name)
	}
	s.redeem(code, a).tokens(t) // none of these tries has used the code up
}

func TestTokenEndpointTakesPostOnly_RFC6749_3_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	require.Equal(t, http.StatusMethodNotAllowed, s.browser().get("/auth/token").StatusCode)
	res := s.redeem("x", s.asking(), func(r *http.Request, _ url.Values) { r.URL.RawQuery = "x=y" })
	require.Equal(t, "invalid_request", res.json(t)["error"])
}

func TestOnlyTheCodeGrantIsOffered_RFC9700_2_4(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	for _, grant := range []string{
		"", "password", "client_credentials", "implicit",
		"urn:ietf:params:oauth:grant-type:device_code",
		"urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:ietf:params:oauth:grant-type:token-exchange",
	} {
		res := s.redeem("x", s.asking(), func(_ *http.Request, f url.Values) { f.Set("grant_type", grant) })
		require.Equal(t, "unsupported_grant_type", res.json(t)["error"], grant)
	}

	a := s.asking()
	a.query.Set("scope", "openid offline_access")
	res := s.redeem(s.browser().code(a, s.person(domain.Worker)), a)
	res.tokens(t)
	require.NotContains(t, res.json(t), "refresh_token", "not for a client that was not registered for it")
	require.Equal(t, "openid", res.json(t)["scope"])
	require.Equal(t, "unauthorized_client", s.refresh("x").json(t)["error"])
}

func TestTokensAreNotCached_RFC6749_5_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b, a, p := s.browser(), s.asking(), s.person(domain.Worker)
	asked := b.authorize(a)
	answered := b.enter(b.to(asked), p.Login, testPassword)
	redeemed := s.redeem(b.to(answered).Query().Get("code"), a)
	access, _ := redeemed.tokens(t)
	for _, res := range []testAnswer{asked, answered, redeemed, s.redeem("x", a), s.userinfo(access), b.get("/login"), b.get("/callback")} {
		require.Contains(t, strings.Join(res.Header.Values("Cache-Control"), ","), "no-store", res.Request.URL.Path)
	}
}

func TestUserInfoTellsWhatWasGranted_OIDCCore_5_3(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p := s.person(domain.Manager)
	buy := func(scope string) string {
		a := s.asking()
		a.query.Set("scope", scope)
		access, _ := s.redeem(s.browser().code(a, p), a).tokens(t)
		return access
	}
	all := buy("openid profile email")
	require.Equal(t, map[string]any{
		"sub": p.ID.String(), "name": p.Name, "preferred_username": p.Login, "email": p.Email, "roles": []any{"manager"},
	}, s.userinfo(all).json(t))
	require.Equal(t, map[string]any{"sub": p.ID.String()}, s.userinfo(buy("openid")).json(t))

	require.Equal(t, http.StatusUnauthorized, s.userinfo("x").StatusCode)
	require.Equal(t, http.StatusUnauthorized, s.browser().get("/auth/userinfo?access_token="+url.QueryEscape(all)).StatusCode, "RFC 9700 2.6")

	s.run(&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: p.ID})
	require.Equal(t, http.StatusUnauthorized, s.userinfo(all).StatusCode, "deactivated")
	s.run(&auth.ReactivatePerson{Request: domain.Request{By: auth.System}, Person: p.ID})
	require.Equal(t, http.StatusOK, s.userinfo(all).StatusCode)
	s.clock.forward(providerTokenLifetime + time.Second)
	require.Equal(t, http.StatusUnauthorized, s.userinfo(all).StatusCode, "expired")
}

func TestCodeOfSomebodyDeactivatedSinceBuysNothing_OIDCCore_3_1_3_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	a, p := s.asking(), s.person(domain.Worker)
	code := s.browser().code(a, p)
	s.run(&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: p.ID})
	require.Equal(t, "invalid_grant", s.redeem(code, a).json(t)["error"])
}
