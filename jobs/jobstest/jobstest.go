// Package jobstest runs the whole asynchronous half of the program in a test: a bus on a database of its own, real River
// workers, and the questions that tests ask of the books.
package jobstest

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/sql/sqltest"
	"ates/sql/verify"
)

// Books are those of a company in UTC and US dollars.
func Books() accounting.Books { return accounting.Books{Zone: time.UTC, Unit: 100} }

// Bus makes a bus on a database of its own, by way of a pooler where the tests are asked to go by one. Nobody works on its jobs until
// Work is called.
func Bus(t testing.TB) (*jobs.Bus, *pgxpool.Pool) {
	t.Helper()
	pool := sqltest.Pool(t)
	cfg := jobs.BusConfig{Pool: pool, Books: Books()}
	if sqltest.Pooled() {
		cfg.Pool, cfg.Direct = sqltest.Behind(t, sqltest.Pooler(t, pool.Config().ConnString())), pool
	}
	bus, err := jobs.NewBus(cfg)
	require.NoError(t, err)
	return bus, pool
}

// Work works on all queues until the test ends, or until the returned function is called.
func Work(t testing.TB, bus *jobs.Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- bus.Work(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(stop)
	return stop
}

// Idle waits until every job has been worked on and fails the test when one of them failed for good or none ends in time.
func Idle(t testing.TB, pool *pgxpool.Pool, within time.Duration) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var waiting int
		var failed []string
		require.NoError(c, pool.QueryRow(ctx, `select count(*) filter (where state not in ('completed', 'cancelled', 'discarded')),
			coalesce(array_agg(kind || ': ' || coalesce(errors[array_upper(errors, 1)]->>'error', state::text))
				filter (where state <> 'completed' and errors is not null), '{}') from river.river_job`).Scan(&waiting, &failed))
		require.Zero(c, waiting, "jobs are waiting; failed: %v", failed)
	}, within, 20*time.Millisecond)
	var dead []string
	require.NoError(t, pool.QueryRow(ctx, `select coalesce(array_agg(kind), '{}') from river.river_job where state in ('cancelled', 'discarded')`).Scan(&dead))
	require.Empty(t, dead, "jobs were given up")
}

// Workers makes n active Workers known to the tracker, as the events of the Auth-Service would.
func Workers(t testing.TB, bus *jobs.Bus, n int) []domain.Actor {
	t.Helper()
	var learn tracker.LearnPeople
	workers := make([]domain.Actor, n)
	for i := range workers {
		workers[i] = domain.Actor{ID: uuid.New(), Role: domain.Worker}
		learn.People = append(learn.People, tracker.Person{ID: workers[i].ID, Name: "Worker " + string(rune('A'+i%26)), Role: domain.Worker, Active: true, Version: 1})
	}
	require.NoError(t, bus.Do(t.Context(), learn))
	return workers
}

// Tasks creates n tasks through the bus, all in one transaction, so that they are one batch of events.
func Tasks(t testing.TB, bus *jobs.Bus, n int) []*tracker.CreateTask {
	t.Helper()
	by := domain.Request{By: Manager()}
	tasks := make(createTasks, n)
	for i := range tasks {
		tasks[i] = &tracker.CreateTask{Request: by, Description: "Task " + strconv.Itoa(i+1)}
	}
	require.NoError(t, bus.Do(t.Context(), tasks))
	return tasks
}

type createTasks []*tracker.CreateTask

func (c createTasks) Handle(ctx context.Context, tx domain.Tx) (events []domain.Event, err error) {
	for _, create := range c {
		told, err := create.Handle(ctx, tx)
		if err != nil {
			return nil, err
		}
		events = append(events, told...)
	}
	return events, nil
}

// PricedTask creates a task and gives it its price, in minor units, so that none is drawn for it.
type PricedTask struct {
	*tracker.CreateTask
	Fee, Reward int64
}

// Handle creates and prices; the events are those of CreateTask and Task.Priced.
func (c PricedTask) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	events, err := c.CreateTask.Handle(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "insert into accounting.tasks (id, unit, fee, reward, priced_at) values ($1, 100, $2, $3, now())", c.TaskID, c.Fee, c.Reward); err != nil {
		return nil, err
	}
	return append(events, domain.Event{Subject: c.TaskID, Version: 1, Data: accounting.TaskPriced{TaskID: c.TaskID, Fee: c.Fee, Reward: c.Reward}}), nil
}

// Manager is an actor who may assign and resolve anything.
func Manager() domain.Actor { return domain.Actor{ID: uuid.New(), Role: domain.Manager} }

// Rows are all rows that the program keeps, as text, by table: what must be the same again after a repeat, and unchanged after
// a failure. Left out are jobs, their runs, changes, seals and verifications, of which a repeat rightly makes more, and read models
// that are just being built beside those in use.
func Rows(t testing.TB, pool *pgxpool.Pool) map[string][]string {
	t.Helper()
	var tables []string
	require.NoError(t, pool.QueryRow(t.Context(), `select array_agg(format('%I.%I', schemaname, tablename)) from pg_tables
		where schemaname not in ('pg_catalog', 'information_schema', 'public', 'river') and (schemaname, tablename) not in (('log', 'changes'), ('log', 'verifications'), ('log', 'runs'))
		and tablename <> 'seals' and schemaname not like '%\_rebuilt'`).Scan(&tables))
	all := map[string][]string{}
	for _, table := range tables {
		var rows []string
		require.NoError(t, pool.QueryRow(t.Context(), `select coalesce(array_agg(x::text order by x::text), '{}') from `+table+` x`).Scan(&rows))
		all[table] = rows
	}
	// How many rows the counts are in depends on who was at them at the same time; what they come to does not.
	var open, resolved int
	require.NoError(t, pool.QueryRow(t.Context(), `select coalesce(sum(open), 0), coalesce(sum(resolved), 0) from tracker.board_counts`).Scan(&open, &resolved))
	all["tracker.board_counts"] = []string{fmt.Sprintf("(%d,%d)", open, resolved)}
	return all
}

// RequireSoundBooks fails the test unless everything that must hold of the books does.
func RequireSoundBooks(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	results, err := verify.Run(t.Context(), pool)
	require.NoError(t, err)
	for _, r := range results {
		require.True(t, r.OK(), "not so: %s (%d of %d): %v", r.Name, r.Broken, r.Looked, r.Examples)
	}
}
