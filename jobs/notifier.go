package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"ates/sql/dbsqlc"
)

// notifier tells the open pages of every process that something has committed. What has changed they read from log.changes;
// a NOTIFY that gets lost costs them a moment until they look by themselves. NOTIFY takes a lock over the whole database at
// commit, so it is sent apart from the work, at most once in a pause.
type notifier struct {
	pool  *pgxpool.Pool
	dirty chan struct{}

	sent, coalesced, failed prometheus.Counter
}

// pause is the shortest time between two notifications of one process.
const pause = 20 * time.Millisecond

func newNotifier(pool *pgxpool.Pool) *notifier {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "ates", Subsystem: "notifier", Name: name, Help: help})
	}
	return &notifier{
		pool: pool, dirty: make(chan struct{}, 1),
		sent:      counter("sent_total", "Notifications sent to the open pages of all processes."),
		coalesced: counter("coalesced_total", "Changes that were told of by a notification that another change had asked for already."),
		failed:    counter("failed_total", "Notifications that could not be sent; pages look by themselves some seconds later."),
	}
}

// changed asks for a notification. It never waits.
func (n *notifier) changed() {
	select {
	case n.dirty <- struct{}{}:
	default:
		n.coalesced.Inc()
	}
}

// run sends notifications until the context ends: the first at once, those that come during the pause as one after it.
func (n *notifier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.dirty:
		}
		switch err := dbsqlc.New(n.pool).NotifyChanges(ctx); {
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
