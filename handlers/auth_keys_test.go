package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
)

// verifying is a client that keeps the keys it has fetched, as long as they do.
type verifying struct {
	s       *authSite
	keys    *oidc.RemoteKeySet
	fetches atomic.Int64
}

// verifying reaches the provider through one of the processes.
func (s *authSite) verifying(through *provider) *verifying {
	v := &verifying{s: s}
	count := roundTrip(func(r *http.Request) (*http.Response, error) {
		v.fetches.Add(1)
		return through.transport().RoundTrip(r)
	})
	v.keys = oidc.NewRemoteKeySet(oidc.ClientContext(s.t.Context(), &http.Client{Transport: count}), s.provider.Issuer+"/keys")
	return v
}

// requireGood requires that an ID token is good.
func (v *verifying) requireGood(idToken string) {
	v.s.t.Helper()
	verifier := oidc.NewVerifier(v.s.provider.Issuer, v.keys, &oidc.Config{ClientID: v.s.client.ID, SupportedSigningAlgs: []string{providerAlgorithm}})
	_, err := verifier.Verify(v.s.t.Context(), idToken)
	require.NoError(v.s.t, err)
}

// published are the ids of the keys that anybody can fetch.
func (s *authSite) published() (ids []string) {
	s.t.Helper()
	for _, key := range s.browser().get("/auth/keys").json(s.t)["keys"].([]any) {
		ids = append(ids, key.(map[string]any)["kid"].(string))
	}
	slices.Sort(ids)
	return ids
}

func TestKeysRotateWithoutDowntime_OIDCCore_10_1_1(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	s := newAuthSite(t)
	p := s.person(domain.Worker)
	other, err := newProvider(t.Context(), s.provider.providerConfig)
	require.NoError(t, err)
	buy := func(b *browser) (access, id string) {
		a := s.asking()
		back := b.to(b.authorize(a))
		if back.Path == "/auth/login" {
			back = b.to(b.enter(back, p.Login, testPassword))
		}
		return s.redeem(back.Query().Get("code"), a).tokens(t)
	}
	_, first := buy(s.browser())
	early := s.verifying(other)
	early.requireGood(first)
	before := s.published()
	require.Len(t, before, 1)

	s.clock.forward(82 * day)
	s.run(auth.RotateSigningKey{})
	require.Equal(t, before, s.published(), "too early")
	s.clock.forward(day)
	s.run(auth.RotateSigningKey{})
	announced := s.published()
	require.Len(t, announced, 2)
	told := s.verifying(s.provider)
	told.requireGood(first)
	require.EqualValues(t, 1, told.fetches.Load())
	s.run(auth.RotateSigningKey{})
	require.Equal(t, announced, s.published(), "one is enough")

	s.clock.forward(7*day - time.Minute)
	b := s.browser()
	b.signInAs(p)
	access, old := buy(b)
	s.clock.forward(time.Minute)
	s.run(auth.RotateSigningKey{})
	s.run(auth.RotateSigningKey{})
	require.Equal(t, announced, s.published(), "the retired one too")

	// Both processes sign with the new one, and nobody notices.
	_, fresh := buy(b)
	for _, v := range []*verifying{early, told} {
		v.requireGood(old)
		v.requireGood(fresh)
	}
	require.EqualValues(t, 1, told.fetches.Load(), "it knew the new key before it signed")
	require.EqualValues(t, 2, early.fetches.Load(), "it fetches the keys when it meets one that it does not know")
	require.Equal(t, p.ID.String(), b.whoami())
	require.Equal(t, p.ID.String(), s.userinfo(access).json(t)["sub"])
	key, err := (&providerStorage{provider: other}).SigningKey(t.Context())
	require.NoError(t, err)
	require.NotContains(t, before, key.ID())
	a := s.asking()
	a.query.Set("prompt", "none")
	a.query.Set("id_token_hint", old)
	require.NotEmpty(t, b.to(b.authorize(a)).Query().Get("code"))

	// A session of the last minute before the rotation ends half a day later, and its ID token still signs it out.
	s.clock.forward(day)
	require.Equal(t, announced, s.published())
	b = s.browser()
	buy(b)
	require.Equal(t, s.url+"/", b.to(b.get("/auth/end_session?"+url.Values{"id_token_hint": {old}}.Encode())).String())

	s.clock.forward(providerTokenLifetime + time.Second)
	require.Equal(t, []string{key.ID()}, s.published())
	s.clock.forward(7 * day)
	s.run(auth.RotateSigningKey{})
	var kept int
	require.NoError(t, s.pool.QueryRow(t.Context(), "select count(*) from auth.signing_keys").Scan(&kept))
	require.Equal(t, 1, kept, "what is of no use is not kept")
}
