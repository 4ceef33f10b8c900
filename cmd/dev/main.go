// Command dev is how this program is worked on: it tests, checks and generates with the same steps everywhere, on a
// developer's machine and in CI, and sets up what those steps need. The product never runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Test     testCommand     `cmd:"" help:"Set up what is missing and run the tests, with the race detector and in random order."`
	Check    checkCommand    `cmd:"" help:"Check formatting, vet, lint, generated code, the module file and known vulnerabilities."`
	Generate generateCommand `cmd:"" help:"Generate the Go code of the templates and of the queries."`
	Mutate   mutateCommand   `cmd:"" help:"Take the guards out, one at a time, and require that a test fails without each."`
	Keep     keepCommand     `cmd:"" hidden:"" help:"Run the program of a package's tests and keep it."`
	Help     helpCommand     `cmd:"" help:"Show this." default:"1"`
}

// errFailed ends the program with a failure of which everything has been said.
var errFailed = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "dev:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("dev"), kong.Description("Work on aTES."), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	command, err := parser.Parse(os.Args[1:])
	if err != nil {
		return err
	}
	if command.Selected().Name != "keep" {
		if err := enterModule(); err != nil {
			return err
		}
	}
	return command.Run()
}

type helpCommand struct{}

func (helpCommand) Run(k *kong.Context) error {
	_, err := k.Parse([]string{"--help"})
	return err
}

// enterModule makes the folder of go.mod the working folder, so that every step may be run from anywhere within.
func enterModule() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return os.Chdir(dir)
		}
		if dir == filepath.Dir(dir) {
			return errors.New("no go.mod in this folder or above it")
		}
		dir = filepath.Dir(dir)
	}
}
