package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ates/domain"
)

// What became of a command. One that was repeated got its first answer again; one that was cancelled lost whoever asked for it.
const (
	commandDone      = "done"
	commandRefused   = "refused"
	commandRepeated  = "repeated"
	commandFailed    = "failed"
	commandCancelled = "cancelled"
)

// What became of an attempt at a job. One that failed is tried again; one that was discarded was the last.
const (
	jobDone      = "done"
	jobFailed    = "failed"
	jobDiscarded = "discarded"
)

// metrics count what a bus does in this process.
type metrics struct {
	commands       *prometheus.CounterVec
	commandSeconds *prometheus.HistogramVec
	events         *prometheus.CounterVec
	worked         *prometheus.CounterVec
	workSeconds    *prometheus.HistogramVec
	delay          *prometheus.HistogramVec
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ates", Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "ates", Name: name, Help: help, Buckets: buckets}, labels)
	}
	return &metrics{
		commands:       counter("commands_total", "Commands by what became of them: done, refused, repeated, failed or cancelled.", "command", "outcome"),
		commandSeconds: seconds("command_duration_seconds", "How long commands took from their beginning to their commit.", prometheus.DefBuckets, "command"),
		events:         counter("events_total", "Events told by commands that were committed.", "event"),
		worked:         counter("jobs_worked_total", "Attempts at jobs by what became of them: done, failed (tried again) or discarded (given up).", "kind", "queue", "outcome"),
		workSeconds: seconds("job_duration_seconds", "How long attempts at jobs took.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120, 600}, "kind", "queue"),
		delay: seconds("reaction_delay_seconds", "From when an event occurred to the commit of the job that reacted to it.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}, "kind", "queue"),
	}
}

// expect makes the counters of everything that can happen begin at nought, so that the first time is seen as a change.
func (m *metrics) expect(b *Bus) {
	for _, rule := range b.flow {
		m.events.WithLabelValues(rule.on.EventName())
	}
	work := func(kind, queue string) {
		for _, outcome := range []string{jobDone, jobFailed, jobDiscarded} {
			m.worked.WithLabelValues(kind, queue, outcome)
		}
		m.workSeconds.WithLabelValues(kind, queue)
	}
	for _, r := range b.flow.reactions() {
		work(r.kind, r.queue)
		m.delay.WithLabelValues(r.kind, r.queue)
	}
	for _, c := range b.chores {
		work(c.kind, river.QueueDefault)
	}
	for kind := range b.outboxes() {
		work(kind, mailQueue)
	}
}

// ran counts a run of a command and, where it was committed, the events that it told.
func (m *metrics) ran(name, outcome string, took time.Duration, told []domain.Envelope) {
	m.commands.WithLabelValues(name, outcome).Inc()
	m.commandSeconds.WithLabelValues(name).Observe(took.Seconds())
	if outcome != commandDone {
		return
	}
	for _, e := range told {
		m.events.WithLabelValues(e.Name).Inc()
	}
}

// attempted counts an attempt at a job.
func (m *metrics) attempted(kind, queue, became string, took time.Duration) {
	m.worked.WithLabelValues(kind, queue, became).Inc()
	m.workSeconds.WithLabelValues(kind, queue).Observe(took.Seconds())
}

// outcome is what became of a command.
func outcome(repeated bool, err error) string {
	var refusal *domain.Refusal
	switch {
	case errors.As(err, &refusal):
		return commandRefused
	case errors.Is(err, context.Canceled):
		return commandCancelled
	case err != nil:
		return commandFailed
	case repeated:
		return commandRepeated
	}
	return commandDone
}

// Metrics are what the bus counts in this process, for a registry of Prometheus.
func (b *Bus) Metrics() []prometheus.Collector {
	m := b.metrics
	return []prometheus.Collector{
		m.commands, m.commandSeconds, m.events, m.worked, m.workSeconds, m.delay,
		b.notifier.sent, b.notifier.coalesced, b.notifier.failed,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ates", Name: "jobs_working", Help: "1 while this process asks its queues for jobs."}, func() float64 {
			if b.Working() {
				return 1
			}
			return 0
		}),
	}
}

// crew is how the jobs of this process are being worked on.
type crew struct {
	river.MiddlewareDefaults
	metrics *metrics
	// busy is how many jobs run, and asked when a queue last answered what there is to do, in nanoseconds of the Unix time.
	busy, asked atomic.Int64
}

// silent is how long no queue may have answered before the process is taken not to work. They are asked several times a second.
const silent = 15 * time.Second

// Working reports whether this process works on jobs: whether it has asked for some just now, or is busy with those it has.
func (b *Bus) Working() bool {
	asked := b.crew.asked.Load()
	return asked != 0 && (b.crew.busy.Load() > 0 || time.Since(time.Unix(0, asked)) < silent)
}

// answered is the hook by which River tells that a queue has answered.
func (c *crew) answered(_ context.Context, params *rivertype.HookMetricEmitParams) {
	if _, ok := params.Metric.(*rivertype.JobGetAvailableCountMetric); ok {
		c.asked.Store(time.Now().UnixNano())
	}
}

// Work counts an attempt at a job. One that ends because the program does is no failure: the job goes back to its queue.
func (c *crew) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	c.busy.Add(1)
	defer c.busy.Add(-1)
	begun, became := time.Now(), jobDiscarded // also by a panic
	if job.Attempt < job.MaxAttempts {
		became = jobFailed
	}
	defer func() {
		if became != "" {
			c.metrics.attempted(job.Kind, job.Queue, became, time.Since(begun))
		}
	}()
	err := work(ctx)
	switch {
	case err == nil:
		became = jobDone
	case errors.Is(err, context.Canceled):
		became = ""
	}
	return err
}
