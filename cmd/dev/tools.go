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
	indexdb      = tool{"golang.org/x/vulndb/cmd/indexdb", "v0.0.0-20261105234957-e22db6528018"}
)

func (t tool) name() string { return path.Base(t.module) }

// path returns where the program is, and builds it if it is not there yet. A new Go builds it anew, because linters
// must know the language of the Go they run with.
func (t tool) path(ctx context.Context) (string, error) {
	tools, err := toolsFolder()
	if err != nil {
		return "", fmt.Errorf("find a folder for %s: %w", t.name(), err)
	}
	dir := filepath.Join(tools, t.name()+"-"+t.version+"-"+runtime.Version())
	program := filepath.Join(dir, t.name())
	if _, err := os.Stat(program); err == nil {
		return program, nil
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

// toolsFolder returns the folder of the tools, which it makes where there is none.
func toolsFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	tools := filepath.Join(cache, "ates", "tools")
	return tools, os.MkdirAll(tools, 0o755)
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
	return outputWith(ctx, "", program, args...)
}

// outputWith is output with a version of Go, which is fetched where it is not there, or with the one at hand when it is empty.
func outputWith(ctx context.Context, toolchain, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	if toolchain != "" {
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	}
	out, err := cmd.CombinedOutput()
	return string(bytes.TrimSpace(out)), err
}
