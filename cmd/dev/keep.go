package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
)

// keepCommand is what go test runs instead of the program of a package's tests when it is to be used again: linking one takes longer
// than many of them run.
type keepCommand struct {
	Into    string   `arg:"" help:"The folder to keep it in."`
	Program string   `arg:"" help:"The program, which is run in the folder of its package."`
	Args    []string `arg:"" optional:"" help:"What it is run with."`
}

// kept is the path at which the program of the tests in the folder of a package is kept.
func kept(into, dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	dir, err = filepath.EvalSymlinks(dir)
	return filepath.Join(into, url.PathEscape(dir)), err
}

// Run becomes the program.
func (c keepCommand) Run() error {
	path, err := kept(c.Into, ".")
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep the program of the tests: %w", err)
	}
	if err := os.Link(c.Program, path); err != nil {
		if err := copyProgram(c.Program, path); err != nil {
			return fmt.Errorf("keep the program of the tests: %w", err)
		}
	}
	return syscall.Exec(c.Program, append([]string{c.Program}, c.Args...), os.Environ())
}

func copyProgram(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	_, err = io.Copy(target, source)
	return err
}
