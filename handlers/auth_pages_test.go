package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/sql/sqltest"
)

// The pages as the site shows them, with all that it wraps around them.
func TestSignInPageOfTheSite(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	s := &authSite{t: t, url: "http://" + server.Listener.Addr().String(), pool: sqltest.Pool(t), clock: &testClock{}}
	site, err := New(t.Context(), Config{
		Pool: s.pool, PublicURL: s.url, Books: accounting.Books{Zone: time.UTC}, Currency: "USD", Demo: true, Now: s.clock.now,
	})
	require.NoError(t, err)
	server.Config.Handler = site
	server.Start()
	t.Cleanup(server.Close)
	worker := auth.DemoPeople()[3]
	s.run(worker)

	b := s.browser()
	first := b.follow(b.get("/login"))
	require.Equal(t, "/auth/login", first.Request.URL.Path)
	for _, part := range []string{
		`action="/auth/login"`, `name="request"`, `name="login"`, `name="password"`, `name="demo" value="worker"`, `name="demo" value="admin"`,
	} {
		require.Contains(t, first.body, part)
	}

	refused := b.enter(first.Request.URL, `ann"><script>`, "wrong")
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	require.Contains(t, refused.body, "This login and password do not fit together.")
	require.Contains(t, refused.body, `value="ann&#34;&gt;&lt;script&gt;"`, "what was typed is still there")

	expired := s.browser().enter(first.Request.URL, worker.Login, worker.Password)
	require.Equal(t, http.StatusConflict, expired.StatusCode)
	require.Contains(t, expired.body, "Start again")

	b.lockOut(first.Request.URL, "ann")
	waits := b.enter(first.Request.URL, "ann", "right or wrong")
	require.Equal(t, http.StatusTooManyRequests, waits.StatusCode)
	require.NotEmpty(t, waits.Header.Get("Retry-After"))
	require.Contains(t, waits.body, `value="ann"`, "the login is still there")
	require.Regexp(t, `Try again in [456]\d seconds\.`, waits.body)

	// RFC 9700 4.2 and 4.16: no other site frames these pages or learns their addresses.
	for _, res := range []testAnswer{first, refused, waits, expired, b.get("/auth/keys")} {
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		require.Contains(t, []string{"no-referrer", "same-origin"}, res.Header.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		require.Contains(t, res.Header.Values("Cache-Control"), "no-store")
	}

	entered := b.post("/auth/login", url.Values{"request": {first.Request.URL.Query().Get("request")}, "demo": {worker.Login}})
	home := b.follow(entered)
	require.Equal(t, http.StatusOK, home.StatusCode, home.body)
	require.Contains(t, home.body, worker.Name)

	// A page that goes to sign in at once, without waiting for the way out to end, is not let in again.
	require.Equal(t, http.StatusSeeOther, b.post("/logout", nil).StatusCode)
	require.Equal(t, "/auth/login", b.follow(b.get("/login")).Request.URL.Path)
}
