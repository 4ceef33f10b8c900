package handlers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/sql/sqltest"
)

func TestIssuerMustUseTLSExceptOnThisMachine_OIDCDiscovery_3(t *testing.T) {
	t.Parallel()
	for issuer, ok := range map[string]bool{
		"https://ates.example.com/auth":      true,
		"https://ates.example.com:8443/auth": true,
		"http://localhost:8080/auth":         true,
		"http://127.0.0.1:8080/auth":         true,
		"http://[::1]:8080/auth":             true,
		"http://ates.localhost:8080/auth":    true,
		"http://ates.example.com/auth":       false,
		"http://192.168.1.10:8080/auth":      false,
		"http://localhost.evil.example/auth": false,
		"ftp://localhost/auth":               false,
		"https://ates.example.com/":          false,
		"https://ates.example.com/auth?x=1":  false,
		"https://ates.example.com/auth#x":    false,
		"https://ann@ates.example.com/auth":  false,
		"/auth":                              false,
		"":                                   false,
		"http://[::1/auth":                   false,
	} {
		_, err := checkIssuer(issuer)
		require.Equal(t, ok, err == nil, issuer)
	}
	_, err := newProvider(t.Context(), providerConfig{Issuer: "http://ates.example.com/auth"})
	require.ErrorContains(t, err, "https://")
}

func TestOnlyWhatIsNeededAnswers_RFC9700_2_6(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	for _, path := range []string{
		"/auth/", "/auth/device_authorization", "/auth/oauth/introspect", "/auth/oauth/token", "/auth/oauth/revoke", "/auth/healthz",
		"/auth/ready", "/auth/authorize/callback", "/auth/callback", "/auth/register",
	} {
		require.Equal(t, http.StatusNotFound, b.get(path).StatusCode, path)
		require.Equal(t, http.StatusNotFound, b.post(path, nil).StatusCode, path)
	}
}

func TestNoOtherOriginGetsIn_RFC9700_2_6(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	for _, path := range []string{"/auth/.well-known/openid-configuration", "/auth/keys", "/auth/userinfo", "/auth/authorize"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			r, err := http.NewRequest(method, s.url+path, nil)
			require.NoError(t, err)
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Access-Control-Request-Method", "POST")
			for name := range b.do(r).Header {
				require.False(t, strings.HasPrefix(name, "Access-Control-"), "%s %s: %s", method, path, name)
			}
		}
	}
}

func TestDiscoveryPromisesOnlyWhatIsTrue_OIDCDiscovery_3(t *testing.T) {
	t.Parallel()
	offline, _ := newOfflineSite(t)
	promised := offline.browser().get("/auth/.well-known/openid-configuration").json(t)
	require.Equal(t, []any{"authorization_code", "refresh_token"}, promised["grant_types_supported"])
	require.Contains(t, promised["scopes_supported"], "offline_access")

	s := newAuthSite(t)
	doc := s.browser().get("/auth/.well-known/openid-configuration").json(t)
	require.Equal(t, s.provider.Issuer, doc["issuer"])
	require.Equal(t, []any{"code"}, doc["response_types_supported"])
	require.Equal(t, []any{"authorization_code"}, doc["grant_types_supported"])
	require.NotContains(t, doc["scopes_supported"], "offline_access", "no client may ask for it")
	require.Equal(t, []any{"S256"}, doc["code_challenge_methods_supported"])
	require.Equal(t, []any{"client_secret_basic"}, doc["token_endpoint_auth_methods_supported"])
	require.Equal(t, true, doc["authorization_response_iss_parameter_supported"])
	b := s.browser()
	for name, value := range doc {
		if strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" {
			require.NotEqual(t, http.StatusNotFound, b.get(value.(string)).StatusCode, name)
		}
	}
}

func TestPublishedKeysHaveNoPrivateParts_OIDCDiscovery_3(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	keys := s.browser().get("/auth/keys").json(t)["keys"].([]any)
	require.Len(t, keys, 1)
	key := keys[0].(map[string]any)
	require.Equal(t, "ES256", key["alg"])
	require.NotContains(t, key, "d")
	require.NotContains(t, key, "k")
}

// Codes, tokens and keys of one process are good in the others and after a restart.
func TestProcessesShareKeysAndRequests(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	a, b, p := s.asking(), s.browser(), s.person(domain.Worker)
	code := b.code(a, p)
	access, idToken := s.redeem(code, a).tokens(t)

	other, err := newProvider(t.Context(), s.provider.providerConfig)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.provider.Issuer+"/userinfo", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+access)
	res, err := other.transport().RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)

	issuer, err := newSignIn(signInConfig{
		Issuer: s.provider.Issuer, ClientID: s.client.ID, PublicURL: s.url, Transport: other.transport(),
	}).discover(t.Context())
	require.NoError(t, err)
	_, err = issuer.verifier.Verify(t.Context(), idToken)
	require.NoError(t, err)
}

// The program asks its own provider before it listens, and where its public address leads nowhere from inside.
func TestClientReachesTheProviderFromWithin(t *testing.T) {
	t.Parallel()
	pool, clock := sqltest.Pool(t), &testClock{}
	provider, err := newProvider(t.Context(), providerConfig{DB: pool, Issuer: "https://nowhere.invalid/auth", Now: clock.now})
	require.NoError(t, err)
	issuer, err := newSignIn(signInConfig{
		Issuer: "https://nowhere.invalid/auth", PublicURL: "https://nowhere.invalid", Transport: provider.transport(),
	}).discover(t.Context())
	require.NoError(t, err)
	require.Equal(t, "https://nowhere.invalid/auth/end_session", issuer.EndSession)
	require.True(t, issuer.SaysIssuer)
}
