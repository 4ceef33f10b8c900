package handlers

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

// revoke gives a token up.
func (s *authSite) revoke(token string, change ...func(*http.Request, url.Values)) testAnswer {
	s.t.Helper()
	return s.asClient("/auth/revoke", url.Values{"token": {token}}, change...)
}

func TestARevokedRefreshTokenTakesAllWithIt_RFC7009_2_1(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	first := s.kept(s.person(domain.Worker))
	second := s.refresh(first.refresh).keepsake(t)
	res := s.revoke(second.refresh)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Empty(t, res.body)
	s.requireOver(second, first)
	require.Equal(t, http.StatusOK, s.revoke(second.refresh).StatusCode, "once more")
}

func TestARevokedAccessTokenGoesAlone_RFC7009_2_1(t *testing.T) {
	t.Parallel()
	s, program := newOfflineSite(t)
	p := s.person(domain.Worker)
	k := s.kept(p)
	hint := func(_ *http.Request, f url.Values) { f.Set("token_type_hint", "refresh_token") }
	require.Equal(t, http.StatusOK, s.revoke(k.access, hint).StatusCode)
	require.Equal(t, http.StatusUnauthorized, s.userinfo(k.access).StatusCode)
	next := s.refresh(k.refresh).keepsake(t)
	require.Equal(t, http.StatusOK, s.userinfo(next.access).StatusCode)

	a := program.asking()
	access, _ := program.redeem(program.browser().code(a, p), a).tokens(t)
	require.Equal(t, "invalid_grant", s.revoke(access).json(t)["error"], "another client's")
	require.Equal(t, http.StatusOK, s.userinfo(access).StatusCode)
	require.Equal(t, http.StatusOK, program.revoke(access).StatusCode)
	require.Equal(t, http.StatusUnauthorized, s.userinfo(access).StatusCode)
}

func TestRevocationIsForTheClientOfTheToken_RFC7009_2_1(t *testing.T) {
	t.Parallel()
	s, program := newOfflineSite(t)
	k := s.kept(s.person(domain.Worker))
	require.Equal(t, "invalid_grant", program.revoke(k.refresh).json(t)["error"])
	require.Equal(t, "invalid_grant", program.revoke(k.access).json(t)["error"])
	for name, change := range map[string]func(*http.Request, url.Values){
		"nobody":              func(r *http.Request, _ url.Values) { r.Header.Del("Authorization") },
		"with a wrong secret": func(r *http.Request, _ url.Values) { r.SetBasicAuth(s.client.ID, "wrong") },
	} {
		res := s.revoke(k.refresh, change)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
		require.Equal(t, "invalid_client", res.json(t)["error"], name)
	}
	for name, change := range map[string]func(*http.Request, url.Values){
		"no token":     func(_ *http.Request, f url.Values) { f.Del("token") },
		"two tokens":   func(_ *http.Request, f url.Values) { f.Add("token", "x") },
		"in the query": func(r *http.Request, _ url.Values) { r.URL.RawQuery = "token=" + k.refresh },
	} {
		require.Equal(t, "invalid_request", s.revoke(k.refresh, change).json(t)["error"], name)
	}
	require.Equal(t, http.StatusMethodNotAllowed, s.browser().get("/auth/revoke?token="+k.refresh).StatusCode)
	s.refresh(k.refresh).keepsake(t) // none of these tries has ended it

	require.Equal(t, http.StatusOK, s.revoke("no token at all").StatusCode, "RFC 7009 2.2: what is none needs no revoking")
}
