package handlers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"ates/sql/dbsqlc"
)

// emptyDatabase knows nothing but the sealing key, and keeps what is written to auth.authorizations. It lets a fuzzer try the
// provider thousands of times a second.
type emptyDatabase struct {
	sealingKey []byte
	noted      []any
}

var _ dbsqlc.DBTX = (*emptyDatabase)(nil)

func (d *emptyDatabase) Exec(_ context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if strings.Contains(query, "insert into auth.authorizations") {
		d.noted = args
	}
	return pgconn.CommandTag{}, nil
}

func (d *emptyDatabase) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return nil, pgx.ErrNoRows
}

func (d *emptyDatabase) QueryRow(_ context.Context, query string, _ ...any) pgx.Row {
	if strings.Contains(query, "select secret from auth.sealing_key") {
		return oneValue{d.sealingKey}
	}
	return oneValue{}
}

// oneValue is a row of one column, or none.
type oneValue struct{ value []byte }

func (r oneValue) Scan(to ...any) error {
	if r.value == nil {
		return pgx.ErrNoRows
	}
	*to[0].(*[]byte) = r.value
	return nil
}

// fuzzed is a provider without a database.
func fuzzed(f *testing.F) (*provider, *emptyDatabase) {
	f.Helper()
	db := &emptyDatabase{sealingKey: make([]byte, 32)}
	rand.Read(db.sealingKey)
	p, err := newProvider(f.Context(), providerConfig{
		DB: db, Issuer: "https://ates.example.com/auth", Now: time.Now,
		Clients: []providerClient{{
			ID: "diary", Secret: "a secret of the diary", RedirectURIs: []string{"https://diary.example/callback"}, Offline: true,
		}},
		Pages: providerPages{SignIn: showTestSignIn, Failed: testFailed},
	})
	require.NoError(f, err)
	return p, db
}

// answered sends a request whose parameters are whatever the fuzzer made up.
func answered(p *provider, method, path, query, form, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// Whatever is asked, nobody is sent anywhere but to the login page or back to the client, and a request that is noted is one that
// may be granted.
func FuzzAuthorize(f *testing.F) {
	good := url.Values{
		"client_id": {"diary"}, "redirect_uri": {"https://diary.example/callback"}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {oauth2.S256ChallengeFromVerifier("x")}, "code_challenge_method": {"S256"},
	}
	f.Add(good.Encode(), "")
	f.Add("", good.Encode())
	for name, value := range map[string]string{
		"redirect_uri": "https://diary.example/callback@evil.example", "client_id": "\x00", "response_type": "token", "prompt": "none login",
		"max_age": "-1", "id_token_hint": "e30.e30.e30", "request": "e30.e30.", "claims": `{"id_token":{}}`, "ui_locales": "de ru x-y",
		"code_challenge": strings.Repeat("A", 44), "code_challenge_method": "plain", "state": "\r\nSet-Cookie: a=b", "display": "touch",
	} {
		changed := url.Values{}
		for k, v := range good {
			changed[k] = v
		}
		changed.Set(name, value)
		f.Add(changed.Encode(), "")
	}
	f.Add(good.Encode(), "state=again")
	f.Add("client_id=diary;redirect_uri=%zz", "%")
	p, db := fuzzed(f)
	text := regexp.MustCompile(`^[\x20-\x7e]{0,512}$`)
	f.Fuzz(func(t *testing.T, query, form string) {
		db.noted = nil
		method := http.MethodGet
		if form != "" {
			method = http.MethodPost
		}
		w := answered(p, method, "/auth/authorize", query, form, "")
		switch w.Code {
		case http.StatusUnprocessableEntity:
			require.Empty(t, w.Header().Get("Location"))
			require.Nil(t, db.noted)
		case http.StatusSeeOther:
			to, err := url.Parse(w.Header().Get("Location"))
			require.NoError(t, err)
			require.False(t, to.Query().Has("code"), "nobody is signed in")
			if to.Path == "/auth/login" && to.Host == "" {
				require.Len(t, db.noted, 10)
				break
			}
			require.Equal(t, "https://diary.example/callback", to.Scheme+"://"+to.Host+to.Path)
			require.NotEmpty(t, to.Query().Get("error"))
			require.Equal(t, p.Issuer, to.Query().Get("iss"))
			require.Nil(t, db.noted)
		default:
			t.Fatalf("answered with %d: %s", w.Code, w.Body)
		}
		if db.noted != nil {
			requireMayBeGranted(t, db.noted, text)
		}
	})
}

// requireMayBeGranted looks at a request as it is written to the database.
func requireMayBeGranted(t *testing.T, noted []any, text *regexp.Regexp) {
	t.Helper()
	var uris, texts, challenges int
	for _, value := range noted {
		switch value := value.(type) {
		case []string:
			require.Contains(t, value, "openid")
			for _, scope := range value {
				require.Contains(t, []string{"openid", "profile", "email", "offline_access"}, scope)
			}
			require.True(t, slices.IsSorted(value))
		case string:
			switch {
			case value == "https://diary.example/callback":
				uris++
			case challengePattern.MatchString(value):
				challenges++
				texts++
			default:
				require.Regexp(t, text, value)
				texts++
			}
		case uuid.UUID:
			require.NotZero(t, value)
		}
	}
	require.Positive(t, uris)
	require.Positive(t, challenges)
	require.Positive(t, texts)
}

// Whatever is sent, a client that shows who it is gets the refusal of a token, as JSON that nobody keeps, and who does not gets 401.
func FuzzToken(f *testing.F) {
	const basic = "Basic ZGlhcnk6YStzZWNyZXQrb2YrdGhlK2RpYXJ5"
	for _, form := range []string{
		"grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Fdiary.example%2Fcallback&code_verifier=" + strings.Repeat("v", 43),
		"grant_type=refresh_token&refresh_token=x&scope=openid+openid+profile",
		"grant_type=password&username=a&password=b",
		"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x&subject_token_type=y",
		"grant_type=authorization_code&grant_type=refresh_token",
		"grant_type=authorization_code&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=e30.e30.e30",
		"grant_type=authorization_code&code=%00&client_id=other", "token=x&token_type_hint=access_token", "", "%", "a;b", "=&=",
	} {
		f.Add("", form, basic)
		f.Add("x=y", form, basic)
		f.Add("", form, "")
	}
	for _, authorization := range []string{"Basic", "Basic %%%", "Basic Og==", "Basic ZGlhcnk6JQ==", "Bearer x", "basic ZGlhcnk6YStzZWNyZXQrb2YrdGhlK2RpYXJ5"} {
		f.Add("", "grant_type=authorization_code&code=x", authorization)
	}
	p, _ := fuzzed(f)
	f.Fuzz(func(t *testing.T, query, form, authorization string) {
		for _, path := range []string{"/auth/token", "/auth/revoke"} {
			w := answered(p, http.MethodPost, path, query, form, authorization)
			require.Contains(t, w.Header().Get("Cache-Control"), "no-store")
			require.Empty(t, w.Header().Get("Location"))
			if path == "/auth/revoke" && w.Code == http.StatusOK {
				require.Empty(t, w.Body.String())
				continue
			}
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, w.Code, w.Body)
			var answer map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body)
			require.NotEmpty(t, answer["error"])
			require.NotContains(t, answer, "access_token")
			r := http.Request{Header: http.Header{"Authorization": {authorization}}}
			if _, ok := p.authenticatedClient(&r); ok {
				require.Equal(t, http.StatusBadRequest, w.Code, w.Body)
			} else {
				require.Equal(t, http.StatusUnauthorized, w.Code)
				require.Equal(t, "invalid_client", answer["error"])
			}
		}
	})
}
