package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// fault is a step of a transaction that fails.
type fault struct {
	// on is the statement and the table that fail, when the rows that it is about.
	on, when string
	// atCommit lets the statement pass and the commit fail.
	atCommit bool
}

// strike makes the step fail until the returned function is called.
func (f fault) strike(t testing.TB, pool *pgxpool.Pool) (heal func()) {
	t.Helper()
	do := func(statement string) {
		_, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	do(`create or replace function public.fail() returns trigger language plpgsql as $$ begin raise exception 'out of order'; end $$`)
	when := f.when
	if when == "" {
		when = "true"
	}
	if f.atCommit {
		do(`create constraint trigger out_of_order after ` + f.on + ` deferrable initially deferred for each row when (` + when + `) execute function public.fail()`)
	} else {
		do(`create trigger out_of_order before ` + f.on + ` for each row when (` + when + `) execute function public.fail()`)
	}
	return func() { do(`drop function public.fail() cascade`) }
}

// What a person was not told to be done must not be done in part, at whichever step it failed.
func TestACommandIsDoneWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 2)
	by := domain.Request{By: jobstest.Manager(), Key: "form-1"}
	before, jobsBefore := jobstest.Rows(t, pool), count(t, pool, `select count(*) from river.river_job`)
	for name, f := range map[string]fault{
		"its own rows":       {on: "insert on tracker.tasks"},
		"record of it":       {on: "insert on log.commands"},
		"first event":        {on: "insert on log.events", when: "new.name = 'Task.Created'"},
		"last event":         {on: "insert on log.events", when: "new.name = 'Task.Assigned'"},
		"one of its jobs":    {on: "insert on river.river_job", when: "new.kind = 'withdraw_money'"},
		"record of answer":   {on: "update on log.commands", when: "new.outcome is not null"},
		"commit of its rows": {on: "insert on tracker.tasks", atCommit: true},
		"commit of a job":    {on: "insert on river.river_job", when: "new.kind = 'refresh_tasks'", atCommit: true},
	} {
		heal := f.strike(t, pool)
		err := bus.Do(t.Context(), &tracker.CreateTask{Request: by, Description: "Clean the cage"})
		require.ErrorContains(t, err, "out of order", name)
		var refusal *domain.Refusal
		require.NotErrorAs(t, err, &refusal, "%s: a fault is no refusal", name)
		require.Equal(t, before, jobstest.Rows(t, pool), name)
		require.Equal(t, jobsBefore, count(t, pool, `select count(*) from river.river_job`), name)
		heal()
	}
	err := bus.Do(t.Context(), &toldBadly{&tracker.CreateTask{Request: by, Description: "Clean the cage"}})
	require.ErrorContains(t, err, "it breaks the schema Task.Assigned.v1: assignment: minimum: got 0, want 1")
	require.Equal(t, before, jobstest.Rows(t, pool), "nor when one of its events breaks its schema")
	require.Equal(t, jobsBefore, count(t, pool, `select count(*) from river.river_job`))
	require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: by, Description: "Clean the cage"}), "the same form")
	require.Equal(t, 1, count(t, pool, `select count(*) from tracker.tasks`))
	require.Equal(t, jobsBefore+4, count(t, pool, `select count(*) from river.river_job`), "price it, charge for it, show it, tell of it")
}

// toldBadly creates a task and tells what cannot be of its first assignment.
type toldBadly struct{ *tracker.CreateTask }

func (c *toldBadly) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	events, err := c.CreateTask.Handle(ctx, tx)
	if err != nil {
		return nil, err
	}
	assigned := events[1].Data.(tracker.TaskAssigned)
	assigned.Assignment = 0
	events[1].Data = assigned
	return events, nil
}

// A job that failed, at whichever step, has changed nothing, and does its work when what was in its way is gone.
func TestAJobIsDoneWholeOrNotAtAllAndTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind string
		fault
	}{
		"price":      {"withdraw_money", fault{on: "insert on accounting.tasks"}},
		"transfer":   {"withdraw_money", fault{on: "insert on accounting.transfers"}},
		"event":      {"withdraw_money", fault{on: "insert on log.events", when: "new.name = 'Account.BalanceChanged'"}},
		"next job":   {"withdraw_money", fault{on: "insert on river.river_job", when: "new.kind = 'refresh_daily_balances'"}},
		"completion": {"withdraw_money", fault{on: "update on river.river_job", when: "new.kind = 'withdraw_money' and new.state = 'completed'"}},
		"commit":     {"withdraw_money", fault{on: "insert on accounting.transfers", atCommit: true}},
		"read model": {"refresh_tasks", fault{on: "insert on tracker.history"}},
		"topics":     {"refresh_tasks", fault{on: "insert on log.changes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus, pool := jobstest.Bus(t)
			// The sweep that comes at the start of work opens the day.
			require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
			worker := jobstest.Workers(t, bus, 1)[0]
			require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: worker}, Description: "Clean the cage"}))
			// The other jobs wait, so that whatever changes is this one's doing.
			_, err := pool.Exec(t.Context(), `update river.river_job set state = 'pending' where kind <> $1`, c.kind)
			require.NoError(t, err)
			before := jobstest.Rows(t, pool)
			heal := c.strike(t, pool)

			stop := jobstest.Work(t, bus)
			require.Eventually(t, func() bool {
				return count(t, pool, `select count(*) from river.river_job where kind = $1 and errors[1]->>'error' like '%out of order%'`, c.kind) > 0
			}, patience, 20*time.Millisecond, "the job fails with the reason")
			stop()
			require.Equal(t, before, jobstest.Rows(t, pool))
			require.Zero(t, count(t, pool, `select count(*) from log.changes where topics <> '{ops}'`), "but for what the clock asks for")
			require.Zero(t, count(t, pool, `select count(*) from river.river_job where kind = 'refresh_daily_balances'`))
			heal()

			// It would be tried again by itself; this is what the dashboard's Retry does.
			_, err = pool.Exec(t.Context(), `update river.river_job set state = 'available', scheduled_at = now() where state in ('pending', 'available', 'retryable')`)
			require.NoError(t, err)
			jobstest.Work(t, bus)
			jobstest.Idle(t, pool, patience)
			require.NotEqual(t, before, jobstest.Rows(t, pool))
			jobstest.RequireSoundBooks(t, pool)
		})
	}
}
