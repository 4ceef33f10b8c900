package pgserver

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestAKilledProgramLosesNothing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	program, url, _ := startProgram(t, dir)
	remember(t, url)
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())

	remembers(t, start(t, dir).URL())
}

func TestOnLinuxTheServerEndsWithAKilledProgram(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // elsewhere the next start stops it, as the next test has it
	}
	dir := folder(t)
	program, url, _ := startProgram(t, dir)
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())
	eventually(t, "the server ends", func() bool { return ping(t.Context(), url) != nil && postmasterOf(t, dir) == 0 })
}

func TestALeftoverServerIsStoppedAndItsDataKept(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	leftover := start(t, dir)
	remember(t, leftover.URL())
	conn, err := pgx.Connect(t.Context(), leftover.URL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	// A killed program loses its lock and leaves its server.
	require.NoError(t, leftover.lock.Close())

	var said strings.Builder
	s, err := Start(t.Context(), Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&said, nil))})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Stop(t.Context())) }()
	<-leftover.postmaster.exited
	require.Contains(t, said.String(), "left behind")
	remembers(t, s.URL())
	leftover.lock = nil
	leftover.stop.Do(func() {})
}

func TestAKilledServerRecovers(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	killed := start(t, dir)
	remember(t, killed.URL())
	conn, err := pgx.Connect(t.Context(), killed.URL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, syscall.Kill(postmasterOf(t, dir), syscall.SIGKILL))
	require.NoError(t, killed.Stop(t.Context()))

	remembers(t, start(t, dir).URL())
}

func TestAKilledProgramWithItsServerKilledToo(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	program, url, _ := startProgram(t, dir)
	remember(t, url)
	require.NoError(t, syscall.Kill(postmasterOf(t, dir), syscall.SIGKILL))
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())

	remembers(t, start(t, dir).URL())
}

// PostgreSQL takes any live process of its own account that the pid file names for a server, and refuses to start.
func TestAPIDFileOfAnotherProcessIsCleared(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"zombie":        {"true"},
		"reused number": {"sleep", "60"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			first := start(t, dir)
			remember(t, first.URL())
			require.NoError(t, first.Stop(t.Context()))

			other := exec.Command(command[0], command[1:]...)
			c := clusterIn(t, dir)
			c.account.runs(other)
			other.Dir = "/"
			require.NoError(t, other.Start())
			defer func() {
				_ = other.Process.Kill()
				_ = other.Wait()
			}()
			if name == "zombie" {
				eventually(t, "the process is a zombie", func() bool {
					state, _ := inspect(other.Process.Pid)
					return state == zombie
				})
			}
			require.NoError(t, os.WriteFile(c.pidFile(),
				fmt.Appendf(nil, "%d\n%s\n1\n5432\n%s\n\n", other.Process.Pid, c.data(), c.socketDir), 0o600))

			remembers(t, start(t, dir).URL())
		})
	}
}

func TestAnotherServersSocketIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t, folder(t))
	c := clusterIn(t, folder(t))
	require.NoError(t, c.account.mkdir(c.data()))
	c.socketDir = s.cluster.socketDir
	require.NoError(t, os.WriteFile(c.pidFile(), []byte(strconv.Itoa(postmasterOf(t, s.cluster.dir))), 0o600))

	err := c.stopLeftover(t.Context(), syscall.SIGINT, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "stop it first")
	require.NoError(t, ping(t.Context(), s.URL()))
}

func TestABrokenPIDFileIsNamed(t *testing.T) {
	t.Parallel()
	c := clusterIn(t, folder(t))
	require.NoError(t, c.account.mkdir(c.data()))
	for _, text := range []string{"", "parrot", "-1", "0", "1"} {
		require.NoError(t, os.WriteFile(c.pidFile(), []byte(text), 0o600))
		_, err := c.postmasterPID()
		require.ErrorContains(t, err, c.pidFile())
	}
}
