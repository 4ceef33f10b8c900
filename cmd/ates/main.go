// Command ates is the Awesome Task Exchange System: one program, one Postgres. Without a subcommand it serves; each subcommand
// has a file here. This package wires the others together and nobody imports it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business zones work on machines without a time zone database

	"github.com/alecthomas/kong"
)

type commands struct {
	Version kong.VersionFlag `name:"version" help:"Say which version this is."`

	Serve   serve    `cmd:"" default:"withargs" help:"Serve pages and work on jobs (the default)."`
	Migrate migrate  `cmd:"" help:"Bring the database up to date and say what was done."`
	Demo    demoDays `cmd:"" help:"Fill an empty database with the last 90 days of a company, to look around in."`
	Verify  verify   `cmd:"" help:"Prove what must hold of the books, of tasks and of closed days; exit 1 when something does not."`
	Rebuild rebuild  `cmd:"" help:"Make read models anew from the log of events while everything else goes on."`
	Ready   probe    `cmd:"" help:"Ask a process on this machine whether it can work; exit 1 when it cannot."`
	Bench   bench    `cmd:"" help:"Measure the program against the ceiling of its server; without a name, list what can be measured."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "ates:", err)
		os.Exit(1)
	}
}

// run is the whole program, short of the process around it. It ends when its work is done or the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var all commands
	parser, err := kong.New(&all, kong.Name("ates"), kong.Writers(stdout, stderr), kong.Vars{"version": "ates " + thisBuild().String()},
		kong.Description("The Awesome Task Exchange System: tasks drawn at random, charged on receipt, paid on resolution."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		return fmt.Errorf("read the command line: %w", err)
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		var usage *kong.ParseError
		if errors.As(err, &usage) {
			return fmt.Errorf("%w (ates --help lists what there is)", err)
		}
		return err
	}
	startLogging(stderr)
	return chosen.Run()
}
