package handlers

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/dbsqlc"
)

const (
	// boardWithin is how long an answer waits for the board at most.
	boardWithin = time.Second
	// boardPause is how long after one look at the board there is the next.
	boardPause = 5 * time.Millisecond
)

// boardWatch waits for the board on behalf of all answers that do: one look now and then for all of them, however many they are.
type boardWatch struct {
	queries *dbsqlc.Queries

	mu      sync.Mutex
	waiting map[*boardWait]bool
	looking bool
}

func newBoardWatch(pool *pgxpool.Pool) *boardWatch {
	return &boardWatch{queries: dbsqlc.New(pool), waiting: map[*boardWait]bool{}}
}

// boardWait is an answer that waits until the board shows a task's event number version.
type boardWait struct {
	task    uuid.UUID
	version int64
	shown   chan struct{}
}

// await waits, for a moment at most, until the board shows a task's event number version, so that the page that answers a form shows what
// the form did.
func (b *boardWatch) await(ctx context.Context, task uuid.UUID, version int64) {
	w := &boardWait{task: task, version: version, shown: make(chan struct{})}
	b.mu.Lock()
	b.waiting[w] = true
	if !b.looking {
		b.looking = true
		go b.look(context.WithoutCancel(ctx))
	}
	b.mu.Unlock()
	late := time.NewTimer(boardWithin)
	defer late.Stop()
	select {
	case <-w.shown:
	case <-ctx.Done():
	case <-late.C:
	}
	b.mu.Lock()
	delete(b.waiting, w)
	b.mu.Unlock()
}

// look looks for as long as somebody waits.
func (b *boardWatch) look(ctx context.Context) {
	for {
		b.mu.Lock()
		tasks := make([]uuid.UUID, 0, len(b.waiting))
		for w := range b.waiting {
			tasks = append(tasks, w.task)
		}
		if b.looking = len(tasks) > 0; !b.looking {
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		b.tell(ctx, tasks)
		time.Sleep(boardPause)
	}
}

// tell lets go of those whose event the board shows. Nobody waits for a board that cannot be looked at.
func (b *boardWatch) tell(ctx context.Context, tasks []uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, boardWithin)
	defer cancel()
	rows, err := b.queries.BoardVersions(ctx, tasks)
	versions := make(map[uuid.UUID]int64, len(rows))
	for _, row := range rows {
		versions[row.Task] = row.Version
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.waiting {
		if err != nil || versions[w.task] >= w.version {
			close(w.shown)
			delete(b.waiting, w)
		}
	}
}
