package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

// Whoever takes a process out of service, and whoever has to mend it, are told which of the things is missing that it needs.
func TestReadinessSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	working := true
	h := watchedSite(pool)
	h.Dependencies = []Dependency{{Name: "jobs", State: func(context.Context) (string, bool) {
		return map[bool]string{true: "ok", false: "no queue has been asked"}[working], working
	}}}
	ask := func(accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.readyz(w, r)
		return w
	}
	w := ask("*/*")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "not ready\ndatabase: ok\nlive: live pages have no connection to Postgres\njobs: ok\n", w.Body.String())

	h.hub.listening = true
	w = ask("text/plain")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "ok\ndatabase: ok\nlive: ok\njobs: ok\n", w.Body.String())

	working = false
	w = ask("application/json")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var said readiness
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &said))
	require.Equal(t, readiness{false, []dependencyState{{"database", true, "ok"}, {"live", true, "ok"}, {"jobs", false, "no queue has been asked"}}}, said)

	working = true
	pool.Close()
	w = ask("")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "not ready\ndatabase: Postgres does not answer\nlive: ok\njobs: ok\n", w.Body.String())
	require.JSONEq(t, `{"ready": false, "dependencies": [{"name": "database", "ok": false, "state": "Postgres does not answer"},
		{"name": "live", "ok": true, "state": "ok"}, {"name": "jobs", "ok": true, "state": "ok"}]}`, ask("application/json").Body.String())
}
