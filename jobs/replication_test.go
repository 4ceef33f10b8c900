package jobs_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/migrations"
	"ates/sql/pgpool"
)

// TestWhatNoStandbyHasIsNotAnswered is a primary whose synchronous standby is away: what it commits then is gone when the standby takes
// over, so nobody may be told that it is done, whatever ends the wait for the standby.
func TestWhatNoStandbyHasIsNotAnswered(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "ates-replication-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	server := serverIn(t, filepath.Join(dir, "primary"))
	admin := connectTo(t, server)
	cfg, err := pgpool.Config(server.URL())
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = migrations.Up(t.Context(), pool)
	require.NoError(t, err)
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)

	jobstest.Workers(t, bus, 1)

	// waits are the processes that wait for a standby, apart from those of before.
	waits := func(known ...int32) (pid int32) {
		known = append([]int32{0}, known...) // none would be null
		require.Eventually(t, func() bool {
			return admin.QueryRow(t.Context(), "select pid from pg_stat_activity where wait_event = 'SyncRep' and pid <> all($1)", known).Scan(&pid) == nil
		}, patience, 10*time.Millisecond, "nobody waits for the standby")
		return pid
	}
	standby := func(name string) {
		_, err := admin.Exec(t.Context(), "alter system set synchronous_standby_names = '"+name+"'")
		require.NoError(t, err)
		_, err = admin.Exec(t.Context(), "select pg_reload_conf()")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			var now string
			return admin.QueryRow(t.Context(), "show synchronous_standby_names").Scan(&now) == nil && now == name
		}, patience, 10*time.Millisecond)
	}
	manager := jobstest.Manager()
	ask := func(ctx context.Context, key string) <-chan error {
		answered := make(chan error, 1)
		go func() {
			answered <- bus.Do(ctx, &tracker.CreateTask{Request: domain.Request{By: manager, Key: key}, Description: "Kept by two"})
		}()
		return answered
	}
	answer := func(answered <-chan error) error {
		select {
		case err := <-answered:
			return err
		case <-time.After(patience):
			t.Fatal("there was no answer")
			return nil
		}
	}

	standby("away")
	first := ask(t.Context(), "cancelled")
	_, err = admin.Exec(t.Context(), "select pg_cancel_backend($1)", waits())
	require.NoError(t, err)
	var refused *pgconn.PgError
	require.ErrorAs(t, answer(first), &refused, "Postgres itself says that it is committed")
	require.Equal(t, pgerrcode.TransactionResolutionUnknown, refused.Code)
	require.Equal(t, 1, count(t, admin, "select count(*) from log.commands where key = 'cancelled'"), "and it is, on this server alone")
	again := ask(t.Context(), "cancelled")
	waits()

	impatient, leave := context.WithCancel(t.Context())
	left := ask(impatient, "left")
	waits(waits())
	leave()
	require.Error(t, answer(left))

	select {
	case err := <-again:
		t.Fatalf("what this server alone has was answered: %v", err)
	default:
	}
	standby("")
	require.NoError(t, answer(again), "as soon as nothing else is asked for")
	require.NoError(t, answer(ask(t.Context(), "left")))
	require.Equal(t, 2, count(t, admin, "select count(*) from tracker.tasks"))
	require.NoError(t, answer(ask(t.Context(), "another")), "a warning is about one commit")
}
