package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/pgserver"
)

// TestHeavyPagesAreReadFromAStandby has a standby that follows, stands still, follows again, and is gone. Whatever it does, nobody misses
// what they have done themselves, nobody sees what is older than a few seconds, and nobody sees an error.
func TestHeavyPagesAreReadFromAStandby(t *testing.T) {
	t.Parallel()
	primary, standby := pairOfServers(t)

	p := start(t, []string{"DATABASE_URL=" + primary.URL(), "DATABASE_DIRECT_URL=", "DATABASE_REPLICA_URL=" + standby.URL(), "ATES_DEMO=1"})
	pool, replica := dial(t, primary.URL()), dial(t, standby.URL())
	manager, other := signIn(t, p.address, "manager"), signIn(t, p.address, "top-manager")
	counted := func(outcome string) int {
		_, metrics := manager.get("/metrics")
		found := regexp.MustCompile(`ates_standby_reads_total\{outcome="` + outcome + `"\} (\d+)`).FindStringSubmatch(metrics)
		require.NotNil(t, found, metrics)
		n, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		return n
	}
	// reads asks for a page until one was read so, and returns it.
	reads := func(who *person, path, outcome string) (page string) {
		before := counted(outcome)
		require.Eventually(t, func() bool {
			var status int
			status, page = who.get(path)
			return status == http.StatusOK && counted(outcome) > before
		}, time.Minute, 100*time.Millisecond, "%s is read so: %s", path, outcome)
		return page
	}
	jobstest.Idle(t, pool, time.Minute)
	for _, path := range []string{"/accounting", "/accounting.csv", "/audit", "/audit.csv", "/analytics"} {
		reads(other, path, "standby")
	}

	_, err := replica.Exec(t.Context(), "select pg_wal_replay_pause()")
	require.NoError(t, err)
	createTask(t, manager, "Not on the standby")
	jobstest.Idle(t, pool, time.Minute)
	_, ledger := manager.get("/audit")
	require.Contains(t, ledger, "Not on the standby", "nobody misses what they have done themselves")
	require.Positive(t, counted("own"))
	require.Contains(t, reads(other, "/audit", "behind"), "Not on the standby", "nobody sees what is too old")
	require.Zero(t, number(t, replica, "select count(*) from tracker.tasks where description = 'Not on the standby'"))
	_, said := manager.get("/readyz")
	require.Contains(t, said, "\nstandby: ok\n")

	_, err = replica.Exec(t.Context(), "select pg_wal_replay_resume()")
	require.NoError(t, err)
	require.Contains(t, reads(manager, "/audit", "standby"), "Not on the standby")

	replica.Close()
	require.NoError(t, standby.Stop(t.Context()))
	require.Contains(t, reads(other, "/audit", "down"), "Not on the standby")
	require.Eventually(t, func() bool {
		status, said := manager.get("/readyz")
		return status == http.StatusOK && strings.Contains(said, "\nstandby: does not answer, so everything is read from the database itself\n")
	}, time.Minute, 100*time.Millisecond)
}

// pairOfServers are a server and one that follows it.
func pairOfServers(t testing.TB) (primary, standby *pgserver.Server) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ates-standby-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	primary = serverIn(t, filepath.Join(dir, "primary"))
	copied := filepath.Join(dir, "standby")
	copyServer(t, primary, filepath.Join(dir, "primary"), copied)
	return primary, serverIn(t, copied)
}

// serverIn starts a server of the test's own in a folder.
func serverIn(t testing.TB, dir string) *pgserver.Server {
	t.Helper()
	server, err := pgserver.Start(t.Context(), pgserver.Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(context.WithoutCancel(t.Context())) }) // it may have stopped by then
	return server
}

// copyServer makes a standby of a server, whose folder is from, in another folder.
func copyServer(t testing.TB, server *pgserver.Server, from, to string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), server.URL())
	require.NoError(t, err)
	defer pool.Close()
	var programs string
	require.NoError(t, pool.QueryRow(t.Context(), "select setting from pg_config where name = 'BINDIR'").Scan(&programs))
	require.NoError(t, os.Mkdir(to, 0o755))
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "pg_basebackup"), "--pgdata="+filepath.Join(to, "data"), "--checkpoint=fast", "--no-sync",
		"--write-recovery-conf", "--dbname="+server.URL())
	if os.Geteuid() == 0 { // the files are those of another account
		var owner syscall.Stat_t
		require.NoError(t, syscall.Stat(filepath.Join(from, "data"), &owner))
		require.NoError(t, os.Chown(to, int(owner.Uid), int(owner.Gid)))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}
