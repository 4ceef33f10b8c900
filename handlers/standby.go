package handlers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/dbsqlc"
)

const (
	// behindAtMost is how much older than the database a page may be that is read from the standby. An open page fetches again what
	// has changed since five seconds before it was asked for (preloaded in static/live.js), and so what such a page may lack.
	behindAtMost = 3 * time.Second
	// markEvery is how often it is looked how far the database and the standby are, and markWithin how long that may take.
	markEvery, markWithin = 500 * time.Millisecond, 2 * time.Second
	// marksKept is up to what the lag of the standby is told.
	marksKept = time.Hour
	// standbyWithin is how long a page waits for a connection to the standby before it is read from the database itself.
	standbyWithin = 500 * time.Millisecond
)

// standby is a copy of the database that follows it, for pages that read much. Nobody sees in it less than they have done themselves,
// and nobody anything that is older than behindAtMost: whoever would is shown the database itself, as is everybody while it is down.
type standby struct {
	pool    *pgxpool.Pool
	primary *dbsqlc.Queries
	metrics *standbyMetrics

	mu    sync.Mutex
	marks []mark // the oldest first
	lag   time.Duration
	up    bool
	said  string
}

// mark is a place in the write-ahead log. Whatever was committed by a time lies before it.
type mark struct {
	at       time.Time
	position int64
}

// newStandby is nil where there is none.
func newStandby(pool, primary *pgxpool.Pool) *standby {
	if pool == nil {
		return nil
	}
	s := &standby{pool: pool, primary: dbsqlc.New(primary), said: "has not been looked at yet"}
	s.metrics = newStandbyMetrics(s)
	return s
}

// run looks how far both are until the context ends.
func (s *standby) run(ctx context.Context) {
	look := time.NewTicker(markEvery)
	defer look.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// look notes how far the database is, and how the standby is.
func (s *standby) look(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, markWithin)
	defer cancel()
	asked := time.Now() // before it is answered: what was committed by now lies before the answer
	primary, err := s.primary.PrimaryPosition(within)
	if err != nil {
		return // the marks grow old, and then nothing is read from the standby any more
	}
	copied, err := dbsqlc.New(s.pool).StandbyPosition(within)
	said, up := "follows", true
	switch {
	case err != nil:
		said, up = "does not answer", false
	case copied.Cluster != primary.Cluster:
		said, up = "is a copy of another database", false
	case copied.Position < 0:
		said, up = "is none", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if said != s.said && ctx.Err() == nil {
		slog.InfoContext(ctx, "the standby "+said, "reads", up)
	}
	s.said, s.up = said, up
	s.note(mark{asked, primary.Durable}, copied.Position)
}

// note remembers a mark, and how old the newest one is that the standby has reached. The caller holds the lock.
func (s *standby) note(m mark, reached int64) {
	for len(s.marks) > 0 && m.at.Sub(s.marks[0].at) > marksKept {
		s.marks = s.marks[1:]
	}
	s.marks = append(s.marks, m)
	s.lag = marksKept
	for i := len(s.marks) - 1; i >= 0; i-- {
		if s.up && s.marks[i].position <= reached {
			s.lag = m.at.Sub(s.marks[i].at)
			return
		}
	}
}

// state is how the standby is, in words.
func (s *standby) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up {
		return "ok"
	}
	return s.said + ", so everything is read from the database itself"
}

// needed is the place that the standby has to have reached so that it is not too old at a time; not ok is that it is down, or that
// nobody knows.
func (s *standby) needed(now time.Time) (position int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		return 0, false
	}
	for _, m := range s.marks {
		if now.Sub(m.at) <= behindAtMost {
			return m.position, true
		}
	}
	return 0, false
}

// What became of a page that reads much.
const (
	readFromStandby = "standby"
	standbyDown     = "down"
	standbyBehind   = "behind" // it is older than any page may be
	standbyLacksOwn = "own"    // it has not yet what this person did last
	standbyFailed   = "failed" // and the page was read again
)

// connect returns a connection to a standby that has everything up to a place which the reader knows, and is not too old; or why there
// is none. The connection is asked itself, since different ones may lead to different standbys. It must be released.
func (s *standby) connect(ctx context.Context, known int64) (conn *pgxpool.Conn, outcome string) {
	needed, ok := s.needed(time.Now())
	if !ok {
		return nil, standbyDown
	}
	within, cancel := context.WithTimeout(ctx, standbyWithin)
	defer cancel()
	conn, err := s.pool.Acquire(within)
	if err != nil {
		return nil, standbyDown
	}
	copied, err := dbsqlc.New(conn).StandbyPosition(within)
	switch {
	case err != nil:
		outcome = standbyDown
	case copied.Position < needed:
		outcome = standbyBehind
	case copied.Position < known:
		outcome = standbyLacksOwn
	default:
		return conn, readFromStandby
	}
	conn.Release()
	return nil, outcome
}
