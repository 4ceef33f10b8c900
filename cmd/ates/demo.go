package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/sql/dbsqlc"
)

// seedPeople makes the demo people known in a database that knows nobody else, and reports whether it is a demo's.
func seedPeople(ctx context.Context, pool *pgxpool.Pool, bus *jobs.Bus) (bool, error) {
	q := dbsqlc.New(pool)
	people := auth.DemoPeople()
	begun, err := q.HasCommand(ctx, dbsqlc.HasCommandParams{Actor: auth.System.ID, Key: people[0].Key})
	if err != nil {
		return false, fmt.Errorf("look for the demo: %w", err)
	}
	inUse, err := q.HasAccounts(ctx)
	if err != nil {
		return false, fmt.Errorf("look for people: %w", err)
	}
	if inUse && !begun {
		slog.WarnContext(ctx, "the database has people of its own, so it gets no demo data and no demo logins; unset ATES_DEMO")
		return false, nil
	}
	for _, p := range people {
		// Each has a key, so those who are known already stay as they are.
		if err := bus.Do(ctx, p); err != nil {
			return false, fmt.Errorf("make %s known: %w", p.Login, err)
		}
	}
	return true, nil
}

// demoTasks are what the company of the demo has to do.
var demoTasks = []string{
	"Oil the perch in the meeting room",
	"[POPUG-42] - Count the sunflower seeds before the auditors do",
	"Teach the intern to say “it works on my machine”",
	"Find out who ate the last mango",
	"[NEST-7] - Replace the mirror in the server room: somebody keeps arguing with it",
	"Translate the crackers contract into Russian",
	"Renew the certificates of the nest",
	"Clean the queue of unanswered squawks",
	"[POPUG-43] - Move the feather backups to the new bucket",
	"Write down what to do when the cat comes for a visit",
	"Order a second coffee machine for the night shift",
	"[NEST-8] - Explain double-entry bookkeeping to the macaws",
}

// seedTasks gives an empty demo something to do, through the commands that people use: a few tasks and one draw. It waits for
// the tracker to hear of the workers first.
func seedTasks(ctx context.Context, pool *pgxpool.Pool, bus *jobs.Bus) error {
	manager, err := auth.FindPersonByLogin(ctx, pool, "manager")
	if err != nil {
		return fmt.Errorf("find the demo's manager: %w", err)
	}
	last := &tracker.AssignTasks{Request: domain.Request{By: manager.Actor(), Key: "demo"}}
	done, err := dbsqlc.New(pool).HasCommand(ctx, dbsqlc.HasCommandParams{Actor: last.By.ID, Key: last.Key})
	if err != nil || done {
		return err
	}
	// Whoever has a past has enough to do.
	if past, err := hasPast(ctx, pool); err != nil || past {
		return err
	}
	for i, description := range demoTasks {
		create := &tracker.CreateTask{Request: domain.Request{By: manager.Actor(), Key: fmt.Sprintf("demo-%d", i)}, Description: description}
		if err := patiently(ctx, bus, create); err != nil {
			return fmt.Errorf("create a demo task: %w", err)
		}
	}
	if err := patiently(ctx, bus, last); err != nil {
		return fmt.Errorf("assign the demo tasks: %w", err)
	}
	return nil
}

// patiently runs a command again while it is refused because nobody can be drawn yet.
func patiently(ctx context.Context, bus *jobs.Bus, cmd domain.Command) error {
	const tries, pause = 100, 100 * time.Millisecond
	var err error
	for range tries {
		err = bus.Do(ctx, cmd)
		var refusal *domain.Refusal
		if !errors.As(err, &refusal) || refusal.Code != "task.no_workers" {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return err
}

// hasPast reports whether somebody has filled the database with `ates demo`, or has begun to.
func hasPast(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	past, err := dbsqlc.New(pool).HasCommand(ctx, dbsqlc.HasCommandParams{Actor: auth.System.ID, Key: storyKey(ivo)})
	if err != nil {
		return false, fmt.Errorf("look for a past: %w", err)
	}
	return past, nil
}

// announce tells on the terminal where to go and, in a demo, how to get in and to a company with a past.
func announce(w io.Writer, address string, demo, past bool) {
	fmt.Fprintf(w, "\n  aTES is ready at %s\n\n", address)
	if !demo {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  login\tpassword\trole")
	for _, p := range auth.DemoPeople() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", p.Login, p.Password, strings.ReplaceAll(string(p.Role), "-", " "))
	}
	_ = table.Flush()
	fmt.Fprintf(w, "\n  This is a demo: everybody can sign in. Ctrl-C stops it.\n")
	if !past {
		fmt.Fprintf(w, "  A company with 90 days behind it: ATES_DATA=/path/to/an/empty/folder ates demo --serve\n")
	}
	fmt.Fprintln(w)
}
