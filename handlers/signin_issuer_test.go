package handlers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

// fakeIssuer is a provider that says whatever a test has it say.
type fakeIssuer struct {
	url string
	key *ecdsa.PrivateKey
	// idToken makes the ID token from the claims of a good one.
	idToken func(claims map[string]any) string
	// userinfo is what UserInfo answers.
	userinfo map[string]any
	nonce    string
	// announced are the algorithms, scopes the scopes, and published the key that the issuer tells of.
	announced, scopes []string
	published         jose.JSONWebKey
	roles             *RoleRules
}

const fakeAccessToken = "an access token"

func newFakeIssuer(t *testing.T) *fakeIssuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	f := &fakeIssuer{key: key, announced: []string{"ES256"}, published: jose.JSONWebKey{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}
	f.userinfo = map[string]any{"sub": "polly"}
	f.idToken = func(claims map[string]any) string { return f.sign(t, jose.ES256, f.key, claims) }
	mux := http.NewServeMux()
	answer := func(path string, body func() any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body())
		})
	}
	answer("/.well-known/openid-configuration", func() any {
		return map[string]any{
			"issuer": f.url, "authorization_endpoint": f.url + "/authorize", "token_endpoint": f.url + "/token",
			"jwks_uri": f.url + "/keys", "userinfo_endpoint": f.url + "/userinfo",
			"id_token_signing_alg_values_supported": f.announced, "scopes_supported": f.scopes,
		}
	})
	answer("/keys", func() any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{f.published}}
	})
	answer("/token", func() any {
		return map[string]any{"access_token": fakeAccessToken, "token_type": "Bearer", "id_token": f.idToken(f.claims())}
	})
	answer("/userinfo", func() any { return f.userinfo })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// claims are those of a good ID token.
func (f *fakeIssuer) claims() map[string]any {
	hash := sha256.Sum256([]byte(fakeAccessToken))
	return map[string]any{
		"iss": f.url, "aud": "ates", "sub": "polly", "nonce": f.nonce, "email": "polly@popug.example",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
	}
}

func (f *fakeIssuer) sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	signed, err := signer.Sign(payload)
	require.NoError(t, err)
	token, err := signed.CompactSerialize()
	require.NoError(t, err)
	return token
}

// identify walks through the token endpoint.
func (f *fakeIssuer) identify(t *testing.T) (identity, error) {
	t.Helper()
	issuer, err := newSignIn(signInConfig{Issuer: f.url, ClientID: "ates", ClientSecret: "s", Roles: f.roles}).discover(t.Context())
	require.NoError(t, err)
	f.nonce = rand.Text()
	return issuer.identify(t.Context(), "code", signInAttempt{Nonce: f.nonce, Verifier: "v"})
}

func TestIDTokenIsChecked_OIDCCore_3_1_3_7(t *testing.T) {
	t.Parallel()
	unsigned := func(header string, claims map[string]any) string {
		payload, err := json.Marshal(claims)
		require.NoError(t, err)
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode(payload) + "."
	}
	with := func(name string, value any) func(*fakeIssuer, map[string]any) string {
		return func(f *fakeIssuer, claims map[string]any) string {
			changed := maps.Clone(claims)
			changed[name] = value
			return f.sign(t, jose.ES256, f.key, changed)
		}
	}
	for name, c := range map[string]struct {
		token func(*fakeIssuer, map[string]any) string
		says  string
	}{
		"another nonce":        {with("nonce", "x"), "nonce"},
		"no nonce":             {with("nonce", ""), "nonce"},
		"another audience":     {with("aud", "other"), "audience"},
		"another issuer":       {with("iss", "https://evil.example"), "different provider"},
		"expired":              {with("exp", time.Now().Add(-clockSkew-time.Second).Unix()), "expired"},
		"not to be used yet":   {with("nbf", time.Now().Add(10*time.Minute).Unix()), "not before"},
		"nobody":               {with("sub", ""), "sub"},
		"another party":        {with("azp", "other"), "azp"},
		"another access token": {with("at_hash", "x"), "access token"},
		"algorithm none":       {func(_ *fakeIssuer, c map[string]any) string { return unsigned(`{"alg":"none"}`, c) }, "verify ID token"},
		"HS256 with a key that is public": {func(f *fakeIssuer, c map[string]any) string {
			public, err := f.key.PublicKey.Bytes()
			require.NoError(t, err)
			return f.sign(t, jose.HS256, public, c)
		}, "verify ID token"},
		"another key": {func(f *fakeIssuer, c map[string]any) string {
			other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(t, err)
			return f.sign(t, jose.ES256, other, c)
		}, "verify ID token"},
		"no token": {func(*fakeIssuer, map[string]any) string { return "" }, "verify ID token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeIssuer(t)
			f.idToken = func(claims map[string]any) string { return c.token(f, claims) }
			_, err := f.identify(t)
			require.ErrorContains(t, err, c.says)
			var fault *issuerFault
			require.ErrorAs(t, err, &fault)
			require.False(t, fault.down)
		})
	}
	t.Run("a good one", func(t *testing.T) {
		t.Parallel()
		f := newFakeIssuer(t)
		who, err := f.identify(t)
		require.NoError(t, err)
		require.Equal(t, "polly", who.Subject)
		require.Equal(t, f.url, who.Issuer)
		require.NotEmpty(t, who.IDToken)
	})
}

func TestUserInfoCompletesTheIDToken_OIDCCore_5_3_2(t *testing.T) {
	t.Parallel()
	f := newFakeIssuer(t)
	f.idToken = func(claims map[string]any) string {
		delete(claims, "email")
		return f.sign(t, jose.ES256, f.key, claims)
	}
	f.userinfo = map[string]any{"sub": "polly", "email": "polly@popug.example", "name": "Polly"}
	who, err := f.identify(t)
	require.NoError(t, err)
	require.Equal(t, "polly@popug.example", who.Email)
	require.Equal(t, "Polly", who.Name)

	f.userinfo["sub"] = "mallory"
	_, err = f.identify(t)
	require.ErrorContains(t, err, "mallory")
}

func TestRolesAndNameMayComeFromUserInfo_OIDCCore_5_3_2(t *testing.T) {
	t.Parallel()
	f := newFakeIssuer(t)
	f.roles = new(rules(t, "realm_access.roles", ""))
	f.userinfo = map[string]any{
		"sub": "polly", "email": "mallory@popug.example", "name": "Polly", "realm_access": map[string]any{"roles": []string{"manager"}},
	}
	who, err := f.identify(t)
	require.NoError(t, err)
	require.Equal(t, "Polly", who.Name)
	require.Equal(t, "polly@popug.example", who.Email, "what the ID token says stays")
	role, err := f.roles.role(who.claims)
	require.NoError(t, err)
	require.Equal(t, domain.Manager, role)
}

// What an issuer says it signs with is what is taken, and never a key that others have too.
func TestSignaturesAreTheOnesThatTheIssuerAnnounces_OIDCCore_3_1_3_7(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		with      jose.SignatureAlgorithm
		key       crypto.Signer
		announced []string
		ok        bool
	}{
		"RS256":                  {jose.RS256, rsaKey, []string{"RS256"}, true},
		"RS256, nothing is said": {jose.RS256, rsaKey, nil, true},
		"PS256":                  {jose.PS256, rsaKey, []string{"RS256", "PS256"}, true},
		"ES256":                  {jose.ES256, ecKey, []string{"ES256"}, true},
		"EdDSA":                  {jose.EdDSA, edKey, []string{"EdDSA"}, true},
		"not announced":          {jose.PS256, rsaKey, []string{"RS256"}, false},
		"HS256, announced":       {jose.HS256, rsaKey, []string{"HS256", "none"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeIssuer(t)
			f.announced = c.announced
			f.published = jose.JSONWebKey{Key: c.key.Public(), KeyID: "1", Use: "sig"}
			signs := any(c.key)
			if c.with == jose.HS256 {
				signs = []byte("a secret that both have, of more than 32 bytes")
			}
			f.idToken = func(claims map[string]any) string {
				delete(claims, "at_hash") // made with the algorithm's own hash, which is not the matter here
				return f.sign(t, c.with, signs, claims)
			}
			_, err := f.identify(t)
			require.Equal(t, c.ok, err == nil, "%v", err)
		})
	}
}

func TestClocksMayDifferABit(t *testing.T) {
	t.Parallel()
	f := newFakeIssuer(t)
	f.idToken = func(claims map[string]any) string {
		claims["exp"] = time.Now().Add(-clockSkew / 2).Unix()
		claims["iat"] = time.Now().Add(clockSkew / 2).Unix()
		return f.sign(t, jose.ES256, f.key, claims)
	}
	_, err := f.identify(t)
	require.NoError(t, err)
}

// Dex tells groups only to who asks for them; Google refuses who asks for a scope that it does not know.
func TestAScopeIsAskedForWhereTheIssuerHasOneForTheRoles(t *testing.T) {
	t.Parallel()
	f := newFakeIssuer(t)
	scopes := func() []string {
		s := newSignIn(signInConfig{Issuer: f.url, ClientID: "ates", Roles: new(rules(t, "groups", ""))})
		issuer, err := s.discover(t.Context())
		require.NoError(t, err)
		return issuer.oauth.Scopes
	}
	require.Equal(t, []string{"openid", "profile", "email"}, scopes())
	f.scopes = []string{"openid", "email", "groups", "profile", "offline_access"}
	require.Equal(t, []string{"openid", "profile", "email", "groups"}, scopes())
}

func TestAnIssuerThatAnswersGarbageIsNotTrusted(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.WriteString(body)
			res := w.Result()
			res.Request = r
			return res, nil
		})
	}
	document := func(token string) string {
		return `{"issuer": "https://id.example", "authorization_endpoint": "https://id.example/a", "token_endpoint": "` + token + `", "jwks_uri": "https://id.example/k"}`
	}
	for name, transport := range map[string]http.RoundTripper{
		"a page":                      answer(http.StatusOK, "<html>Welcome to the hotel</html>"),
		"an error":                    answer(http.StatusBadGateway, "{}"),
		"a redirect":                  answer(http.StatusFound, ""),
		"another issuer":              answer(http.StatusOK, strings.Replace(document("https://id.example/t"), "https://id.example\"", "https://evil.example\"", 1)),
		"nothing":                     answer(http.StatusOK, `{"issuer": "https://id.example"}`),
		"an address in the clear":     answer(http.StatusOK, document("http://id.example/t")),
		"an address that is a script": answer(http.StatusOK, document("javascript:alert(1)")),
		"more than anybody reads":     answer(http.StatusOK, document("https://id.example/"+strings.Repeat("t", maxAnswer))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newSignIn(signInConfig{Issuer: "https://id.example", ClientID: "ates", Transport: transport}).discover(t.Context())
			var fault *issuerFault
			require.ErrorAs(t, err, &fault)
			require.Equal(t, name == "an error", fault.down, "only then waiting helps")
		})
	}
	_, err := newSignIn(signInConfig{Issuer: "https://id.example", ClientID: "ates", Transport: answer(http.StatusOK, document("https://id.example/t"))}).discover(t.Context())
	require.NoError(t, err, "a sound one is taken")
}

// An answer is checked before its code is sent anywhere, and an issuer that does not promise iss may leave it out.
func TestAnswersOfForeignIssuers_RFC9207(t *testing.T) {
	t.Parallel()
	f := newFakeIssuer(t)
	issuer, err := newSignIn(signInConfig{Issuer: f.url, ClientID: "ates"}).discover(t.Context())
	require.NoError(t, err)
	require.NoError(t, issuer.checkAnswer(url.Values{"code": {"x"}}))
	require.NoError(t, issuer.checkAnswer(url.Values{"code": {"x"}, "iss": {f.url}}))
	var refusal *domain.Refusal
	require.ErrorAs(t, issuer.checkAnswer(url.Values{"code": {"x"}, "iss": {"https://evil.example"}}), &refusal)
}

// The program starts while the issuer is down, and signs people in once it is up.
func TestIssuerIsAskedAgainUntilItAnswers(t *testing.T) {
	t.Parallel()
	f := newFakeIssuer(t)
	s := newSignIn(signInConfig{Issuer: f.url, ClientID: "ates", Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, http.ErrServerClosed
	})})
	_, err := s.discover(t.Context())
	require.ErrorIs(t, err, http.ErrServerClosed)
	s.Transport = nil
	_, err = s.discover(t.Context())
	require.NoError(t, err)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
