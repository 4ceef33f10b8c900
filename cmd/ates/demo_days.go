package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/sql/migrations"
)

// demoDays fills an empty database with days that a company has lived through: through the commands that people use, worked on by
// the real jobs, with the clock moved. What was interrupted goes on where it stopped.
type demoDays struct {
	database
	company
	Days  int `name:"days" default:"90" help:"How many days the company looks back on."`
	Tasks int `name:"tasks" default:"22" help:"How many tasks come on a working day, about."`
}

// Run tells the story up to this moment.
func (c *demoDays) Run(ctx context.Context, stdout io.Writer) (err error) {
	books, err := c.books()
	if err != nil {
		return err
	}
	if c.Days < 1 || c.Days > 1000 {
		return fmt.Errorf("--days is %d; use 1 to 1000", c.Days)
	}
	if c.Tasks < 1 || c.Tasks > 100 {
		return fmt.Errorf("--tasks is %d; use 1 to 100", c.Tasks)
	}
	pool, closeAll, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	if _, err := migrations.Up(ctx, pool); err != nil {
		return err
	}
	alone, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	defer alone.Release()
	var free bool
	if err := alone.QueryRow(ctx, "select pg_try_advisory_lock(7291990)").Scan(&free); err != nil {
		return fmt.Errorf("look for another that fills the database: %w", err)
	}
	if !free {
		return errors.New("another `ates demo` is filling this database")
	}
	defer func() { _, _ = alone.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock(7291990)") }()

	// A line for each of some thousand commands would bury what the person who waits wants to see.
	defer quietly(ctx)()
	begun := time.Now()
	s := story{books: books, days: c.Days, tasks: c.Tasks}
	t, err := newTeller(ctx, pool, s, c.Currency, begun)
	if err != nil {
		return err
	}
	if err := c.refuseOthers(ctx, pool, t.told); err != nil {
		return errors.Join(err, t.close())
	}
	progress := newProgress(stdout, c.Days)
	err = errors.Join(t.tell(ctx, progress.show), t.close())
	progress.end()
	if ctx.Err() != nil {
		return fmt.Errorf("stopped on the way; the same command goes on from there: %w", context.Cause(ctx))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n  %d days in %s. `ates` with the same settings shows them; everybody's password is \"demo-\" and the login.\n\n",
		c.Days, time.Since(begun).Round(100*time.Millisecond))
	return nil
}

// refuseOthers refuses a database that is not empty and that no story has begun to fill, or that people have made theirs.
func (c *demoDays) refuseOthers(ctx context.Context, pool *pgxpool.Pool, told time.Time) error {
	q := dbsqlc.New(pool)
	inUse, err := q.HasAccounts(ctx)
	if err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	if !inUse && told.IsZero() {
		return nil
	}
	ours, err := q.HasCommand(ctx, dbsqlc.HasCommandParams{Actor: auth.System.ID, Key: storyKey(ivo)})
	if err != nil {
		return fmt.Errorf("look for the story: %w", err)
	}
	logins := []string{ivo, juno}
	for _, p := range auth.DemoPeople() {
		logins = append(logins, p.Login)
	}
	var strangers int
	if err := pool.QueryRow(ctx, "select count(*) from auth.accounts where login <> all($1)", logins).Scan(&strangers); err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	empty := "an empty database: DATABASE_URL=postgres://…/another ates demo"
	if c.private() {
		empty = "an empty folder: ATES_DATA=/path/to/another ates demo, and then ATES_DATA=/path/to/another ates"
	}
	switch {
	case strangers > 0:
		return fmt.Errorf("the database has people of its own, so it is left alone; name %s", empty)
	case !ours:
		return fmt.Errorf("the database is in use since `ates serve` was started on it, and days that are over cannot be put before those; name %s", empty)
	}
	return nil
}

// quietly has the log tell of warnings only, until the returned function is called.
func quietly(ctx context.Context) (loud func()) {
	before := slog.Default()
	if !before.Enabled(ctx, slog.LevelInfo) {
		return func() {}
	}
	slog.SetDefault(slog.New(onlyWarnings{before.Handler()}))
	return func() { slog.SetDefault(before) }
}

// onlyWarnings is a log without news.
type onlyWarnings struct{ slog.Handler }

// Enabled leaves out what is less than a warning.
func (onlyWarnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
