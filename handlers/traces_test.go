package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"ates/sql/dbsqlc"
)

// A trace of somebody else's, in the form of W3C.
const (
	theirTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	theirs     = "00-" + theirTrace + "-00f067aa0ba902b7-01"
)

// recorded is a tracer with what it has recorded.
func recorded() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("ates"), spans
}

func TestRequestsAreTracedByTheirRoute(t *testing.T) {
	t.Parallel()
	tracer, spans := recorded()
	h := &Handlers{requests: newRequestMetrics(), Config: Config{Tracer: tracer, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	site := http.NewServeMux()
	var within trace.SpanContext
	site.HandleFunc("GET /tasks/{id}", func(w http.ResponseWriter, r *http.Request) {
		within = trace.SpanContextFromContext(r.Context())
		if r.PathValue("id") == "broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	site.HandleFunc("GET /live", func(http.ResponseWriter, *http.Request) {})
	site.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	watched := h.watched(routed(site))
	ask := func(path, from string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.RemoteAddr = from
		r.Header.Set("Traceparent", theirs)
		watched.ServeHTTP(httptest.NewRecorder(), r)
	}
	ask("/live", "10.0.0.1:4000")
	ask("/healthz", "10.0.0.1:4000")
	require.Empty(t, spans.Ended())

	ask("/tasks/1", "192.0.2.1:4000")
	ask("/tasks/broken", "10.0.0.1:4000")
	all := spans.Ended()
	require.Len(t, all, 2)
	stranger, proxy := all[0], all[1]
	require.Equal(t, "GET /tasks/{id}", stranger.Name())
	require.NotEqual(t, theirTrace, stranger.SpanContext().TraceID().String(), "strangers do not say what is traced")
	require.Subset(t, stranger.Attributes(), []attribute.KeyValue{attribute.String("http.route", "/tasks/{id}"), attribute.String("url.path", "/tasks/1")})
	require.Equal(t, codes.Unset, stranger.Status().Code)
	require.Equal(t, theirTrace, proxy.SpanContext().TraceID().String(), "a proxy has begun the trace")
	require.Equal(t, proxy.SpanContext(), within, "what the request does belongs to it")
	require.Equal(t, codes.Error, proxy.Status().Code)
}

// Pages are told in the traces of what has changed, which the notification names, whatever else it may say.
func TestTellingPagesIsTraced(t *testing.T) {
	t.Parallel()
	tracer, spans := recorded()
	h, pool := listening(t, func(h *hub) { h.tracer = tracer })
	s := subscribed(t, h, "tasks")
	change(t, pool, "tasks/1")
	require.NoError(t, dbsqlc.New(pool).NotifyChanges(t.Context(), "nonsense "+theirs))
	require.Equal(t, []string{"tasks/1"}, told(t, s, soon))
	var telling sdktrace.ReadOnlySpan
	require.Eventually(t, func() bool {
		for _, s := range spans.Ended() {
			if s.SpanContext().TraceID().String() == theirTrace {
				telling = s
			}
		}
		return telling != nil
	}, soon, time.Millisecond)
	require.Equal(t, "tell pages", telling.Name())
	require.Equal(t, "00f067aa0ba902b7", telling.Parent().SpanID().String())
	require.Contains(t, telling.Attributes(), attribute.Int("ates.streams", 1))
}

// It is not parallel: what others allocate would be counted.
func TestNobodyTracingARequestCostsNothing(t *testing.T) {
	h := &Handlers{}
	r := httptest.NewRequest(http.MethodGet, "/tasks", nil)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, s := h.traceRequest(r)
		endRequest(s, r, "/tasks", http.StatusOK)
		endTelling(beginTelling(r.Context(), nil, ""), 0, nil)
	}))
}
