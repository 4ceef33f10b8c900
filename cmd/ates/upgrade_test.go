package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/sqltest"
)

// TestNobodyNoticesAnUpgrade is the short form of "ates bench upgrade", from the program of the newest commit that has fewer migrations.
// Where the history is not there to build that from, as in a shallow clone, this program follows itself, and nothing is migrated meanwhile.
func TestNobodyNoticesAnUpgrade(t *testing.T) {
	t.Parallel()
	args := []string{"bench", "upgrade", "--busy", "--during=4s", "--people=9"}
	if _, err := findPredecessor(t.Context(), ".", ""); errors.Is(err, errNoHistory) {
		t.Logf("this program is its own predecessor: %v", err)
		args = append(args, "--from="+plain(t))
	}
	p := launch(t, plain(t), []string{"DATABASE_URL=" + sqltest.Empty(t)}, args...)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Minute):
		p.end(syscall.SIGTERM) // so that it ends its own processes
		t.Fatalf("it was not over in time:\n%s", p.logged())
	}
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.logged())
	for _, way := range []string{"the upgrade", "the way back", "the upgrade again"} {
		require.Regexp(t, `streams back after `+way+` +\d`, p.logged())
	}
	require.Regexp(t, `during="the way back" "drained by itself"=true`, p.logged())
	require.Regexp(t, `[1-9]\d* requests, of which 0 failed; [1-9]\d* commands were done`, p.logged())
	t.Log(p.logged()[strings.LastIndex(p.logged(), "WHAT"):])
}

func TestWithoutHistoryTheProgramOfBeforeIsAskedFor(t *testing.T) {
	t.Parallel()
	clone := t.TempDir()
	_, err := findPredecessor(t.Context(), clone, "")
	require.ErrorIs(t, err, errNoHistory)
	require.ErrorContains(t, err, "there is no clone here")
	require.ErrorContains(t, err, "--from=PROGRAM")

	run := func(args ...string) {
		said, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", clone, "-c", "user.name=Ann", "-c", "user.email=ann@popug.example"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(said))
	}
	names := own(t)
	put := func(names ...string) {
		for _, name := range names {
			require.NoError(t, os.WriteFile(filepath.Join(clone, "sql", "migrations", name), nil, 0o600))
		}
		run("add", "--all")
		run("commit", "--quiet", "--allow-empty", "--message=steps")
	}
	run("init", "--quiet")
	require.NoError(t, os.MkdirAll(filepath.Join(clone, "sql", "migrations"), 0o750))
	put(names...)
	_, err = lastWithFewerSteps(t.Context(), clone)
	require.Error(t, err)
	_, err = findPredecessor(t.Context(), clone, "")
	require.ErrorContains(t, err, "git fetch --unshallow", "as in a shallow clone, whose first commit has everything")

	clone = t.TempDir()
	run("init", "--quiet")
	require.NoError(t, os.MkdirAll(filepath.Join(clone, "sql", "migrations"), 0o750))
	put(names[:len(names)-2]...)
	put(names[:len(names)-1]...)
	before, err := git(t.Context(), clone, "rev-parse", "HEAD")
	require.NoError(t, err)
	found, err := lastWithFewerSteps(t.Context(), clone)
	require.NoError(t, err)
	require.Equal(t, before, found, "the last step has not been committed yet")
	put(names...)
	put()
	found, err = lastWithFewerSteps(t.Context(), clone)
	require.NoError(t, err)
	require.Equal(t, before, found)
}

// own are the program's own migrations.
func own(t *testing.T) (names []string) {
	t.Helper()
	entries, err := migrations.Files().ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestAProcessThatLeavesSaysSoAndGoesOnAnswering(t *testing.T) {
	t.Parallel()
	l := leaving{Drain: time.Hour}
	told, tell := context.WithCancel(t.Context())
	ctx, end := l.outlive(told)
	defer end()
	ask := func() (connection string, ready bool) {
		w := httptest.NewRecorder()
		l.part(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		require.Equal(t, http.StatusOK, w.Code)
		_, ready = l.dependency().State(t.Context())
		return w.Header().Get("Connection"), ready
	}
	connection, ready := ask()
	require.Empty(t, connection)
	require.True(t, ready)
	tell()
	connection, ready = ask()
	require.Equal(t, "close", connection)
	require.False(t, ready)
	require.NoError(t, ctx.Err())

	atOnce := leaving{}
	ctx, end = atOnce.outlive(told)
	defer end()
	select {
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("without ATES_DRAIN a process does not wait")
	}
}
