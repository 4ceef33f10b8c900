package pgserver

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDataSurvivesAStop(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, dir)
	_, err := connected(t, first.URL()).Exec(t.Context(), "create table remembered ()")
	require.NoError(t, err)
	require.NoError(t, first.Stop(t.Context()))
	require.Error(t, ping(t.Context(), first.URL()), "the server is to be gone")
	require.NoError(t, first.Stop(t.Context()), "a second Stop does nothing")

	remembers(t, start(t, dir).URL())
}

func TestTheServerIsDurableAndPrivate(t *testing.T) {
	t.Parallel()
	s := start(t, used(t))
	for sql, want := range map[string]string{
		"show fsync":                "on",
		"show synchronous_commit":   "on",
		"show full_page_writes":     "on",
		"show data_checksums":       "on",
		"show listen_addresses":     "",
		"show timezone":             "UTC",
		"show server_encoding":      "UTF8",
		"select lower('ПОПУГ')":     "попуг",
		"select current_database()": "ates",
	} {
		require.Equal(t, want, query(t, s.URL(), sql), sql)
	}
	info, err := os.Stat(s.cluster.socketDir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "whoever enters the folder of the socket needs no password")
}

func TestSessionsThatAreStillOpenDoNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	s := start(t, used(t))
	connected(t, s.URL())
	require.NoError(t, s.Stop(t.Context()))
}

func TestAStopWhoseTimeIsOverStopsAtOnce(t *testing.T) {
	t.Parallel()
	dir := used(t)
	s := start(t, dir)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Stop(over))
	require.Error(t, ping(t.Context(), s.URL()))

	remembers(t, start(t, dir).URL())
}

func TestASecondProcessSharesTheServerOfTheFirst(t *testing.T) {
	t.Parallel()
	dir := used(t)
	program, url, _ := startProgram(t, dir)

	second := start(t, dir)
	remembers(t, second.URL())
	require.NoError(t, second.Stop(t.Context()))
	remembers(t, url)

	require.NoError(t, program.Process.Signal(syscall.SIGINT))
	require.NoError(t, program.Wait())
	require.Error(t, ping(t.Context(), second.URL()), "a shared server ends with the process that started it")
	remembers(t, start(t, dir).URL())
}

func TestCtrlCLeavesTheServerToTheProgram(t *testing.T) {
	t.Parallel()
	program, url, _ := startProgram(t, used(t))
	// A terminal sends the signal to the whole process group; the program then still has work to do.
	require.NoError(t, syscall.Kill(-program.Process.Pid, syscall.SIGINT))
	require.NoError(t, program.Wait())
	require.Error(t, ping(t.Context(), url))
}

func TestAnotherVersionsClusterIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := clusterIn(t, dir)
	require.NoError(t, c.account.mkdir(c.data()))
	version := filepath.Join(c.data(), "PG_VERSION")
	require.NoError(t, os.WriteFile(version, []byte("99\n"), 0o600))

	_, err := Start(t.Context(), Config{Dir: dir})
	require.ErrorContains(t, err, "made by PostgreSQL 99")
	installed, found := choose(testFinder(t).installed(t.Context()), 0)
	if found {
		require.ErrorContains(t, err, installed.version)
		require.ErrorContains(t, err, "pg_dump")
	}
	kept, err := os.ReadFile(version)
	require.NoError(t, err)
	require.Equal(t, "99\n", string(kept))
}

func TestAFolderOfOtherThingsIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := clusterIn(t, dir)
	require.NoError(t, c.account.mkdir(c.data()))
	thesis := filepath.Join(c.data(), "thesis.txt")
	require.NoError(t, os.WriteFile(thesis, nil, 0o600))

	_, err := Start(t.Context(), Config{Dir: dir})
	require.ErrorContains(t, err, "neither empty nor a PostgreSQL cluster")
	require.FileExists(t, thesis)
}

func TestAnInterruptedFirstStartIsRepeated(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := clusterIn(t, dir)
	require.NoError(t, c.account.mkdir(c.data()+".new"))
	require.NoError(t, os.WriteFile(filepath.Join(c.data()+".new", "PG_VERSION"), []byte("15\n"), 0o600))

	start(t, dir)
	require.NoDirExists(t, c.data()+".new")
}

func TestTheDefaultFolderIsTheUsers(t *testing.T) {
	t.Parallel()
	dir, err := DefaultDir()
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(dir))
	if os.Geteuid() == 0 {
		require.Equal(t, "/var/lib/ates/pg", dir)
	}
}
