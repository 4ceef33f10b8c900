package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// errBusy means that somebody else is rebuilding or comparing.
var errBusy = errors.New("another rebuild or comparison of read models is at work; try again when it has ended")

// apart runs f alone among all processes, on a connection of its own, with nothing left of others before it, and leaves nothing
// itself. It waits so long for others to end.
func apart(ctx context.Context, pool *pgxpool.Pool, wait time.Duration, f func(*pgx.Conn) error) (err error) {
	conn, err := hold(ctx, pool, wait)
	if err != nil {
		return err
	}
	defer func() {
		const patience = 10 * time.Second
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if conn.Conn().IsClosed() {
			// A statement that was cancelled takes its connection along, and that the lock. Where another begins just now, it clears up.
			conn.Release()
			var lost error
			if conn, lost = hold(leaving, pool, patience/2); lost != nil {
				return
			}
		}
		defer conn.Release()
		if left := clearRebuilds(leaving, conn.Conn()); left != nil {
			err = errors.Join(err, fmt.Errorf("clear up: %w", left))
		}
		if _, kept := conn.Exec(leaving, "select pg_advisory_unlock("+rebuildLock+")"); kept != nil {
			err = errors.Join(err, fmt.Errorf("let others rebuild: %w", kept))
		}
	}()
	if err := clearRebuilds(ctx, conn.Conn()); err != nil {
		return fmt.Errorf("clear up what an earlier rebuild has left: %w", err)
	}
	return f(conn.Conn())
}

// rebuildLock is the advisory lock of whoever rebuilds or compares.
const rebuildLock = "hashtextextended('ates rebuild', 0)"

// hold takes the lock on a connection, or is errBusy.
func hold(ctx context.Context, pool *pgxpool.Pool, wait time.Duration) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	const pause = 50 * time.Millisecond
	for begun := time.Now(); ; {
		var alone bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock("+rebuildLock+")").Scan(&alone); err != nil {
			conn.Release()
			return nil, fmt.Errorf("look whether another rebuild is at work: %w", err)
		}
		if alone {
			return conn, nil
		}
		if time.Since(begun) >= wait {
			conn.Release()
			return nil, errBusy
		}
		if err := sleep(ctx, pause); err != nil {
			conn.Release()
			return nil, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
