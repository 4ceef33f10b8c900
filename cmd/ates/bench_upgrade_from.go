package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"ates/sql/migrations"
)

// errNoHistory means that the folder does not tell what the program of before was.
var errNoHistory = errors.New("the history is not here")

// predecessor is a program of before.
type predecessor struct{ path, name string }

// findPredecessor finds a program by its path, or builds that of a commit of the clone around a folder, once for each Go.
// Without either it is that of the newest commit whose database has fewer steps, so that there is something to migrate.
func findPredecessor(ctx context.Context, dir, from string) (predecessor, error) {
	if info, err := os.Stat(from); from != "" && err == nil && info.Mode().IsRegular() {
		path, err := filepath.Abs(from)
		return predecessor{path, from}, err
	}
	clone, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return predecessor{}, fmt.Errorf("there is no clone here to find the program of before in; name one with --from=PROGRAM, such as that of the last release: %w: %w", errNoHistory, err)
	}
	var commit string
	if from == "" {
		commit, err = lastWithFewerSteps(ctx, clone)
	} else {
		commit, err = git(ctx, clone, "rev-parse", "--verify", "--end-of-options", from+"^{commit}")
	}
	if err != nil {
		return predecessor{}, fmt.Errorf("this clone does not have the program of before; if it is a shallow one, run git fetch --unshallow, else name a program with --from=PROGRAM: %w: %w", errNoHistory, err)
	}
	const short = 12
	commit = commit[:short]
	cache, err := os.UserCacheDir()
	if err != nil {
		return predecessor{}, fmt.Errorf("find a folder for the program of before: %w", err)
	}
	path := filepath.Join(cache, "ates", "programs", strings.Join([]string{"ates", commit, runtime.Version(), runtime.GOOS, runtime.GOARCH}, "-"))
	if _, err := os.Stat(path); err == nil {
		return predecessor{path, commit}, nil
	}
	return predecessor{path, commit}, buildCommit(ctx, clone, commit, path)
}

// lastWithFewerSteps is the newest commit, from the working tree's own back through what has landed, that lacks a step of this program.
func lastWithFewerSteps(ctx context.Context, clone string) (string, error) {
	const folder = "sql/migrations"
	names, err := fs.Glob(migrations.Files(), "*.sql")
	if err != nil {
		return "", err
	}
	changes, err := git(ctx, clone, "log", "--first-parent", "--format=%H^", "--", folder+"/*.sql")
	if err != nil {
		return "", err
	}
	for _, at := range append([]string{"HEAD"}, strings.Fields(changes)...) {
		commit, err := git(ctx, clone, "rev-parse", "--verify", at)
		if err != nil {
			return "", err
		}
		listed, err := git(ctx, clone, "ls-tree", "--name-only", commit, folder+"/")
		if err != nil {
			return "", err
		}
		for _, name := range names {
			if !strings.Contains(listed+"\n", "/"+name+"\n") {
				return commit, nil
			}
		}
	}
	return "", errors.New("every commit has the steps that this program has")
}

// buildCommit builds the program of a commit from its files alone, and leaves the clone as it is.
func buildCommit(ctx context.Context, clone, commit, path string) (err error) {
	slog.InfoContext(ctx, "the program of before is built, once", "commit", commit)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // programs, for everybody
		return fmt.Errorf("make a folder for the program of before: %w", err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".build-*")
	if err != nil {
		return fmt.Errorf("make a folder for the program of before: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	index := "GIT_INDEX_FILE=" + filepath.Join(dir, "index")
	if err := runIn(ctx, clone, []string{index}, "git", "read-tree", commit); err != nil {
		return err
	}
	source := filepath.Join(dir, "source")
	if err := runIn(ctx, clone, []string{index}, "git", "checkout-index", "--all", "--prefix="+source+"/"); err != nil {
		return err
	}
	built := filepath.Join(dir, "ates")
	env := []string{"GOFLAGS=", "GOWORK=off"}
	if err := runIn(ctx, source, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-w -X main.commit="+commit, "-o", built, "./cmd/ates"); err != nil {
		return err
	}
	return os.Rename(built, path)
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	said, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).Output() //nolint:gosec // git
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(said)), nil
}

func runIn(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // git or go
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, said)
	}
	return nil
}
