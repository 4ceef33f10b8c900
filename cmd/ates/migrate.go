package main

import (
	"context"
	"fmt"
	"io"

	"ates/sql/migrations"
)

// migrate brings the database up to date.
type migrate struct {
	database
}

// Run migrates and says what it did.
func (c *migrate) Run(ctx context.Context, stdout io.Writer) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	applied, err := migrations.Up(ctx, db.direct)
	for _, step := range applied {
		fmt.Fprintln(stdout, "applied", step)
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintln(stdout, "the database was up to date")
	}
	return err
}
