package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 5 * time.Minute // for recovery after a crash, and for installing PostgreSQL
	// retryTimeout is how long sessions of a killed server are waited for: one that works on a statement ends after it.
	retryTimeout = 2 * time.Minute
)

// postmaster is the server's first process, started by this one.
type postmaster struct {
	process *os.Process
	// exited is closed when the process is gone; err then says how it ended.
	exited chan struct{}
	err    error
}

// launch starts the server and waits until it accepts connections.
func (c cluster) launch(ctx context.Context, bin binaries) (*postmaster, error) {
	for begin := time.Now(); ; {
		p, err := c.launchOnce(ctx, bin)
		// Sessions outlive a killed postmaster for a moment and keep its memory.
		if err == nil || !strings.Contains(err.Error(), "pre-existing shared memory block") || time.Since(begin) > retryTimeout {
			return p, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (c cluster) launchOnce(ctx context.Context, bin binaries) (*postmaster, error) {
	if err := os.Rename(c.logFile(), c.logFile()+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	said, err := os.OpenFile(c.logFile(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer said.Close()

	cmd := exec.Command(bin.path("postgres"), append([]string{"-D", c.data()}, serverOptions(c)...)...)
	cmd.Dir = c.data()
	cmd.Env = c.environ()
	cmd.Stdout, cmd.Stderr = said, said
	// A group of its own keeps Ctrl-C for the program, which still needs the server to finish its work.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.account.runs(cmd)
	diesWithParent(cmd, c.throwaway)
	p, err := run(cmd)
	if err != nil {
		return nil, fmt.Errorf("run postgres as user %s: %w", c.account.name, c.account.explain(err))
	}
	if err := c.waitReady(ctx, p); err != nil {
		err = fmt.Errorf("%w; it said:\n%s", err, tail(said))
		return nil, errors.Join(err, p.stop(ctx, syscall.SIGQUIT))
	}
	return p, nil
}

// run starts the process from a thread that lives as long as the process does, since Linux takes the end of that thread
// for the end of the parent.
func run(cmd *exec.Cmd) (*postmaster, error) {
	p := &postmaster{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.process = cmd.Process
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (c cluster) waitReady(ctx context.Context, p *postmaster) error {
	for {
		select {
		case <-p.exited:
			return fmt.Errorf("postgres ended while starting (%w)", p.err)
		default:
		}
		err := ping(ctx, c.url("template1"))
		if err == nil {
			return nil
		}
		if !stillStarting(err) {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("postgres did not start in time: %w", err)
		}
	}
}

// stop sends the signal and waits; when ctx ends first, it sends SIGQUIT and waits for that.
func (p *postmaster) stop(ctx context.Context, signal syscall.Signal) error {
	if err := p.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
	}
	if err := p.process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	// The server itself kills what does not heed SIGQUIT within five seconds.
	<-p.exited
	return nil
}

func tail(f *os.File) []byte {
	const limit = 4096
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	text := make([]byte, min(limit, info.Size()))
	n, err := f.ReadAt(text, info.Size()-int64(len(text)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return bytes.TrimSpace(text[:n])
}

// pause waits for d, or returns the reason for which ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
