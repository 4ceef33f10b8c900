package handlers

import "github.com/prometheus/client_golang/prometheus"

// liveMetrics count what the streams of this process are told.
type liveMetrics struct {
	sent       *prometheus.CounterVec
	reloads    prometheus.Counter
	reconnects prometheus.Counter
}

func newLiveMetrics() *liveMetrics {
	m := &liveMetrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ates", Subsystem: "stream", Name: "events_total",
			Help: "Events sent to streams: hello, change, ping and bye."}, []string{"event"}),
		reloads: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "ates", Subsystem: "stream", Name: "reloads_total",
			Help: "Changes by which a stream was told to fetch everything, because it was too slow or away for too long."}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "ates", Name: "listening_reconnects_total",
			Help: "How often live pages lost their connection to Postgres."}),
	}
	for _, event := range []string{"hello", "change", "ping", "moved", "bye"} {
		m.sent.WithLabelValues(event)
	}
	return m
}

// collectors are the counters, with gauges of how the hub is.
func (h *hub) collectors() []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ates", Name: name, Help: help}, value)
	}
	return []prometheus.Collector{
		h.metrics.sent, h.metrics.reloads, h.metrics.reconnects,
		gauge("streams", "Streams of pages that are open.", func() float64 { return float64(h.open()) }),
		gauge("listening", "1 while live pages have their connection to Postgres.", func() float64 {
			if h.ready() {
				return 1
			}
			return 0
		}),
	}
}
