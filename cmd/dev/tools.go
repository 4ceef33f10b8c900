package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
)

// tool is a program that is built from source at a pinned version. Neither the product nor its tests need one.
type tool struct{ module, version string }

var (
	sqlc         = tool{"github.com/sqlc-dev/sqlc/cmd/sqlc", "v1.31.1"}
	golangciLint = tool{"github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "v2.15.0"}
	govulncheck  = tool{"golang.org/x/vuln/cmd/govulncheck", "v1.9.0"}
)

func (t tool) name() string { return path.Base(t.module) }

// path returns where the program is, and builds it if it is not there yet. A new Go builds it anew, because linters
// must know the language of the Go they run with.
func (t tool) path(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for %s: %w", t.name(), err)
	}
	tools := filepath.Join(cache, "ates", "tools")
	dir := filepath.Join(tools, t.name()+"-"+t.version+"-"+runtime.Version())
	program := filepath.Join(dir, t.name())
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(tools, 0o755); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(tools, ".build-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	fmt.Printf("building %s %s, once\n", t.name(), t.version)
	cmd := exec.CommandContext(ctx, "go", "install", t.module+"@"+t.version)
	// Without cgo sqlc reads SQL with a parser in WebAssembly: a second slower, but built in a fraction of the time and on
	// machines without a C compiler.
	cmd.Env = append(os.Environ(), "GOBIN="+unfinished, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", t.name(), err, bytes.TrimSpace(out))
	}
	if err := os.Rename(unfinished, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return program, nil
}

// output runs the tool and returns all it says.
func (t tool) output(ctx context.Context, args ...string) (string, error) {
	program, err := t.path(ctx)
	if err != nil {
		return "", err
	}
	return output(ctx, program, args...)
}

// output runs a program and returns all it says, also when it fails.
func output(ctx context.Context, program string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	return string(bytes.TrimSpace(out)), err
}
