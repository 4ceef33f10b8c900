package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLeftover stops the server that a killed process has left behind. The caller holds the lock, so any server of this
// cluster is such a one. It waits for a server that is stopping already, and clears a pid file that PostgreSQL itself would
// stumble over: one that names a process which is dead but not yet reaped, or which is something else by now.
func (c cluster) stopLeftover(ctx context.Context, signal syscall.Signal, log *slog.Logger) error {
	pid, err := c.postmasterPID()
	if err != nil || pid == 0 {
		return err
	}
	begin, quit := time.Now(), false
	for signalled := (time.Time{}); ; {
		state, command := inspect(pid)
		switch state {
		case gone:
			return nil // PostgreSQL checks for sessions that are still alive, and then removes the file itself
		case zombie:
			return c.removePIDFile()
		case running:
		}
		dir, err := c.dataDirectory(ctx)
		switch {
		case err == nil && !sameFile(dir, c.data()):
			return fmt.Errorf("the server on socket %s has its data in %s, not in %s: stop it first", socketIn(c.socketDir), dir, c.data())
		case err == nil && time.Since(signalled) > signalAgain:
			log.Warn("stopping the PostgreSQL server that a killed process left behind", "pid", pid, "dir", c.dir)
			if err := syscall.Kill(pid, signal); err != nil {
				return fmt.Errorf("stop leftover postgres %d: %w", pid, err)
			}
			signalled = time.Now()
		case nobodyListens(err) && !strings.Contains(command, c.data()):
			return c.removePIDFile()
		case !quit && time.Since(begin) > quitAfter && strings.Contains(command, c.data()):
			log.Warn("ending the PostgreSQL server that a killed process left behind, which does not stop", "pid", pid, "dir", c.dir)
			if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
				return fmt.Errorf("end leftover postgres %d: %w", pid, err)
			}
			quit = true
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("process %d still runs on %s: %w", pid, c.data(), err)
		}
	}
}

const (
	// answerWithin is how long a server may take to say where its data is: one that is stopping may let a connection wait for ever.
	answerWithin = 2 * time.Second
	// signalAgain is after how long a server that answers still is told once more to stop.
	signalAgain = 5 * time.Second
	// quitAfter is after how long a server that has not stopped is ended as by a crash, from which it recovers.
	quitAfter = 30 * time.Second
)

// dataDirectory asks the server on the cluster's socket where its data is.
func (c cluster) dataDirectory(ctx context.Context) (dir string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	conn, err := connect(ctx, c.url("template1"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "show data_directory").Scan(&dir)
	return dir, err
}

func (c cluster) pidFile() string { return filepath.Join(c.data(), "postmaster.pid") }

// postmasterPID is the process that the pid file names, 0 without one.
func (c cluster) postmasterPID() (int, error) {
	f, err := os.Open(c.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s names no process: remove it if no postgres runs on that folder", c.pidFile())
	}
	return pid, nil
}

func (c cluster) removePIDFile() error {
	for _, path := range []string{c.pidFile(), socketIn(c.socketDir) + ".lock"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	left, err := os.Stat(a)
	if err != nil {
		return false
	}
	right, err := os.Stat(b)
	return err == nil && os.SameFile(left, right)
}

// processState is as much of a process as matters for its pid file.
type processState int

const (
	gone processState = iota
	zombie
	running
)
