package handlers

import "github.com/prometheus/client_golang/prometheus"

// liveMetrics count what the streams of this process are told.
type liveMetrics struct {
	sent       *prometheus.CounterVec
	reloads    prometheus.Counter
	reconnects prometheus.Counter
	parts      *prometheus.CounterVec
}

// What became of the requests of live elements for a part that many people see: rendered counts the renderings that are shared, served
// the answers with one, alone those that were rendered for one page.
const (
	partRendered = "rendered"
	partServed   = "served"
	partAlone    = "alone"
)

func newLiveMetrics() *liveMetrics {
	m := &liveMetrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ates", Subsystem: "stream", Name: "events_total",
			Help: "Events sent to streams: hello, change, ping and bye."}, []string{"event"}),
		reloads: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "ates", Subsystem: "stream", Name: "reloads_total",
			Help: "Changes by which a stream was told to fetch everything, because it was too slow or away for too long."}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "ates", Name: "listening_reconnects_total",
			Help: "How often live pages lost their connection to Postgres."}),
		parts: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ates", Name: "live_parts_total",
			Help: "Parts of pages that many people see: rendered to be shared, served from one that was, and rendered alone."}, []string{"outcome"}),
	}
	for _, outcome := range []string{partRendered, partServed, partAlone} {
		m.parts.WithLabelValues(outcome)
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
		h.metrics.sent, h.metrics.reloads, h.metrics.reconnects, h.metrics.parts,
		gauge("streams", "Streams of pages that are open.", func() float64 { return float64(h.open()) }),
		gauge("listening", "1 while live pages have their connection to Postgres.", func() float64 {
			if h.ready() {
				return 1
			}
			return 0
		}),
	}
}
