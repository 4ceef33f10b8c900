package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requestMetrics count the requests that this process answers.
type requestMetrics struct {
	answered *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ates", Name: "http_requests_total",
			Help: "Requests by route, method and class of status; the route is unknown for addresses that are none of ours, refused for what was refused before a route was looked for."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "ates", Name: "http_request_duration_seconds",
			Help: "How long requests took, but for streams, which end with their page.", Buckets: prometheus.DefBuckets}, []string{"route", "method"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "ates", Name: "http_requests_running", Help: "Requests that are being answered, streams among them."}),
	}
}

func (m *requestMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.answered, m.seconds, m.running}
}

// quiet are the paths that are asked for all the time and tell an operator nothing.
var quiet = regexp.MustCompile(`^/(static/|healthz$|readyz$|metrics$)`)

// watched counts each request, and writes a line for it when it has been answered.
func (h *Handlers) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests.running.Inc()
		defer h.requests.running.Dec()
		begin := time.Now()
		a := &answer{ResponseWriter: w}
		var route string
		ctx, traced := h.traceRequest(r)
		r = r.WithContext(context.WithValue(ctx, routeKey{}, &route))
		next.ServeHTTP(a, r)
		took := time.Since(begin)
		route = routeLabel(route)
		endRequest(traced, r, route, a.status)
		h.requests.answered.WithLabelValues(route, methodLabel(r.Method), statusLabel(a.status, r.Context().Err())).Inc()
		if route != liveRoute {
			h.requests.seconds.WithLabelValues(route, methodLabel(r.Method)).Observe(took.Seconds())
		}
		level := slog.LevelInfo
		if quiet.MatchString(r.URL.Path) {
			level = slog.LevelDebug
		}
		slog.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", a.status, "took", took.Round(time.Microsecond))
	})
}

// liveRoute is the route of the streams.
const liveRoute = "/live"

// routeKey is where the context of a request keeps which route was found for it.
type routeKey struct{}

// routed notes the route that a router finds for a request. Of routers within one another the innermost knows best.
func routed(router http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if route, ok := r.Context().Value(routeKey{}).(*string); ok && *route == "" {
				*route = r.Pattern
			}
		}()
		router.ServeHTTP(w, r)
	})
}

// unrouted hides from the routers below which request they work for.
func unrouted(ctx context.Context) context.Context {
	return context.WithValue(ctx, routeKey{}, nil)
}

// routeLabel is the path of a route's pattern. Routes are few whatever people ask for.
func routeLabel(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	switch pattern {
	case "/":
		return "unknown"
	case "":
		return "refused" // before a router saw it
	}
	return strings.TrimSuffix(pattern, "{$}")
}

// methodLabel is a method that routes take, or that it is another.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return method
	}
	return "other"
}

// statusLabel is the class of a status; a handler that wrote nothing has answered well, unless nobody waited any more.
func statusLabel(status int, gone error) string {
	switch {
	case status == 0 && gone != nil:
		return "cancelled"
	case status == 0:
		return "2xx"
	}
	return string(rune('0'+status/100)) + "xx"
}
