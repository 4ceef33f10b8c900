package migrations_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// Many at once change the board in every way there is, and some of them take it back.
func TestTheCountsOfTheBoardAreThoseOfItsRows(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	q := dbsqlc.New(pool)
	exec := func(ctx context.Context, sql string, args ...any) {
		if _, err := pool.Exec(ctx, sql, args...); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	counted := func() {
		t.Helper()
		counts, err := q.CountBoard(t.Context())
		require.NoError(t, err)
		var want dbsqlc.CountBoardRow
		require.NoError(t, pool.QueryRow(t.Context(), `select count(*) filter (where status = 'open'), count(*) filter (where status = 'resolved')
			from tracker.board where description is not null and version > 0`).Scan(&want.Open, &want.Resolved))
		require.Equal(t, want, counts)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for n := range 12 {
				task := uuid.New()
				exec(t.Context(), `insert into tracker.board (task, version) values ($1, 1)`, task) // not shown yet: what it is has not come
				exec(t.Context(), `update tracker.board set number = $2, description = 'x' where task = $1`, task, n)
				if n%2 == 0 {
					exec(t.Context(), `insert into tracker.board (task) values ($1) on conflict (task) do update set status = 'resolved'`, task)
				}
				if n%5 == 0 {
					exec(t.Context(), `delete from tracker.board where task = $1`, task)
				}
				tx, err := pool.Begin(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := tx.Exec(t.Context(), `insert into tracker.board (task, number, description, version) values ($1, 1, 'taken back', 1)`, uuid.New()); err != nil {
					t.Error(err)
				}
				if err := tx.Rollback(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	counted()
	counts, err := q.CountBoard(t.Context())
	require.NoError(t, err)
	require.Equal(t, dbsqlc.CountBoardRow{Open: 8 * 5, Resolved: 8 * 4}, counts)

	exec(t.Context(), `update tracker.board set status = 'open', description = 'all of them at once'`)
	counted()
	exec(t.Context(), `truncate tracker.board`)
	counted()
}
