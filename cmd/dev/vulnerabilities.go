package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// checkVulnerabilities looks for known vulnerabilities that the program can reach, in the Go that go.mod names: releases are built
// with it, as is everything wherever Go may fetch its own newer versions.
func checkVulnerabilities(ctx context.Context) (string, error) {
	release, err := output(ctx, "go", "mod", "edit", "-json")
	if err != nil {
		return release, err
	}
	var module struct{ Toolchain string }
	if err := json.Unmarshal([]byte(release), &module); err != nil {
		return "", fmt.Errorf("read go.mod: %w", err)
	}
	if said, err := outputWith(ctx, module.Toolchain, "go", "version"); err != nil {
		return said, fmt.Errorf("%w: %s, which go.mod names, cannot be had", errNotChecked, module.Toolchain)
	}
	program, err := govulncheck.path(ctx)
	if err != nil {
		return "", err
	}
	out, err := outputWith(ctx, module.Toolchain, program, "./...")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.HasPrefix(out, "govulncheck: fetching vulnerabilities:") {
		return out, err
	}
	database, said, err := vulnerabilityDatabase(ctx)
	if err != nil {
		return out + "\n" + said, fmt.Errorf("%w: the vulnerability database cannot be reached: %w", errNotChecked, err)
	}
	return outputWith(ctx, module.Toolchain, program, "-db", "file://"+filepath.ToSlash(database), "./...")
}

// vulnerabilityDatabase returns the folder of a database of vulnerabilities made from the module that it is published from, for
// where there is a module proxy and nothing else.
func vulnerabilityDatabase(ctx context.Context) (dir, said string, err error) {
	said, err = output(ctx, "go", "mod", "download", "-json", "golang.org/x/vulndb@latest")
	if err != nil {
		return "", said, fmt.Errorf("download golang.org/x/vulndb: %w", err)
	}
	var source struct{ Dir, Version string }
	_, found, _ := strings.Cut(said, "{") // after what it says while it downloads
	if err := json.Unmarshal([]byte("{"+found), &source); err != nil {
		return "", said, fmt.Errorf("read what go mod download says: %w", err)
	}
	tools, err := toolsFolder()
	if err != nil {
		return "", "", err
	}
	dir = filepath.Join(tools, "vulndb-"+source.Version)
	if _, err := os.Stat(dir); err == nil {
		return dir, "", nil
	}
	old, err := filepath.Glob(filepath.Join(tools, "vulndb-*"))
	if err != nil {
		return "", "", err
	}
	unfinished, err := os.MkdirTemp(tools, ".vulndb-*")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(unfinished)
	if said, err := indexdb.output(ctx, "-vulns", filepath.Join(source.Dir, "data", "osv"), "-out", unfinished); err != nil {
		return "", said, err
	}
	if err := os.Rename(unfinished, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", "", err
	}
	for _, each := range old {
		err = errors.Join(err, os.RemoveAll(each))
	}
	return dir, "", err
}
