package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
)

// benchBooks are those of the companies in benchmarks.
func benchBooks() accounting.Books { return accounting.Books{Zone: time.UTC, Unit: 100} }

// benchCompany is the asynchronous half of the program in this process, on a database of a benchmark, with a clock that stands still
// until it is moved.
type benchCompany struct {
	pool *pgxpool.Pool
	bus  *jobs.Bus
	now  atomic.Pointer[time.Time]
	// rest ends the work; nil while there is none.
	rest func() error
}

// foundCompany makes a company that does not work yet. It must be closed.
func foundCompany(ctx context.Context, db benchDatabase, at time.Time) (*benchCompany, error) {
	pool, err := connect(ctx, db.address)
	if err != nil {
		return nil, err
	}
	c := &benchCompany{pool: pool}
	c.now.Store(&at)
	c.bus, err = jobs.NewBus(jobs.BusConfig{Pool: pool, Books: benchBooks(), Currency: "USD", Now: func() time.Time { return *c.now.Load() }})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return c, nil
}

// openCompany makes a company that works. It must be closed.
func openCompany(ctx context.Context, db benchDatabase, at time.Time) (*benchCompany, error) {
	c, err := foundCompany(ctx, db, at)
	if err == nil {
		c.work(ctx)
	}
	return c, err
}

// work begins to work on the jobs of some queues, all where none is named.
func (c *benchCompany) work(ctx context.Context, queues ...string) {
	working, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.bus.Work(working, queues...) }()
	c.rest = func() error {
		cancel()
		c.rest = nil
		return <-ended
	}
}

// close stops the work.
func (c *benchCompany) close() (err error) {
	if c.rest != nil {
		err = c.rest()
	}
	c.pool.Close()
	return err
}

// idle waits until no job is left to do.
func (c *benchCompany) idle(ctx context.Context, within time.Duration) error {
	return until(ctx, within, "no job is left to do", func() (bool, error) {
		reactions, chores, err := jobsLeft(ctx, c.pool)
		return reactions+chores == 0, err
	})
}

// jobsLeft counts what is still to be done: reactions to events, and chores of the clock. A reaction that was given up is an error; a
// chore is made good by another tick.
func jobsLeft(ctx context.Context, pool *pgxpool.Pool) (reactions, chores int, err error) {
	var dead int
	err = pool.QueryRow(ctx, `select count(*) filter (where reaction and to_do), count(*) filter (where not reaction and to_do), count(*) filter (where reaction and not to_do)
		from (select args ? 'batch' as reaction, state not in ('cancelled', 'discarded') as to_do from river.river_job
		where state in ('available', 'cancelled', 'discarded', 'pending', 'retryable', 'running', 'scheduled')) j`).Scan(&reactions, &chores, &dead)
	if err != nil {
		return 0, 0, fmt.Errorf("look at the queues: %w", err)
	}
	if dead > 0 {
		err = fmt.Errorf("%d jobs were given up", dead)
	}
	return reactions, chores, err
}

// fillDay makes a company in an empty database and gives it one business day, at noon of which everything happens. About three in
// five entries are fees and the others rewards, so that at the end some two in three workers have money to be paid.
//
// People, tasks and their resolution are rows that one statement each writes, told by the tracker's own events; the draw, the
// prices, the bookings and the read models are the program's real commands and jobs.
func fillDay(ctx context.Context, db benchDatabase, size benchSize, day time.Time) (err error) {
	begun := time.Now()
	company, err := openCompany(ctx, db, day.Add(12*time.Hour))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	resolved, moved := size.Entries*2/5, size.Entries/10
	const patience = 20 * time.Minute
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"hire workers", func() error { return company.hire(ctx, size.Workers) }},
		{"give tasks", func() error { return company.inParts(ctx, moved, func(n int) domain.Command { return giveTasks(n) }) }},
		{"draw them again", func() error {
			return company.bus.Do(ctx, &tracker.AssignTasks{Request: domain.Request{By: domain.Actor{ID: auth.System.ID, Role: domain.Manager}}})
		}},
		{"give more tasks", func() error {
			return company.inParts(ctx, resolved, func(n int) domain.Command { return giveTasks(n) })
		}},
		{"resolve tasks", func() error {
			return company.inParts(ctx, resolved, func(n int) domain.Command { return resolveTasks(n) })
		}},
		{"wait for everything to be booked", func() error { return company.idle(ctx, patience) }},
		// As autovacuum leaves the tables of a company that has been there for longer than a minute.
		{"vacuum", func() error {
			_, err := company.pool.Exec(ctx, "vacuum analyze")
			return err
		}},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("fill a day: %s: %w", step.what, err)
		}
	}
	slog.InfoContext(ctx, "filled a day", "workers", size.Workers, "entries", size.Entries, "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// inParts runs commands that together do n of something, so many at a time that no transaction is huge.
func (c *benchCompany) inParts(ctx context.Context, n int, command func(n int) domain.Command) error {
	const most = 5000
	for ; n > 0; n -= most {
		if err := c.bus.Do(ctx, command(min(n, most))); err != nil {
			return err
		}
	}
	return nil
}

// hire makes workers known and waits until everybody has heard of them.
func (c *benchCompany) hire(ctx context.Context, n int) error {
	if err := c.bus.Do(ctx, jobs.CloseDay(benchBooks())); err != nil {
		return fmt.Errorf("open the day: %w", err)
	}
	if err := c.bus.Do(ctx, hire(n)); err != nil {
		return fmt.Errorf("hire workers: %w", err)
	}
	return c.idle(ctx, time.Minute)
}

// hire is the command that makes workers known as the Auth-Service tells of them. They cannot sign in.
type hire int

// Handle tells User.Registered for each.
func (n hire) Handle(context.Context, domain.Tx) ([]domain.Event, error) {
	events := make([]domain.Event, n)
	for i := range events {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("draw an id: %w", err)
		}
		events[i] = domain.Event{Subject: id, Version: 1, Data: auth.UserRegistered{User: auth.User{
			ID: id, Name: fmt.Sprintf("Worker %d", i+1), Email: fmt.Sprintf("worker-%d@bench.example", i+1), Role: domain.Worker, Status: auth.Active, Version: 1,
		}}}
	}
	return events, nil
}

// giveTasks is the command that creates tasks, each with a worker drawn for it.
type giveTasks int

// Handle tells Task.Created and Task.Assigned for each.
func (n giveTasks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		var err error
		if ids[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("draw an id: %w", err)
		}
	}
	rows, err := tx.Query(ctx, `with workers as (
			select array_agg(id) as ids, count(*)::int as n from tracker.people where role = 'worker' and active
		)
		insert into tracker.tasks (id, description, assignee, version, created_by, created_at)
		select t.id, 'A task of the benchmark', w.ids[1 + floor(random() * w.n)::int], 2, $2, $3
		from unnest($1::uuid[]) as t (id) cross join workers w
		returning id, number, description, assignee`, ids, auth.System.ID, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("insert tasks: %w", err)
	}
	var events []domain.Event
	var created tracker.TaskCreated
	var assigned tracker.TaskAssigned
	_, err = pgx.ForEachRow(rows, []any{&created.TaskID, &created.Number, &created.Title, &assigned.Assignee}, func() error {
		created.CreatedBy, created.CreatedAt = auth.System.ID, tx.Now
		assigned.TaskID, assigned.Assignment = created.TaskID, 1
		events = append(events, domain.Event{Subject: created.TaskID, Version: 1, Data: created}, domain.Event{Subject: created.TaskID, Version: 2, Data: assigned})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("insert tasks: %w", err)
	}
	return events, nil
}

// resolveTasks is the command that resolves open tasks, the newest first.
type resolveTasks int

// Handle tells Task.Resolved for each.
func (n resolveTasks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	rows, err := tx.Query(ctx, `update tracker.tasks t set status = 'resolved', version = t.version + 1, resolved_by = $2, resolved_at = $3
		from (select id from tracker.tasks where status = 'open' order by id desc limit $1) o where t.id = o.id
		returning t.id, t.assignee, t.assignment, t.version`, int(n), auth.System.ID, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("resolve tasks: %w", err)
	}
	var events []domain.Event
	resolved, version := tracker.TaskResolved{ResolvedBy: auth.System.ID, ResolvedAt: tx.Now}, int64(0)
	_, err = pgx.ForEachRow(rows, []any{&resolved.TaskID, &resolved.Assignee, &resolved.Assignment, &version}, func() error {
		events = append(events, domain.Event{Subject: resolved.TaskID, Version: version, Data: resolved})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("resolve tasks: %w", err)
	}
	return events, nil
}
