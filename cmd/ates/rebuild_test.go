package main

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// TestARebuildThatIsKilledHasNotHappened has a rebuild wait for somebody who reads for a long time, and kills it there.
func TestARebuildThatIsKilledHasNotHappened(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	pool := dial(t, database)
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	jobstest.Workers(t, bus, 2)
	tasks := jobstest.Tasks(t, bus, 5)
	stop := jobstest.Work(t, bus)
	jobstest.Idle(t, pool, 30*time.Second)
	stop()
	right := jobstest.Rows(t, pool)
	_, err = pool.Exec(t.Context(), "update tracker.board set description = 'Other words'")
	require.NoError(t, err)
	wrong := jobstest.Rows(t, pool)

	reader, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = reader.Rollback(t.Context()) }()
	_, err = reader.Exec(t.Context(), "select from tracker.history limit 1")
	require.NoError(t, err)
	waits := func(p *program) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(p.logged(), "waiting for whoever uses its tables") }, 30*time.Second, 5*time.Millisecond, "%s", p.logged())
	}
	killed := launch(t, plain(t), []string{"DATABASE_URL=" + database}, "rebuild")
	waits(killed)
	var out, errs bytes.Buffer
	require.ErrorContains(t, run(t.Context(), []string{"rebuild", "--database-url", database}, &out, &errs), "another rebuild")
	require.Equal(t, wrong, jobstest.Rows(t, pool), "others can read while it waits")
	killed.end(syscall.SIGKILL)

	interrupted := launch(t, plain(t), []string{"DATABASE_URL=" + database}, "rebuild", "tasks")
	require.Eventually(t, func() bool {
		select {
		case <-interrupted.ended: // the server has not noticed yet that the one before is dead
			interrupted = launch(t, plain(t), []string{"DATABASE_URL=" + database}, "rebuild", "tasks")
		default:
		}
		return strings.Contains(interrupted.logged(), "waiting for whoever uses its tables")
	}, 30*time.Second, 20*time.Millisecond)
	interrupted.end(syscall.SIGINT)
	require.NotContains(t, interrupted.logged(), "done")
	require.Zero(t, number(t, pool, `select count(*) from pg_namespace where nspname like '%\_rebuilt'`), "it clears up what both have left")
	require.Equal(t, wrong, jobstest.Rows(t, pool))

	require.NoError(t, reader.Rollback(t.Context()))
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"rebuild", "--database-url", database}, &out, &errs))
	for _, name := range jobs.ReadModels() {
		require.Regexp(t, name+`: done, \d+ of \d+ events, .* it could not be used for [\d.]+m?s`, out.String())
	}
	require.Equal(t, right, jobstest.Rows(t, pool))
	require.NoError(t, run(t.Context(), []string{"verify", "--all", "--database-url", database}, &out, &errs), "%s", out.String())
	require.Contains(t, out.String(), "tracker.board is what the log makes of it")

	_, err = pool.Exec(t.Context(), "update tracker.board set created_by = gen_random_uuid() where task = $1", tasks[1].TaskID)
	require.NoError(t, err)
	out.Reset()
	require.ErrorContains(t, run(t.Context(), []string{"verify", "--all", "--database-url", database}, &out, &errs), "1 of")
	require.Contains(t, out.String(), tasks[1].TaskID.String()+": created_by")
	require.ErrorContains(t, run(t.Context(), []string{"rebuild", "weather"}, &out, &errs), "there are tasks, days")
}
