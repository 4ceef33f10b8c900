package main

import (
	"context"
	"fmt"
	"os"
)

type generateCommand struct{}

// Run generates what is generated; the result is committed.
func (generateCommand) Run(ctx context.Context) error {
	if out, err := templGenerate(ctx); err != nil {
		return fmt.Errorf("templ generate: %w\n%s", err, out)
	}
	if out, err := sqlc.output(ctx, "generate"); err != nil {
		return fmt.Errorf("sqlc generate: %w\n%s", err, out)
	}
	_, err := fmt.Fprintln(os.Stdout, "generated views/*_templ.go and sql/dbsqlc")
	return err
}

func templGenerate(ctx context.Context) (string, error) {
	return output(ctx, "go", "tool", "templ", "generate", "-log-level", "warn")
}
