package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// benchProgram is a process of the program that serves.
type benchProgram struct {
	cmd   *exec.Cmd
	said  tail
	ended chan struct{}
	// address is where its pages are, empty where it has none.
	address string
}

// startProgram starts a process on a database. Whatever the environment says, it sends no mail and pays in the books; env comes after
// that, and args after "serve".
func startProgram(db benchDatabase, env []string, args ...string) (*benchProgram, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	p := &benchProgram{ended: make(chan struct{})}
	p.cmd = exec.Command(program, append([]string{"serve"}, args...)...) //nolint:gosec // it is this program
	p.cmd.Env = append(os.Environ(), "DATABASE_URL="+db.address, "DATABASE_DIRECT_URL=", "DATABASE_REPLICA_URL=", "ATES_DEMO=0", "ATES_CLOCK_OFFSET=0s", "ATES_TIME_ZONE=UTC", "ATES_CURRENCY=USD",
		"ATES_PAYOUTS=book", "SMTP_URL=", "ATES_MAIL_FROM=", "ATES_CLIENTS=", "OIDC_ISSUER=", "ATES_METRICS_TOKEN=")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process: %w", err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // it is to be stopped or killed
	}()
	return p, nil
}

// startSite starts a process with pages at an address of its own, which people know as public, or as its own where that is empty.
func startSite(db benchDatabase, public string, env []string, args ...string) (*benchProgram, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	listens := "localhost:" + portOf(listener)
	if err := listener.Close(); err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	address := "http://" + listens
	if public == "" {
		public = address
	}
	p, err := startProgram(db, append([]string{"ATES_ADDR=" + listens, "ATES_PUBLIC_URL=" + public}, env...), args...)
	if err == nil {
		p.address = address
	}
	return p, err
}

// ready waits until the process can work.
func (p *benchProgram) ready(ctx context.Context) error {
	client := &http.Client{Timeout: 5 * time.Second}
	return until(ctx, time.Minute, "a process is ready", func() (bool, error) {
		select {
		case <-p.ended:
			return false, fmt.Errorf("a process ended: %s", p)
		default:
			return get(ctx, client, p.address+"/readyz") == nil, nil
		}
	})
}

// stop lets the process end by itself, which takes as long as what it is at.
func (p *benchProgram) stop() error {
	const patience = 30 * time.Second
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop a process: %w", err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("a process did not stop within %s: %s", patience, p)
	}
}

// kill is kill -9; it returns when the process is gone.
func (p *benchProgram) kill() {
	if p == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		slog.Error("a process of the benchmark stays", "pid", p.cmd.Process.Pid, "error", err)
		return
	}
	<-p.ended
}

func (p *benchProgram) String() string {
	if p == nil {
		return "nothing"
	}
	return p.said.String()
}

// tail is the last part of what a process prints.
type tail struct {
	mu   sync.Mutex
	last []byte
}

// Write keeps the end.
func (t *tail) Write(b []byte) (int, error) {
	const kept = 4000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if len(t.last) > 2*kept {
		t.last = append(t.last[:0], t.last[len(t.last)-kept:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}
