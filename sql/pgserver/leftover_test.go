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
	"time"

	"github.com/stretchr/testify/require"
)

func TestAKilledProgramLosesNothing(t *testing.T) {
	t.Parallel()
	dir := used(t)
	program, _, _ := startProgram(t, dir)
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())

	remembers(t, start(t, dir).URL())
}

func TestOnLinuxTheServerEndsWithAKilledProgram(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // elsewhere the next start stops it, as the next test has it
	}
	dir := used(t)
	program, url, _ := startProgram(t, dir)
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())
	eventually(t, "the server ends", func() bool { return ping(t.Context(), url) != nil && postmasterOf(t, dir) == 0 })
}

func TestALeftoverServerIsStoppedAndItsDataKept(t *testing.T) {
	t.Parallel()
	dir := used(t)
	c := clusterIn(t, dir)
	lock, err := tryLock(c.lockFile())
	require.NoError(t, err)
	leftover, err := startOwned(t.Context(), c, lock, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, leftover.postmaster.stop(t.Context(), syscall.SIGQUIT)) }()
	connected(t, leftover.URL())
	// A killed program loses its lock and, but for Linux, leaves its server.
	require.NoError(t, lock.Close())

	var said strings.Builder
	next, err := Start(t.Context(), Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&said, nil))})
	require.NoError(t, err)
	defer func() { require.NoError(t, next.Stop(t.Context())) }()
	select {
	case <-leftover.postmaster.exited:
	case <-time.After(time.Minute):
		t.Fatal("it runs on")
	}
	require.Contains(t, said.String(), "left behind")
	remembers(t, next.URL())
}

func TestAKilledServerIsToldOfAndRecovers(t *testing.T) {
	t.Parallel()
	dir := used(t)
	said := make(chan string, 1)
	killed, err := Start(t.Context(), Config{Dir: dir, Log: slog.New(slog.NewTextHandler(lines(said), nil))})
	require.NoError(t, err)
	_, err = connected(t, killed.URL()).Exec(t.Context(), "create table just_now ()")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(postmasterOf(t, dir), syscall.SIGKILL))
	require.Contains(t, <-said, "ended by itself")
	require.NoError(t, killed.Stop(t.Context()))

	require.Equal(t, "just_now", query(t, start(t, dir).URL(), "select 'just_now'::regclass"))
}

func TestAKilledProgramWithItsServerKilledToo(t *testing.T) {
	t.Parallel()
	dir := used(t)
	program, _, _ := startProgram(t, dir)
	require.NoError(t, syscall.Kill(postmasterOf(t, dir), syscall.SIGKILL))
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())

	remembers(t, start(t, dir).URL())
}

// lines is a writer that hands on what is written.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
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
			dir := used(t)
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
	s := start(t, used(t))
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
