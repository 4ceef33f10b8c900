package handlers

import (
	"crypto/subtle"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what operations watch of this process, as Prometheus reads it. Whoever has the token may, or, where none is
// configured, whoever asks from this machine without a proxy between.
func (h *Handlers) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ates", Name: name, Help: help}, value)
	}
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("streams", "Streams of pages that are open.", func() float64 { return float64(h.hub.open()) }),
		gauge("listening", "1 while live pages have their connection to Postgres.", func() float64 {
			if h.hub.ready() {
				return 1
			}
			return 0
		}),
		gauge("pool_connections", "Connections to Postgres in the pool.", func() float64 { return float64(h.pool.Stat().TotalConns()) }),
		gauge("pool_connections_in_use", "Connections of the pool that somebody works with.", func() float64 { return float64(h.pool.Stat().AcquiredConns()) }),
		gauge("pool_connections_max", "How many connections the pool may have.", func() float64 { return float64(h.pool.Stat().MaxConns()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "ates", Name: "pool_waits_total", Help: "How often somebody had to wait for a connection of the pool."},
			func() float64 { return float64(h.pool.Stat().EmptyAcquireCount()) }),
	)
	shown := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.mayWatch(r) {
			http.Error(w, "metrics are for operations: ask from this machine, or set ATES_METRICS_TOKEN and send it as a bearer token", http.StatusForbidden)
			return
		}
		shown.ServeHTTP(w, r)
	})
}

func (h *Handlers) mayWatch(r *http.Request) bool {
	if h.MetricsToken != "" {
		return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+h.MetricsToken)) == 1
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && net.ParseIP(host).IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}
