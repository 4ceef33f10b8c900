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
	"sync"
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
	code := m.Run()
	if dir, err := usedFolder(); err == nil {
		_ = os.RemoveAll(filepath.Dir(dir))
	}
	os.Exit(code)
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
	dir, err := makeFolder()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "pg")
}

func makeFolder() (string, error) {
	base, err := chooseBase(throwawayBases())
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(base, "pgserver-test-*")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// used returns a folder where a server ran before and remembers something.
func used(t *testing.T) string {
	t.Helper()
	original, err := usedFolder()
	require.NoError(t, err)
	dir := folder(t)
	out, err := exec.Command("cp", "-a", original, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// usedFolder is copied, because making a cluster takes longer than most tests of it.
var usedFolder = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	dir, err := makeFolder()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "pg")
	s, err := Start(ctx, Config{Dir: dir})
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return "", errors.Join(err, s.Stop(ctx))
	}
	_, err = conn.Exec(ctx, "create table remembered ()")
	return dir, errors.Join(err, conn.Close(ctx), s.Stop(ctx))
})

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func connected(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// query returns the one value of a query as text.
func query(t *testing.T, url, sql string) (value string) {
	t.Helper()
	require.NoError(t, connected(t, url).QueryRow(t.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&value))
	return value
}

func remembers(t *testing.T, url string) {
	t.Helper()
	require.Equal(t, "remembered", query(t, url, "select 'remembered'::regclass"))
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
