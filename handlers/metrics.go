package handlers

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what operations watch of this process and of the database, as Prometheus reads it. Whoever has the token may, or, where
// none is configured, whoever asks from this machine without a proxy between. No label has more values than the source names.
func (h *Handlers) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(poolCollectors(h.pool)...)
	registry.MustRegister(h.Metrics...)
	if h.hub != nil { // else there are no pages
		registry.MustRegister(h.requests.collectors()...)
		registry.MustRegister(h.hub.collectors()...)
	}
	if h.standby != nil {
		registry.MustRegister(h.standby.metrics.collectors()...)
	}
	registry.MustRegister(&figures{read: func(ctx context.Context) ([]prometheus.Metric, error) { return h.readFigures(ctx) }})
	shown := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.mayWatch(r) {
			http.Error(w, "metrics are for operations: ask from this machine, or set ATES_METRICS_TOKEN and send it as a bearer token", http.StatusForbidden)
			return
		}
		shown.ServeHTTP(w, r)
	})
}

func poolCollectors(pool *pgxpool.Pool) []prometheus.Collector {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "ates", Subsystem: "pool", Name: name, Help: help}
	}
	gauge := func(name, help string, value func(*pgxpool.Stat) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts(name, help)), func() float64 { return value(pool.Stat()) })
	}
	counter := func(name, help string, value func(*pgxpool.Stat) float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts(opts(name, help)), func() float64 { return value(pool.Stat()) })
	}
	return []prometheus.Collector{
		gauge("connections", "Connections to Postgres in the pool.", func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }),
		gauge("connections_in_use", "Connections of the pool that somebody works with.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		gauge("connections_max", "How many connections the pool may have.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		counter("waits_total", "How often somebody had to wait for a connection of the pool.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }),
		counter("wait_seconds_total", "How long they had to wait altogether.", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() }),
		counter("connections_opened_total", "Connections to Postgres that were made.", func(s *pgxpool.Stat) float64 { return float64(s.NewConnsCount()) }),
	}
}

func (h *Handlers) mayWatch(r *http.Request) bool {
	if h.MetricsToken != "" {
		return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+h.MetricsToken)) == 1
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && net.ParseIP(host).IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}
