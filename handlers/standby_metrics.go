package handlers

import "github.com/prometheus/client_golang/prometheus"

// standbyMetrics count what is read from the standby and what is not.
type standbyMetrics struct {
	reads   *prometheus.CounterVec
	up, lag prometheus.Collector
}

func newStandbyMetrics(s *standby) *standbyMetrics {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ates", Subsystem: "standby", Name: name, Help: help}, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return value()
		})
	}
	m := &standbyMetrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ates", Subsystem: "standby", Name: "reads_total",
			Help: "Pages that read much: from the standby, or from the database itself because the standby is down, is behind, lacks what the person has just done, or failed."}, []string{"outcome"}),
		up: gauge("up", "1 while the standby answers and is one of this database.", func() float64 {
			if s.up {
				return 1
			}
			return 0
		}),
		lag: gauge("lag_seconds", "How old what the standby shows is, an hour at most.", func() float64 { return s.lag.Seconds() }),
	}
	for _, outcome := range []string{readFromStandby, standbyDown, standbyBehind, standbyLacksOwn, standbyFailed} {
		m.reads.WithLabelValues(outcome)
	}
	return m
}

func (m *standbyMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.reads, m.up, m.lag}
}
