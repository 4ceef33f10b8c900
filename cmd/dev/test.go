package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ates/sql/pgserver"
)

// quickBuild has go compile the same in every clone and link without what only debuggers read. Vetting is for check.
var quickBuild = []string{"-trimpath", "-ldflags=-w", "-vet=off"}

type testCommand struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"Packages and flags for go test; all packages when none is named."`
}

// Run runs the tests. Its last line is their count.
func (c testCommand) Run(ctx context.Context) (err error) {
	env := os.Environ()
	ensurePostgres(ctx)
	ensureServers(ctx)
	if os.Getenv("ATES_TEST_DATABASE_URL") == "" {
		server, startErr := startPostgres(ctx)
		if startErr != nil {
			return startErr
		}
		defer func() {
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, server.Stop(stopCtx))
		}()
		env = append(env, "ATES_TEST_DATABASE_URL="+server.URL())
	}
	if chromium := ensureChromium(ctx); chromium != "" {
		env = append(env, "ATES_CHROMIUM="+chromium)
	}
	// More tests of a package at once than there are cores: the long ones mostly wait, for a browser or for what was killed.
	// The first time, tests wait until what they run is compiled, by several at once.
	args := append([]string{"test", "-json", "-shuffle=on", "-timeout=25m", "-parallel=" + strconv.Itoa(2*runtime.GOMAXPROCS(0))}, quickBuild...)
	if ensureCompiler(ctx) {
		// With the race detector, go also checks each unsafe pointer. Nothing here makes any, and those of the libraries were a tenth of the tests' time.
		args = append(args, "-race", "-gcflags=all=-d=checkptr=0")
		// Else every process with the race detector ends a second later, and its garbage is collected at several times the usual cost.
		env = append(env, "GORACE=atexit_sleep_ms=0", "GOGC=400")
	}
	var fuzz func(*report) error
	if len(c.Args) == 0 {
		programs, err := os.MkdirTemp("", "ates-tests-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(programs)
		self, err := os.Executable()
		if err != nil {
			return err
		}
		args = append(args, fmt.Sprintf("-exec='%s' keep '%s' --", self, programs))
		fuzz = func(r *report) error { return fuzzAll(ctx, r, programs, env) }
	}
	return goTest(ctx, append(args, withPackages(c.Args)...), env, fuzz)
}

// startPostgres starts the one server that the tests of all packages share.
func startPostgres(ctx context.Context) (*pgserver.Server, error) {
	begin := time.Now()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelInfo}))
	server, err := pgserver.Start(ctx, pgserver.Config{Throwaway: true, Log: log})
	if err != nil {
		return nil, err
	}
	fmt.Printf("a throwaway PostgreSQL is up after %.1fs\n", time.Since(begin).Seconds())
	return server, nil
}

// longest are the packages whose tests take longest. Whoever starts them first is not left with one of them at the end, and idle beside it.
var longest = []string{"./cmd/ates", "./views", "./jobs", "./handlers"}

// withPackages adds all packages when the arguments name none.
func withPackages(args []string) []string {
	named := slices.ContainsFunc(args, func(arg string) bool {
		return arg == "." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "ates/")
	})
	if named {
		return args
	}
	return slices.Concat(longest, []string{"./..."}, args)
}

// goTest runs go with the arguments of a test with JSON output, then fuzz, if any, and reports both. Signals reach it through ctx
// alone, so that each is heard once.
func goTest(ctx context.Context, args, env []string, fuzz func(*report) error) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	begin := time.Now()
	r := newReport(os.Stdout)
	readErr := r.read(stdout)
	ended := cmd.Wait()
	fmt.Print(complaints.String())
	if fuzz != nil && ctx.Err() == nil {
		if err := fuzz(r); err != nil {
			return err
		}
	}
	r.skipsFail = os.Getenv("CI") == "true"
	failed := r.summary(ended, time.Since(begin))
	switch {
	case readErr != nil:
		return fmt.Errorf("read what go test says: %w", readErr)
	case failed:
		return errFailed
	}
	return nil
}
