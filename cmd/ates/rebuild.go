package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ates/jobs"
)

// rebuild makes read models anew from the log of events. Pages and jobs go on meanwhile, and nobody is notified of anything.
type rebuild struct {
	database
	Names []string `arg:"" optional:"" name:"name" help:"Read models to rebuild; without one all are."`
}

// Help lists what can be rebuilt.
func (c *rebuild) Help() string {
	return "The read models are " + strings.Join(jobs.ReadModels(), ", ") + ". Each is built beside the one in use and then takes its place at once. " +
		"An interrupted rebuild leaves everything as it was. Only one can be at work at a time."
}

// Validate refuses names that are none before anything is started for them.
func (c *rebuild) Validate() error {
	for _, name := range c.Names {
		if !slices.Contains(jobs.ReadModels(), name) {
			return fmt.Errorf("there is no read model %q; there are %s", name, strings.Join(jobs.ReadModels(), ", "))
		}
	}
	return nil
}

// Run rebuilds and says how far it is.
func (c *rebuild) Run(ctx context.Context, stdout io.Writer) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	p := rebuildPrinter{to: stdout}
	return jobs.Rebuild(ctx, db.direct, c.Names, p.tell)
}

// rebuildPrinter prints a line whenever a rebuild does something else, and every second while it goes on with the same.
type rebuildPrinter struct {
	to    io.Writer
	model string
	doing string
	// begun is when the model was begun, and printed when the last line was printed.
	begun, printed time.Time
}

func (p *rebuildPrinter) tell(now jobs.Progress) {
	if now.Model != p.model {
		p.model, p.doing, p.begun = now.Model, "", time.Now()
	}
	if now.Doing == p.doing && time.Since(p.printed) < time.Second {
		return
	}
	p.doing, p.printed = now.Doing, time.Now()
	line := fmt.Sprintf("%s: %s", now.Model, now.Doing)
	took := time.Since(p.begun)
	if now.All > 0 {
		line += fmt.Sprintf(", %d of %d events", now.Done, now.All)
	}
	if now.Done > 0 {
		line += fmt.Sprintf(", %.0f a second", float64(now.Done)/took.Seconds())
	}
	if now.Held > 0 {
		line += fmt.Sprintf(", after %s; it could not be used for %s", took.Round(time.Millisecond), now.Held.Round(time.Millisecond))
	}
	if now.Unreadable > 0 {
		line += fmt.Sprintf("; %d events cannot be read and are left out", now.Unreadable)
	}
	fmt.Fprintln(p.to, line)
}
