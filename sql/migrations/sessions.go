package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3/lock"
)

const (
	// lockWithin is how long a step waits for a lock. Whoever wants the same table afterwards waits behind it for as long, even to read.
	lockWithin = time.Second
	// firstPause is how long those are let through before the step is tried again, twice as long each time, up to longestPause.
	firstPause, longestPause = 500 * time.Millisecond, 30 * time.Second
	// patience is how long a step is tried again, and how long another process that migrates is waited for.
	patience = 10 * time.Minute
)

// sessions are connections on which nothing waits for a lock for long, and nothing keeps one that has stopped in the middle of a step.
type sessions struct {
	pool *pgxpool.Pool
	// db is the same for goose.
	db *sql.DB
	// wait is the lock_timeout of connections that are taken from now on, as Postgres reads it.
	wait atomic.Pointer[string]
}

func openSessions(ctx context.Context, pool *pgxpool.Pool) (*sessions, error) {
	const keptBy = "10s" // a process that has stopped
	s := &sessions{}
	s.waitAtMost(lockWithin)
	cfg := pool.Config()
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = 4, 0, 0
	cfg.ConnConfig.RuntimeParams["application_name"] = "ates migrations"
	// Whenever a connection is taken, since a step may have changed its settings.
	cfg.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		_, err := conn.Exec(ctx, "select set_config('lock_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false)", *s.wait.Load(), keptBy)
		return err == nil, err
	}
	var err error
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect for migrations: %w", err)
	}
	s.db = stdlib.OpenDBFromPool(s.pool)
	return s, nil
}

func (s *sessions) close() {
	_ = s.db.Close() // closes nothing, as the connections are the pool's
	s.pool.Close()
}

func (s *sessions) waitAtMost(d time.Duration) {
	text := fmt.Sprintf("%dms", d.Milliseconds())
	s.wait.Store(&text)
}

// waitFor says how long a step may wait. One that makes an index concurrently waits for whoever had begun before it, and nobody waits
// behind that.
func (s *sessions) waitFor(step string) error {
	s.waitAtMost(lockWithin)
	if step == "" {
		return nil
	}
	text, err := files.ReadFile(step)
	if err != nil {
		return fmt.Errorf("read %s: %w", step, err)
	}
	if concurrently(string(text)) {
		s.waitAtMost(0) // for as long as it takes
	}
	return nil
}

// concurrently reports whether a step makes or drops an index beside those who write.
func concurrently(step string) bool {
	return strings.Contains(strings.ToLower(step), "index concurrently")
}

// patiently applies a step again for as long as it does not get a lock in time.
func (s *sessions) patiently(ctx context.Context, step string, apply func() error) error {
	begun, pause, inTheWay := time.Now(), firstPause, ""
	for {
		err := apply()
		if err == nil || !withoutLock(err) && (ctx.Err() == nil || inTheWay == "") {
			return err
		}
		if withoutLock(err) {
			inTheWay = s.oldest(ctx)
		}
		if ctx.Err() != nil || time.Since(begun) > patience {
			return fmt.Errorf("%s did not get a lock within %s, and is not done; %s; end that, or migrate again when it has ended: %w",
				step, time.Since(begun).Round(time.Second), inTheWay, errors.Join(ctx.Err(), err))
		}
		slog.WarnContext(ctx, "a migration did not get a lock and is tried again", "step", step, "in", pause, "in the way", inTheWay)
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
		}
		pause = min(2*pause, longestPause)
	}
}

// withoutLock reports whether a step failed only because somebody else had a lock, or wanted the same ones in another order.
func withoutLock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == pgerrcode.LockNotAvailable || pg.Code == pgerrcode.DeadlockDetected)
}

// oldest says who has had a transaction open for the longest time, since nobody else is likely to be in the way of a step.
func (s *sessions) oldest(ctx context.Context) (said string) {
	const within = 5 * time.Second // also when whoever waits for the step gives up just now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	err := s.pool.QueryRow(ctx, `select format('process %s of the server (%s) has had a transaction open for %s: %s',
			pid, coalesce(nullif(application_name, ''), usename), date_trunc('second', clock_timestamp() - xact_start), left(regexp_replace(query, '\s+', ' ', 'g'), 200))
		from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null and application_name <> 'ates migrations'
		order by xact_start, pid limit 1`).Scan(&said)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "whoever was in its way has ended"
	case err != nil:
		return "who was in its way cannot be told: " + err.Error()
	}
	return said
}

// oneAtATime is a lock that one process has while others ask for it every second. Programs of before know these keys too.
func oneAtATime(key int64) (lock.SessionLocker, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(key), lock.WithLockTimeout(1, uint64(patience/time.Second)))
	if err != nil {
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	return locker, nil
}
