package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
)

// However many addresses people ask for, and in whatever way, there are as many labels as routes.
func TestRequestsAreCountedByTheirRoute(t *testing.T) {
	t.Parallel()
	h := &Handlers{requests: newRequestMetrics()}
	inner, app, site := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	inner.HandleFunc("POST /auth/token", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) })
	within := inProcess{handler: routed(inner)}
	app.HandleFunc("GET /tasks/{id}", func(http.ResponseWriter, *http.Request) {})
	app.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/tasks", http.StatusSeeOther) })
	app.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		asked, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://ates.example/auth/token", http.NoBody)
		if err == nil {
			within.origin = asked.URL
			_, err = within.RoundTrip(asked)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	app.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "unknown", http.StatusNotFound) })
	site.Handle("/", routed(app))
	site.Handle("/auth/", routed(inner))
	site.HandleFunc("GET /live", func(http.ResponseWriter, *http.Request) {})
	watched := h.watched(routed(site))
	ask := func(ctx context.Context, method, path string) {
		watched.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, path, nil))
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, asked := range []struct{ method, path string }{
		{"GET", "/tasks/1"}, {"GET", "/tasks/2"}, {"HEAD", "/tasks/2"}, {"GET", "/"}, {"GET", "/live"}, {"GET", "/wp-login.php"}, {"GET", "/.env"},
		{"BREW", "/tasks/1"}, {"POST", "/auth/token"}, {"GET", "/callback"},
	} {
		ask(t.Context(), asked.method, asked.path)
	}
	ask(gone, "GET", "/tasks/3")
	h.watched(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))

	registry := prometheus.NewRegistry()
	registry.MustRegister(h.requests.collectors()...)
	said := scrape(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	for _, line := range []string{
		`ates_http_requests_total{method="GET",route="/tasks/{id}",status="2xx"} 2`,
		`ates_http_requests_total{method="HEAD",route="/tasks/{id}",status="2xx"} 1`,
		`ates_http_requests_total{method="GET",route="/tasks/{id}",status="cancelled"} 1`,
		`ates_http_requests_total{method="GET",route="/",status="3xx"} 1`,
		`ates_http_requests_total{method="GET",route="unknown",status="4xx"} 2`,
		`ates_http_requests_total{method="other",route="unknown",status="4xx"} 1`,
		`ates_http_requests_total{method="POST",route="/auth/token",status="4xx"} 1`,
		`ates_http_requests_total{method="GET",route="/callback",status="2xx"} 1`,
		`ates_http_requests_total{method="GET",route="/live",status="2xx"} 1`,
		`ates_http_requests_total{method="GET",route="refused",status="4xx"} 1`,
		`ates_http_request_duration_seconds_count{method="GET",route="/tasks/{id}"} 3`,
		`ates_http_requests_running 0`,
	} {
		require.Contains(t, said, line+"\n")
	}
	require.NotContains(t, said, `seconds_count{method="GET",route="/live"}`)
}
