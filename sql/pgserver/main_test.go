package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be a program with a server of its own, for tests of what happens when that program ends.
func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv("PGSERVER_TEST_PROGRAM"); ok {
		if err := program(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// program starts a server, a throwaway one without dir, says where it is and waits for SIGINT. Then it uses the server once
// more, as a program does that finishes its work, and stops it.
func program(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := Start(ctx, Config{Dir: dir, Throwaway: dir == ""})
	if err != nil {
		return err
	}
	fmt.Println(s.URL(), s.cluster.dir)
	<-ctx.Done()
	ctx = context.Background()
	return errors.Join(ping(ctx, s.URL()), s.Stop(ctx))
}

// startProgram starts the test binary as such a program, in a process group of its own.
func startProgram(t *testing.T, dir string) (cmd *exec.Cmd, url, at string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PGSERVER_TEST_PROGRAM="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	_, err = fmt.Fscan(said, &url, &at)
	require.NoError(t, err)
	return cmd, url, at
}

// folder returns a folder that the server's account may enter, which one made by t.TempDir is not when root runs the test.
func folder(t *testing.T) string {
	t.Helper()
	base, err := chooseBase(throwawayBases())
	require.NoError(t, err)
	dir, err := os.MkdirTemp(base, "pgserver-test-*")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return filepath.Join(dir, "pg")
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func query(t *testing.T, url, sql string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&value))
	return value
}

// remember writes something that a later start must find again.
func remember(t *testing.T, url string) {
	t.Helper()
	require.Equal(t, "0", query(t, url, "create table remembered (); select count(*)::text from remembered"))
}

func remembers(t *testing.T, url string) {
	t.Helper()
	require.Equal(t, "remembered", query(t, url, "select 'remembered'::regclass::text"))
}

// eventually waits for what another process is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); {
		require.True(t, time.Now().Before(deadline), "in vain: "+what)
		require.NoError(t, pause(t.Context(), 5*time.Millisecond))
	}
}

func clusterIn(t *testing.T, dir string) cluster {
	t.Helper()
	c, err := openCluster(dir)
	require.NoError(t, err)
	return c
}

func postmasterOf(t *testing.T, dir string) int {
	t.Helper()
	pid, err := clusterIn(t, dir).postmasterPID()
	require.NoError(t, err)
	return pid
}

func writeScript(t *testing.T, path string, lines ...string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755))
}
