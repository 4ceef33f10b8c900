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
	site
	Days  int  `name:"days" default:"90" help:"How many days the company looks back on."`
	Tasks int  `name:"tasks" default:"22" help:"How many tasks come on a working day, about."`
	Serve bool `name:"serve" help:"Serve it afterwards, as ates serve does."`
}

// Run tells the story up to this moment.
func (c *demoDays) Run(ctx context.Context, stdout io.Writer) error {
	if _, err := c.books(); err != nil {
		return err
	}
	if c.Days < 1 || c.Days > 1000 {
		return fmt.Errorf("--days is %d; use 1 to 1000", c.Days)
	}
	if c.Tasks < 1 || c.Tasks > 100 {
		return fmt.Errorf("--tasks is %d; use 1 to 100", c.Tasks)
	}
	if err := c.fill(ctx, stdout); err != nil {
		return err
	}
	if !c.Serve {
		return nil
	}
	then := serve{database: c.database, company: c.company, site: c.site, payouts: payouts{Provider: "book"}, Web: true, Jobs: true, Demo: "1"}
	return then.Run(ctx, stdout)
}

// fill fills the database, alone.
func (c *demoDays) fill(ctx context.Context, stdout io.Writer) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	pool := db.direct
	if _, err := migrations.Up(ctx, pool); err != nil {
		return err
	}
	alone, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	defer alone.Release()
	const tellers = 7291990
	var free bool
	if err := alone.QueryRow(ctx, "select pg_try_advisory_lock($1)", tellers).Scan(&free); err != nil {
		return fmt.Errorf("look for another that fills the database: %w", err)
	}
	if !free {
		return errors.New("another `ates demo` is filling this database")
	}
	defer func() { _, _ = alone.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", tellers) }()
	if err := c.refuseOthers(ctx, pool); err != nil {
		return err
	}

	// A line for each of some thousand commands would bury what the person who waits wants to see.
	defer quietly(ctx)()
	begun := time.Now()
	books, err := c.books()
	if err != nil {
		return err
	}
	t, err := newTeller(ctx, pool, story{books: books, days: c.Days, tasks: c.Tasks}, c.Currency, begun)
	if err != nil {
		return err
	}
	progress := newProgress(stdout, t.days)
	err = errors.Join(t.tell(ctx, progress.show), t.close())
	progress.end()
	switch {
	case ctx.Err() != nil:
		return errors.New("stopped on the way; the same command goes on from there")
	case err != nil:
		return err
	}
	fmt.Fprintf(stdout, "\n  %d days, told in %s. Everybody's password is \"demo-\" and their login.\n", t.days, time.Since(begun).Round(100*time.Millisecond))
	if !c.Serve {
		fmt.Fprintf(stdout, "  Look around in them: start `ates` with the same settings.\n")
	}
	return nil
}

// refuseOthers refuses a database that is not empty and that no story has begun to fill, or that people have made theirs.
func (c *demoDays) refuseOthers(ctx context.Context, pool *pgxpool.Pool) error {
	inUse, err := dbsqlc.New(pool).HasAccounts(ctx)
	if err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	if !inUse {
		return nil
	}
	ours, err := hasPast(ctx, pool)
	if err != nil {
		return err
	}
	logins := []string{ivo, juno}
	for _, p := range auth.DemoPeople() {
		logins = append(logins, p.Login)
	}
	var strangers int
	if err := pool.QueryRow(ctx, "select count(*) from auth.accounts where login <> all($1)", logins).Scan(&strangers); err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	const elsewhere = "days that are over need an empty database: ATES_DATA=/path/to/an/empty/folder ates demo --serve (or DATABASE_URL)"
	switch {
	case strangers > 0:
		return errors.New("the database has people of its own, so it is left alone; " + elsewhere)
	case !ours:
		return errors.New("the database is in use since `ates serve` was started on it; " + elsewhere)
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
