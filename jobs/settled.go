package jobs

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// settledPosition is a place in the log up to which everything that will ever be there can be seen. Positions are drawn before they
// are committed, so it waits for those who write into the log now, and keeps nobody from beginning to.
func settledPosition(ctx context.Context, conn *pgx.Conn) (int64, error) {
	var position int64
	if err := conn.QueryRow(ctx, "select case when is_called then last_value else last_value - 1 end from log.events_position_seq").Scan(&position); err != nil {
		return 0, fmt.Errorf("find the last position of the log: %w", err)
	}
	_, err := writersEnd(ctx, conn, math.MaxInt64, "log.events")
	return position, err
}

// writersEnd waits until every transaction has ended that writes into one of the tables now, and reports whether all have within that
// time: what has drawn its place in a table by now is then there to be seen, or never will be. Whoever asks has not written into the
// tables, or it would wait for itself.
func writersEnd(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, within time.Duration, tables ...string) (bool, error) {
	var writers []string
	// A place is drawn under this lock, also by those who have no transaction id yet.
	err := db.QueryRow(ctx, `select coalesce(array_agg(distinct virtualtransaction), '{}') from pg_locks
		where locktype = 'relation' and relation = any($1::text[]::regclass[]) and database = (select oid from pg_database where datname = current_database())
		and mode = 'RowExclusiveLock' and granted`, tables).Scan(&writers)
	if err != nil {
		return false, fmt.Errorf("look who writes into %v: %w", tables, err)
	}
	const pause = 10 * time.Millisecond
	for begin := time.Now(); ; {
		var running bool
		if err := db.QueryRow(ctx, "select exists (select from pg_locks where locktype = 'virtualxid' and virtualxid = any($1)) as writing", writers).Scan(&running); err != nil {
			return false, fmt.Errorf("wait for those who write into %v: %w", tables, err)
		}
		if !running || time.Since(begin) > within {
			return !running, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return false, err
		}
	}
}
