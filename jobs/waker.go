package jobs

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/migrations"
)

// waker tells the processes that work on queues that something is in them, once it has committed. River would do so in the transaction
// that puts it there, but such a transaction holds a lock over the whole database while it commits, so that no other commits at the same
// time. A process that ends in between costs the jobs the time until the next poll, and none of them.
type waker struct {
	pool  *pgxpool.Pool
	dirty chan struct{}

	mu     sync.Mutex
	queues map[string]bool
}

const (
	// wakePause is the shortest time between two wakes of one process.
	wakePause = 5 * time.Millisecond
	// riverInserted is where River's clients listen for what is put into queues; it says {"queue": name}.
	riverInserted = migrations.RiverSchema + ".river_insert"
	// neverNotify is a window in which River's own notifications of inserts are left out, but for one for each queue.
	neverNotify = 10000 * time.Hour
)

func newWaker(pool *pgxpool.Pool) *waker {
	return &waker{pool: pool, dirty: make(chan struct{}, 1), queues: map[string]bool{}}
}

// wake asks for those who work on the queues to be told. It never waits.
func (w *waker) wake(queues []string) {
	if len(queues) == 0 {
		return
	}
	w.mu.Lock()
	for _, queue := range queues {
		w.queues[queue] = true
	}
	w.mu.Unlock()
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

// run wakes until the context ends: the first at once, those that come during the pause together after it.
func (w *waker) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.dirty:
		}
		if err := w.tell(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "queues were not told of new jobs and will look by themselves", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wakePause):
		}
	}
}

func (w *waker) tell(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, notifyWithin)
	defer cancel()
	w.mu.Lock()
	payloads := make([]string, 0, len(w.queues))
	for queue := range w.queues {
		payload, err := json.Marshal(map[string]string{"queue": queue})
		if err != nil {
			w.mu.Unlock()
			return err
		}
		payloads = append(payloads, string(payload))
	}
	clear(w.queues)
	w.mu.Unlock()
	_, err := w.pool.Exec(ctx, "select pg_notify($1, payload) from unnest($2::text[]) payload", riverInserted, payloads)
	return err
}

// busTx is a transaction of the bus that knows into which queues it puts jobs.
type busTx struct {
	pgx.Tx
	queues []string
}
