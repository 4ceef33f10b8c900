package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces as those of OpenTelemetry do.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	from  map[string]string // what is said of whoever sent them
}

func newCollector(t testing.TB) *collector {
	t.Helper()
	c := &collector{from: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		if err := c.take(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(r *http.Request) (err error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(r.Body); err != nil {
			return err
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var sent collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(content, &sent); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, some := range sent.GetResourceSpans() {
		for _, about := range some.GetResource().GetAttributes() {
			c.from[about.GetKey()] = about.GetValue().GetStringValue()
		}
		for _, scope := range some.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return nil
}

// ways are the ways of all traces: the names of the spans from the first to each.
func (c *collector) ways() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		of[string(s.GetTraceId())+string(s.GetSpanId())] = s
	}
	for _, s := range c.spans {
		way := s.GetName()
		for parent := of[string(s.GetTraceId())+string(s.GetParentSpanId())]; parent != nil; parent = of[string(parent.GetTraceId())+string(parent.GetParentSpanId())] {
			way = parent.GetName() + " > " + way
		}
		all = append(all, way)
	}
	return all
}

// requireTraced requires that a resolved task was traced through the whole program.
func (c *collector) requireTraced(t testing.TB) {
	t.Helper()
	ways := c.ways()
	require.Contains(t, ways, "POST /tasks/{id}/resolve > tracker.ChangeTaskStatus > job deposit_money > accounting.DepositMoney > job refresh_daily_balances > jobs.refreshDays")
	told := 0
	for _, way := range ways {
		if strings.HasPrefix(way, "POST /tasks/{id}/resolve > tracker.ChangeTaskStatus > job ") && strings.HasSuffix(way, " > notify pages > tell pages") {
			told++
		}
	}
	require.NotZero(t, told, "down to the streams: %q", ways)
	require.Equal(t, "ates", c.from["service.name"])
	require.Equal(t, "v9.8.7 0123456789ab", c.from["service.version"])
	require.Equal(t, "parrots", c.from["deployment.environment"])
}

func TestTracesAreSentOnlyWhereSomebodyAsksForThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		tracing tracing
		want    string
	}{
		{"nobody asks", tracing{}, ""},
		{"a collector is named", tracing{Endpoint: "http://collector:4318"}, "http://collector:4318/v1/traces"},
		{"with a path", tracing{Endpoint: "https://collector/otlp/"}, "https://collector/otlp/v1/traces"},
		{"one for traces alone", tracing{Endpoint: "http://collector:4318", TracesEndpoint: "http://traces:4318/t"}, "http://traces:4318/t"},
		{"without a collector's name", tracing{Traces: "otlp"}, "http://localhost:4318/v1/traces"},
		{"none, whatever else", tracing{Traces: "none", Endpoint: "http://collector:4318"}, ""},
		{"switched off", tracing{Disabled: true, Endpoint: "http://collector:4318"}, ""},
	} {
		address, err := c.tracing.endpoint()
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, address, c.name)
	}
	tracer, stop, err := tracing{}.tracer(t.Context())
	require.NoError(t, err)
	require.Nil(t, tracer)
	stop()
	for want, c := range map[string]tracing{
		`OTEL_TRACES_EXPORTER is "zipkin"; use otlp or none`: {Traces: "zipkin"},
		`OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"`:              {Protocol: "grpc", Endpoint: "http://collector:4317"},
		`OTEL_EXPORTER_OTLP_ENDPOINT leads to`:               {Endpoint: "collector:4318"},
		`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT leads to`:        {TracesEndpoint: "/v1/traces"},
	} {
		_, _, err := c.tracer(t.Context())
		require.ErrorContains(t, err, want)
	}
}
