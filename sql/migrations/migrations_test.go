package migrations_test

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/sqltest"
)

// connect opens a pool of its own on a database, as another process does.
func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// own are the names of the program's own steps, in their order.
func own(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(migrations.Files(), "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

// requireAll requires that every step was applied once.
func requireAll(t *testing.T, pool *pgxpool.Pool, applied []string) {
	t.Helper()
	steps := own(t)
	require.GreaterOrEqual(t, len(applied), len(steps))
	require.ElementsMatch(t, steps, applied[:len(steps)], "the program's own come first")
	for _, step := range applied[len(steps):] {
		require.True(t, strings.HasPrefix(step, "river "), step)
	}
	var tables int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from pg_tables
		where (schemaname, tablename) in (('log', 'events'), ('tracker', 'tasks'), ('accounting', 'transfers'), ('auth', 'accounts'), ('river', 'river_job'))`).Scan(&tables))
	require.Equal(t, 5, tables)
	var unread int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from pg_indexes where schemaname = 'river' and indexname = any($1)", migrations.UnreadIndexes).Scan(&unread))
	require.Zero(t, unread)
}

func TestUpBringsAnEmptyDatabaseUpToDateOnce(t *testing.T) {
	t.Parallel()
	pool := connect(t, sqltest.Empty(t))
	compared := func() [2]int {
		t.Helper()
		missing, unknown, err := migrations.Compare(t.Context(), pool)
		require.NoError(t, err)
		return [2]int{missing, unknown}
	}
	before := compared()
	applied, err := migrations.Up(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, [2]int{len(applied) - len(migrations.UnreadIndexes), 0}, before, "all steps are missing from an empty database; indexes that nobody reads are none")
	require.Equal(t, [2]int{0, 0}, compared())
	require.True(t, slices.IsSorted(applied[:len(own(t))]))
	requireAll(t, pool, applied)

	again, err := migrations.Up(t.Context(), pool)
	require.NoError(t, err)
	require.Empty(t, again, "an up-to-date database is left alone")

	_, err = pool.Exec(t.Context(), "insert into goose_db_version (version_id, is_applied) values (99999, true)")
	require.NoError(t, err)
	require.Equal(t, [2]int{0, 1}, compared(), "a newer program has been there")
	_, err = pool.Exec(t.Context(), "delete from goose_db_version where version_id = 1")
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 1}, compared())
}

// Somebody is in the way of the first of our steps and then of River's, so that both processes are in the middle of them at
// the same time.
func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	url := sqltest.Empty(t)
	observer := connect(t, url)
	block := func(schema string) pgx.Tx {
		tx, err := observer.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "create schema "+schema)
		require.NoError(t, err)
		return tx
	}
	bothAre := func(waiting string) {
		t.Helper()
		require.Eventually(t, func() bool {
			var processes int
			err := observer.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (`+waiting+`)`).Scan(&processes)
			return err == nil && processes == 2
		}, 30*time.Second, 10*time.Millisecond)
	}
	// Neither waits for the lock of all steps, nor for long for any other, but asks again and again.
	const asking = `wait_event_type = 'Lock' or state = 'idle' and query like '%pg_try_advisory_lock%'`
	ours, rivers := block("log"), block(migrations.RiverSchema)
	// A test that fails must not leave the processes blocked.
	defer ours.Rollback(t.Context())
	defer rivers.Rollback(t.Context())

	var group sync.WaitGroup
	applied, errs := make([][]string, 2), make([]error, 2)
	pools := []*pgxpool.Pool{connect(t, url), connect(t, url)}
	for i, pool := range pools {
		group.Go(func() { applied[i], errs[i] = migrations.Up(t.Context(), pool) })
	}
	bothAre(asking)
	require.NoError(t, ours.Rollback(t.Context()))
	bothAre(asking)
	require.NoError(t, rivers.Rollback(t.Context()))
	group.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])

	all := slices.Concat(applied...)
	// One of them may have done our steps and the other one River's.
	slices.SortFunc(all, func(a, b string) int {
		return strings.Compare(strings.Replace(a, "river ", "~", 1), strings.Replace(b, "river ", "~", 1))
	})
	requireAll(t, pools[0], all)
	require.Equal(t, slices.Compact(slices.Clone(all)), all, "no step twice")
}
