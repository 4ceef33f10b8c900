package handlers

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

func TestMetricsAreForOperations(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	for _, c := range []struct {
		name, token, from string
		header            http.Header
		status            int
	}{
		{"from this machine", "", "127.0.0.1:4000", nil, http.StatusOK},
		{"from this machine by IPv6", "", "[::1]:4000", nil, http.StatusOK},
		{"from elsewhere", "", "192.0.2.1:4000", nil, http.StatusForbidden},
		{"through a proxy on this machine", "", "127.0.0.1:4000", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, http.StatusForbidden},
		{"with the token", "secret", "192.0.2.1:4000", http.Header{"Authorization": {"Bearer secret"}}, http.StatusOK},
		{"with another token", "secret", "127.0.0.1:4000", http.Header{"Authorization": {"Bearer secre"}}, http.StatusForbidden},
		{"without the token", "secret", "127.0.0.1:4000", nil, http.StatusForbidden},
	} {
		h := &Handlers{Config: Config{MetricsToken: c.token}, pool: pool, hub: newHub(pool)}
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.from
		for name, values := range c.header {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		h.metrics().ServeHTTP(w, r)
		require.Equal(t, c.status, w.Code, c.name)
		if c.status == http.StatusOK {
			require.Contains(t, w.Body.String(), "ates_pool_connections_max 10", c.name)
			require.Regexp(t, `(?m)^go_goroutines \d+$`, w.Body.String(), c.name)
			require.Contains(t, w.Body.String(), "ates_streams 0", c.name)
		}
	}
}
