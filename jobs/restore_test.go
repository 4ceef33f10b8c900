package jobs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/migrations"
	"ates/sql/pgserver"
	"ates/sql/sqltest"
)

// ledgerOf is all that there is to be lost or doubled, in one line.
func ledgerOf(t testing.TB, pool *pgxpool.Pool) (line string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `select concat_ws(' ', (select count(*) from tracker.tasks), (select md5(string_agg(e::text, '' order by position)) from log.events e where producer <> 'accounting'),
		(select count(*) from accounting.transfers), (select sum(amount) from accounting.transfers))`).Scan(&line))
	return line
}

// works lets a bus on a restored database do what the backup had still to do, and something new, and looks at the books.
func works(t testing.TB, pool *pgxpool.Pool, by domain.Actor) {
	t.Helper()
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: by}, Description: "After the restore"}))
	stop := jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)
	stop()
	jobstest.RequireSoundBooks(t, pool)
	require.Equal(t, count(t, pool, "select count(*) from log.events where name = 'Task.Assigned'"), count(t, pool, "select count(*) from accounting.transfers where kind = 'fee'"),
		"jobs neither repeat nor go missing")
	require.NoError(t, bus.Do(t.Context(), jobs.SealBooks()))
	jobstest.RequireSoundBooks(t, pool)
}

// TestADumpIsRestored dumps a database with jobs that wait, while others commit, and works on with the copy.
func TestADumpIsRestored(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 3)
	stop := jobstest.Work(t, bus)
	jobstest.Tasks(t, bus, 30)
	jobstest.Idle(t, pool, patience)
	require.NoError(t, bus.Do(t.Context(), jobs.SealBooks()))
	stop()
	jobstest.Tasks(t, bus, 30) // their jobs wait
	waiting := `select count(*) from river.river_job where state = 'available'`
	before, left := ledgerOf(t, pool), count(t, pool, waiting)
	require.Positive(t, left)

	file := filepath.Join(t.TempDir(), "ates.dump")
	run(t, dumpProgram(t, pool, "pg_dump"), "--format=custom", "--file="+file, pool.Config().ConnString())
	copied := sqltest.Empty(t)
	run(t, dumpProgram(t, pool, "pg_restore"), "--exit-on-error", "--dbname="+copied, file)
	restored, err := pgxpool.New(t.Context(), copied)
	require.NoError(t, err)
	t.Cleanup(restored.Close)
	applied, err := migrations.Up(t.Context(), restored)
	require.NoError(t, err)
	require.Empty(t, applied, "the copy knows how far it is")
	require.Equal(t, before, ledgerOf(t, restored))
	require.Equal(t, left, count(t, restored, waiting))
	works(t, restored, workers[0])
}

// dumpProgram is the path of one of Postgres' own programs for a dump, of a version that can read the server.
func dumpProgram(t testing.TB, pool *pgxpool.Pool, name string) string {
	t.Helper()
	var folder string
	require.NoError(t, pool.QueryRow(t.Context(), "select setting from pg_config where name = 'BINDIR'").Scan(&folder))
	if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
		return path
	}
	path, err := exec.LookPath(name)
	require.NoError(t, err, "the server was installed without %s: install its package of client programs", name)
	return path
}

func run(t testing.TB, program string, args ...string) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.NoError(t, err, "%s %s: %s", program, args, said)
}

// TestAMomentIsRestored copies the files of a running server, lets it go on with its log kept, and after a mistake that nobody can undo
// brings back the moment before it on another server.
func TestAMomentIsRestored(t *testing.T) {
	t.Parallel()
	base, err := os.MkdirTemp("", "ates-restore-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	require.NoError(t, os.Chmod(base, 0o755))
	first, second, kept := filepath.Join(base, "first"), filepath.Join(base, "second"), filepath.Join(base, "log")
	require.NoError(t, os.Mkdir(kept, 0o777))
	require.NoError(t, os.Chmod(kept, 0o777))

	server := serverIn(t, first)
	admin := connectTo(t, server)
	for _, setting := range []string{"archive_mode = on", fmt.Sprintf("archive_command = 'cp %%p %s/%%f'", kept)} {
		_, err := admin.Exec(t.Context(), "alter system set "+setting)
		require.NoError(t, err)
	}
	admin.Close()
	require.NoError(t, server.Stop(t.Context()))
	server = serverIn(t, first)
	pool := connectTo(t, server)
	_, err = migrations.Up(t.Context(), pool)
	require.NoError(t, err)
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	workers := jobstest.Workers(t, bus, 3)
	stop := jobstest.Work(t, bus)
	jobstest.Tasks(t, bus, 20)

	// A base backup, as pg_basebackup makes it, while commands and jobs go on.
	require.NoError(t, pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(t.Context(), "select pg_backup_start('test', true)")
		require.NoError(t, err)
		jobstest.Tasks(t, bus, 20)
		require.NoError(t, os.Mkdir(second, 0o755))
		run(t, "cp", "-a", filepath.Join(first, "data"), filepath.Join(second, "data"))
		var label string
		require.NoError(t, conn.QueryRow(t.Context(), "select labelfile from pg_backup_stop()").Scan(&label))
		writeAs(t, second, "backup_label", label)
		return nil
	}))
	jobstest.Idle(t, pool, patience)
	stop()
	jobstest.Tasks(t, bus, 20) // their jobs wait
	var moment time.Time
	require.NoError(t, pool.QueryRow(t.Context(), "select clock_timestamp()").Scan(&moment))
	before, left := ledgerOf(t, pool), count(t, pool, "select count(*) from river.river_job where state = 'available'")
	require.Positive(t, left)
	_, err = pool.Exec(t.Context(), "drop schema accounting cascade")
	require.NoError(t, err, "the mistake")
	_, err = pool.Exec(t.Context(), "select pg_switch_wal()")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return count(t, pool, "select count(*) from pg_stat_archiver where last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216)") == 1
	}, patience, 20*time.Millisecond)
	pool.Close()
	require.NoError(t, server.Stop(t.Context()))

	settings, err := os.ReadFile(filepath.Join(second, "data", "postgresql.auto.conf"))
	require.NoError(t, err)
	writeAs(t, second, "postgresql.auto.conf", string(settings)+fmt.Sprintf("archive_mode = off\nrestore_command = 'cp %s/%%f %%p'\nrecovery_target_time = '%s'\nrecovery_target_action = promote\n",
		kept, moment.UTC().Format("2006-01-02 15:04:05.999999-07")))
	writeAs(t, second, "recovery.signal", "")
	require.NoError(t, os.Remove(filepath.Join(second, "data", "postmaster.pid")))
	old, err := filepath.Glob(filepath.Join(second, "data", "pg_wal", "0*"))
	require.NoError(t, err)
	for _, file := range old { // what the log has is newer
		require.NoError(t, os.Remove(file))
	}
	restored := connectTo(t, serverIn(t, second))
	require.Eventually(t, func() bool { return count(t, restored, "select pg_is_in_recovery()::int") == 0 }, patience, 20*time.Millisecond)
	require.Equal(t, before, ledgerOf(t, restored))
	require.Equal(t, left, count(t, restored, "select count(*) from river.river_job where state = 'available'"))
	works(t, restored, workers[0])
}

// serverIn starts a server that keeps what it has said to keep, in a folder.
func serverIn(t testing.TB, dir string) *pgserver.Server {
	t.Helper()
	server, err := pgserver.Start(t.Context(), pgserver.Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(context.WithoutCancel(t.Context())) }) // most have stopped by then
	return server
}

func connectTo(t testing.TB, server *pgserver.Server) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), server.URL())
	require.NoError(t, err)
	require.NoError(t, pool.Ping(t.Context()))
	t.Cleanup(pool.Close)
	return pool
}

// writeAs writes a file of a server that does not run, for the account that owns its files.
func writeAs(t testing.TB, dir, name, content string) {
	t.Helper()
	data := filepath.Join(dir, "data")
	require.NoError(t, os.WriteFile(filepath.Join(data, name), []byte(content), 0o600))
	owner, err := os.Stat(data)
	require.NoError(t, err)
	if ids, ok := owner.Sys().(*syscall.Stat_t); ok {
		require.NoError(t, os.Chown(filepath.Join(data, name), int(ids.Uid), int(ids.Gid)), strconv.Itoa(int(ids.Uid)))
	}
}
