package handlers

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	oidcerr "github.com/zitadel/oidc/v3/pkg/oidc"

	"ates/domain"
	"ates/domain/auth"
)

// newOfflineSite starts a site with another client beside the program, one that may ask while people are away. The tests speak
// as this one; program is the site as the program speaks to it.
func newOfflineSite(t *testing.T) (s, program *authSite) {
	t.Helper()
	diary := providerClient{
		ID: "diary", Secret: rand.Text(), RedirectURIs: []string{"https://diary.example/callback"},
		PostLogoutURIs: []string{"https://diary.example/"}, Offline: true,
	}
	program = newAuthSite(t, func(p *providerConfig, _ *signInConfig) { p.Clients = append(p.Clients, diary) })
	s = program.on(t)
	s.client = diary
	return s, program
}

// keepsake is what a client of a test keeps of a sign-in.
type keepsake struct {
	access, id, refresh string
	// code and asked are what it was bought with.
	code  string
	asked asking
}

// kept signs somebody in for a client that may ask while they are away.
func (s *authSite) kept(p auth.Person) keepsake {
	s.t.Helper()
	a := s.asking()
	a.query.Set("scope", "openid profile email offline_access")
	code := s.browser().code(a, p)
	k := s.redeem(code, a).keepsake(s.t)
	k.code, k.asked = code, a
	return k
}

// keepsake reads the answer of the token endpoint.
func (a testAnswer) keepsake(t *testing.T) (k keepsake) {
	t.Helper()
	k.access, k.id = a.tokens(t)
	k.refresh, _ = a.json(t)["refresh_token"].(string)
	require.NotEmpty(t, k.refresh, a.body)
	return k
}

// refresh asks for new tokens; more are further parameters.
func (s *authSite) refresh(token string, more ...string) testAnswer {
	s.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return s.asClient("/auth/token", form)
}

// claims are those of an ID token of this site, once it has been verified.
func (s *authSite) claims(idToken string) (claims map[string]any) {
	s.t.Helper()
	ctx := oidc.ClientContext(s.t.Context(), &http.Client{Transport: s.provider.transport()})
	keys := oidc.NewRemoteKeySet(ctx, s.provider.Issuer+"/keys")
	verifier := oidc.NewVerifier(s.provider.Issuer, keys, &oidc.Config{ClientID: s.client.ID, SupportedSigningAlgs: []string{providerAlgorithm}})
	token, err := verifier.Verify(ctx, idToken)
	require.NoError(s.t, err)
	require.NoError(s.t, token.Claims(&claims))
	return claims
}

// requireOver requires that nothing of what came of a sign-in is worth anything.
func (s *authSite) requireOver(kept ...keepsake) {
	s.t.Helper()
	for i, k := range kept {
		require.Equal(s.t, http.StatusUnauthorized, s.userinfo(k.access).StatusCode, "turn %d", i)
		res := s.refresh(k.refresh)
		require.Equal(s.t, http.StatusBadRequest, res.StatusCode, "turn %d", i)
		require.Equal(s.t, "invalid_grant", res.json(s.t)["error"], "turn %d", i)
	}
}

func TestRefreshTokensRotateAtEveryUse_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	p := s.person(domain.Worker)
	first := s.kept(p)
	require.Equal(t, "the-nonce", s.claims(first.id)["nonce"])

	s.clock.forward(providerTokenLifetime + time.Second)
	require.Equal(t, http.StatusUnauthorized, s.userinfo(first.access).StatusCode, "it has expired")
	res := s.refresh(first.refresh)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	second := res.keepsake(t)
	require.NotEqual(t, first.refresh, second.refresh)
	require.Equal(t, p.ID.String(), s.userinfo(second.access).json(t)["sub"])
	third := s.refresh(second.refresh).keepsake(t)
	require.Equal(t, p.ID.String(), s.userinfo(third.access).json(t)["sub"])
	require.Equal(t, http.StatusOK, s.userinfo(second.access).StatusCode, "it has not expired")

	// OpenID Connect Core 12.2.
	before, after := s.claims(first.id), s.claims(third.id)
	for _, same := range []string{"iss", "sub", "aud", "azp", "auth_time", "amr"} {
		require.Equal(t, before[same], after[same], same)
	}
	require.NotContains(t, after, "nonce")

	var holding int
	require.NoError(t, s.pool.QueryRow(t.Context(), `select count(*) from auth.refresh_tokens t
		where position($1::bytea in t.token_hash) > 0 or to_jsonb(t)::text like '%' || $2 || '%'`, []byte(third.refresh), third.refresh).Scan(&holding))
	require.Zero(t, holding, "the database has only hashes")
}

func TestReplayOfARefreshTokenEndsItsFamily_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	p := s.person(domain.Worker)
	first, otherDevice := s.kept(p), s.kept(p)
	second := s.refresh(first.refresh).keepsake(t)
	third := s.refresh(second.refresh).keepsake(t)

	require.Equal(t, "invalid_grant", s.refresh(first.refresh).json(t)["error"])
	s.requireOver(third, second, first)
	require.Equal(t, http.StatusOK, s.refresh(otherDevice.refresh).StatusCode, "another sign-in is another family")
}

// The one that wins must not be spared: it may be the thief.
func TestOneOfManyUsesOfARefreshTokenWinsAndTheFamilyEnds_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	k := s.kept(s.person(domain.Worker))
	answers := make([]testAnswer, 16)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.refresh(k.refresh) })
	}
	all.Wait()
	won := 0
	for _, res := range answers {
		if res.StatusCode == http.StatusOK {
			won++
			s.requireOver(res.keepsake(t))
			continue
		}
		require.Equal(t, "invalid_grant", res.json(t)["error"])
	}
	require.Equal(t, 1, won)
	s.requireOver(k)
}

// Here all have found the token good before the first of them uses it.
func TestOfThoseWhoFoundARefreshTokenGoodOneUsesIt_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	k := s.kept(s.person(domain.Worker))
	requests := make([]*refreshRequest, 16)
	for i := range requests {
		var err error
		requests[i], err = s.provider.refreshable(t.Context(), k.refresh, s.client)
		require.NoError(t, err)
	}
	errs := make([]error, len(requests))
	var all sync.WaitGroup
	for i, request := range requests {
		all.Go(func() {
			_, _, _, errs[i] = (&providerStorage{provider: s.provider}).CreateAccessAndRefreshTokens(t.Context(), request, k.refresh)
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, oidcerr.ErrInvalidGrant())
	}
	require.Equal(t, 1, won)
	s.requireOver(k)
	var alive int
	require.NoError(t, s.pool.QueryRow(t.Context(), "select count(*) from auth.refresh_families where ended_at is null").Scan(&alive))
	require.Zero(t, alive)
}

func TestRefreshedScopeCannotWiden_RFC6749_6(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	p := s.person(domain.Worker)
	a := s.asking()
	a.query.Set("scope", "openid email offline_access")
	k := s.redeem(s.browser().code(a, p), a).keepsake(t)
	for _, scope := range []string{"openid profile", "openid email offline_access admin", "profile", "email"} {
		require.Equal(t, "invalid_scope", s.refresh(k.refresh, "scope", scope).json(t)["error"], scope)
	}

	res := s.refresh(k.refresh, "scope", "openid")
	narrow := res.keepsake(t)
	require.Equal(t, "openid", res.json(t)["scope"])
	require.Equal(t, map[string]any{"sub": p.ID.String()}, s.userinfo(narrow.access).json(t))
	require.NotContains(t, s.claims(narrow.id), "email")

	whole := s.refresh(narrow.refresh).keepsake(t)
	require.Equal(t, map[string]any{"sub": p.ID.String(), "email": p.Email}, s.userinfo(whole.access).json(t), "what was granted stays so")
}

func TestRefreshTokenBelongsToItsClient_RFC6749_6(t *testing.T) {
	t.Parallel()
	s, program := newOfflineSite(t)
	other := providerClient{ID: "other", Secret: rand.Text(), RedirectURIs: s.client.RedirectURIs, Offline: true}
	s.provider.Clients = append(s.provider.Clients, other)
	thief := s.on(t)
	thief.client = other
	k := s.kept(s.person(domain.Worker))

	require.Equal(t, "invalid_grant", thief.refresh(k.refresh).json(t)["error"])
	require.Equal(t, "unauthorized_client", program.refresh(k.refresh).json(t)["error"])
	for name, change := range map[string]func(*http.Request, url.Values){
		"nobody":                func(r *http.Request, _ url.Values) { r.Header.Del("Authorization") },
		"with a wrong secret":   func(r *http.Request, _ url.Values) { r.SetBasicAuth(s.client.ID, "wrong") },
		"with another's secret": func(r *http.Request, _ url.Values) { r.SetBasicAuth(s.client.ID, other.Secret) },
	} {
		res := s.asClient("/auth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {k.refresh}}, change)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
	}
	for _, token := range []string{"", "x", k.access, k.id, k.code, strings.ToLower(k.refresh), k.refresh + " "} {
		require.Equal(t, http.StatusBadRequest, s.refresh(token).StatusCode, token)
	}
	s.refresh(k.refresh).keepsake(t) // none of these tries has used it up
}

func TestRefreshFollowsThePerson_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	p, by := s.person(domain.Worker), domain.Request{By: auth.System}
	first := s.kept(p)
	require.Equal(t, []any{"worker"}, s.claims(first.id)["roles"])

	s.run(&auth.ChangeRole{Request: by, Person: p.ID, Role: domain.Manager})
	second := s.refresh(first.refresh).keepsake(t)
	require.Equal(t, []any{"manager"}, s.claims(second.id)["roles"])
	require.Equal(t, []any{"manager"}, s.userinfo(second.access).json(t)["roles"])

	s.run(&auth.DeactivatePerson{Request: by, Person: p.ID})
	s.requireOver(second)
	s.run(&auth.ReactivatePerson{Request: by, Person: p.ID})
	s.requireOver(second, first) // who comes back signs in anew
}

func TestRefreshTokensExpire_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	p := s.person(domain.Worker)
	idle, busy := s.kept(p), s.kept(p)
	steps := int(refreshLifetime / (refreshIdle - time.Hour))
	for range steps {
		s.clock.forward(refreshIdle - time.Hour)
		busy = s.refresh(busy.refresh).keepsake(t)
	}
	require.Equal(t, "invalid_grant", s.refresh(idle.refresh).json(t)["error"], "a week without use")
	s.clock.forward(refreshLifetime - time.Duration(steps)*(refreshIdle-time.Hour) + time.Second)
	require.Equal(t, "invalid_grant", s.refresh(busy.refresh).json(t)["error"], "a month in all")

	fresh := s.kept(p)
	s.clock.forward(2 * time.Hour)
	s.run(auth.SweepExpired{})
	var families, tokens int
	require.NoError(t, s.pool.QueryRow(t.Context(),
		"select (select count(*) from auth.refresh_families), (select count(*) from auth.refresh_tokens)").Scan(&families, &tokens))
	require.Equal(t, 1, families)
	require.Equal(t, 1, tokens)
	s.refresh(fresh.refresh).keepsake(t)
}

func TestReplayOfACodeEndsItsRefreshTokens_RFC6749_4_1_2(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	p := s.person(domain.Worker)
	soon, late := s.kept(p), s.kept(p)
	next := s.refresh(soon.refresh).keepsake(t)
	require.Equal(t, "invalid_grant", s.redeem(soon.code, soon.asked).json(t)["error"])
	s.requireOver(next, soon)

	// Also when the request itself has long been forgotten.
	s.clock.forward(3 * time.Hour)
	s.run(auth.SweepExpired{})
	late = s.refresh(late.refresh).keepsake(t)
	old := s.kept(p)
	s.clock.forward(3 * time.Hour)
	s.run(auth.SweepExpired{})
	require.Equal(t, "invalid_grant", s.redeem(old.code, old.asked).json(t)["error"])
	s.requireOver(old)
	require.Equal(t, http.StatusOK, s.refresh(late.refresh).StatusCode)
}

// A replay can come between the use of a code and the first refresh token. Whichever is first, the family does not live.
func TestReplayOfACodeRacesWithItsFirstRefreshToken_RFC9700_4_14(t *testing.T) {
	t.Parallel()
	s, _ := newOfflineSite(t)
	a := s.asking()
	a.query.Set("scope", "openid offline_access")
	code := s.browser().code(a, s.person(domain.Worker))
	answers := make([]testAnswer, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.redeem(code, a) })
	}
	all.Wait()
	for _, res := range answers {
		if res.StatusCode == http.StatusOK {
			s.requireOver(res.keepsake(t))
		}
	}
	var alive int
	require.NoError(t, s.pool.QueryRow(t.Context(), "select count(*) from auth.refresh_families where ended_at is null").Scan(&alive))
	require.Zero(t, alive)
}
