package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/handlers"
	"ates/jobs"
	"ates/sql/migrations"
)

// dependencies are what the process cannot work without, as /readyz tells it.
func (c *serve) dependencies(pool *pgxpool.Pool, bus *jobs.Bus) []handlers.Dependency {
	all := []handlers.Dependency{{Name: "migrations", State: func(ctx context.Context) (string, bool) { return migrated(ctx, pool) }}}
	if c.Web {
		all = append(all, c.dependency())
	}
	if c.Jobs {
		all = append(all, handlers.Dependency{Name: "jobs", State: func(context.Context) (string, bool) {
			if !bus.Working() {
				return "no queue has been asked for jobs for some time", false
			}
			if len(c.Queues) > 0 {
				return "ok, of " + strings.Join(c.Queues, ", "), true
			}
			return "ok", true
		}})
	}
	return all
}

// migrated says whether the database has every step of this program. One that has more is no hindrance: a newer program runs beside
// this one, and what it has added is made so that this one does not need to know it.
func migrated(ctx context.Context, pool *pgxpool.Pool) (said string, ok bool) {
	missing, unknown, err := migrations.Compare(ctx, pool)
	switch {
	case err != nil:
		slog.WarnContext(ctx, "cannot tell whether the database is up to date", "error", err)
		return "cannot be told, since the database does not answer", false
	case missing > 0:
		return fmt.Sprintf("the database lacks %d steps of this program; run ates migrate, or start this program again", missing), false
	case unknown > 0:
		return fmt.Sprintf("ok; a newer program has added %d steps", unknown), true
	}
	return "ok", true
}
