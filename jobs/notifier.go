package jobs

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ates/sql/dbsqlc"
)

// notifier tells the open pages of every process that something has committed. What has changed they read from log.changes;
// a NOTIFY that gets lost costs them a moment until they look by themselves. NOTIFY takes a lock over the whole database at
// commit, so it is sent apart from the work, at most once in a pause.
type notifier struct {
	pool  *pgxpool.Pool
	dirty chan struct{}

	sent, coalesced, failed prometheus.Counter

	tracer trace.Tracer
	mu     sync.Mutex
	traced []trace.Span // of the changes that have not been told of yet
}

// pause is the shortest time between two notifications of one process. With four times as much a click took twice as long to reach
// another's page, and no more commands were done in a second.
const pause = 5 * time.Millisecond

// notifyWithin is how long a notification may take to be sent. Those of later wait for it, and a server that has fallen silent would hold
// them for ever.
const notifyWithin = 5 * time.Second

func newNotifier(pool *pgxpool.Pool, tracer trace.Tracer) *notifier {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "ates", Subsystem: "notifier", Name: name, Help: help})
	}
	return &notifier{
		pool: pool, dirty: make(chan struct{}, 1), tracer: tracer,
		sent:      counter("sent_total", "Notifications sent to the open pages of all processes."),
		coalesced: counter("coalesced_total", "Changes that were told of by a notification that another change had asked for already."),
		failed:    counter("failed_total", "Notifications that could not be sent; pages look by themselves some seconds later."),
	}
}

// changed asks for a notification of what the spans have changed. It never waits.
func (n *notifier) changed(by ...trace.SpanContext) {
	if n.tracer != nil {
		n.trace(by)
	}
	select {
	case n.dirty <- struct{}{}:
	default:
		n.coalesced.Inc()
	}
}

// tracesOfOne is how many traces one notification carries on; Postgres takes 8,000 bytes, and each needs 56.
const tracesOfOne = 64

// trace begins the spans of a change that waits to be told of.
func (n *notifier) trace(by []trace.SpanContext) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, of := range by {
		if len(n.traced) < tracesOfOne && of.IsSampled() {
			_, s := n.tracer.Start(trace.ContextWithSpanContext(context.Background(), of), "notify pages", trace.WithSpanKind(trace.SpanKindProducer))
			n.traced = append(n.traced, s)
		}
	}
}

// notify sends a notification with the traces that it belongs to.
func (n *notifier) notify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, notifyWithin)
	defer cancel()
	n.mu.Lock()
	traced := n.traced
	n.traced = nil
	n.mu.Unlock()
	parents := make([]string, len(traced))
	for i, s := range traced {
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(trace.ContextWithSpan(ctx, s), carrier)
		parents[i] = carrier["traceparent"]
		defer s.End()
	}
	return dbsqlc.New(n.pool).NotifyChanges(ctx, strings.Join(parents, " "))
}

// run sends notifications until the context ends: the first at once, those that come during the pause as one after it.
func (n *notifier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.dirty:
		}
		switch err := n.notify(ctx); {
		case err == nil:
			n.sent.Inc()
		case ctx.Err() == nil:
			n.failed.Inc()
			slog.WarnContext(ctx, "open pages were not told of a change and will look by themselves", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
