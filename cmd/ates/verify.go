package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"ates/jobs"
	books "ates/sql/verify"
)

// verify proves on the live books what must hold of them always, and that the read models are what the log makes of them. It changes
// nothing and may run beside everything else.
type verify struct {
	database
	JSON bool `name:"json" help:"Print the results as JSON."`
	All  bool `name:"all" help:"Compare all of the read models with the log, not only what has come since the daily verification did."`
}

// Run prints each check with its counts; the error is that one of them failed.
func (c *verify) Run(ctx context.Context, stdout io.Writer) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	results, err := jobs.Verify(ctx, db.direct, c.All)
	if err != nil {
		return fmt.Errorf("%w (ates migrate brings the database up to date)", err)
	}
	failed := 0
	for _, r := range results {
		if !r.OK() {
			failed++
		}
	}
	if c.JSON {
		printed := json.NewEncoder(stdout)
		printed.SetIndent("", "  ")
		err = printed.Encode(map[string]any{"sound": failed == 0, "checks": results})
	} else {
		err = printChecks(stdout, results)
	}
	if err != nil {
		return fmt.Errorf("print the results: %w", err)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(results))
	}
	return nil
}

// printChecks prints the results as a table for people.
func printChecks(stdout io.Writer, results []books.Result) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tCHECK\tLOOKED AT\tBROKEN\t")
	for _, r := range results {
		verdict := "ok"
		switch {
		case !r.OK():
			verdict = "FAILED"
		case r.Broken > 0:
			verdict = "note"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", verdict, r.Name, r.Looked, r.Broken, strings.Join(r.Examples, ", "))
	}
	return table.Flush()
}
