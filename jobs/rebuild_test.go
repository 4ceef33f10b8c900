package jobs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// spoilt empties, changes, deletes and makes up rows of every read model.
const spoilt = `truncate tracker.history; delete from accounting.daily_balances where worker = (select min(worker::text)::uuid from accounting.daily_balances);
	update tracker.board set description = 'Other words' where task = (select min(task::text)::uuid from tracker.board);
	insert into tracker.board (task, description, version, assignee, assignment) values (gen_random_uuid(), 'Of no event', 1, gen_random_uuid(), 1);
	update tracker.draws set moved = moved + 1; delete from tracker.draw_shares where got > 3; update tracker.board_counts set open = open + 1;
	delete from tracker.board_words where task = (select min(task::text)::uuid from tracker.board_words);
	update accounting.daily_figures set fees = fees + 1, dearest_task = null, dearest_reward = null, dearest_at = null`

// leftovers counts the schemas that a rebuild has left.
const leftovers = `select count(*) from pg_namespace where nspname like '%\_rebuilt' or nspname like '%\_replaced'`

func quietly(jobs.Progress) {}

// busy is a company of two that has worked at random for a day, and closed it.
var busy = &sqltest.Template{Fill: func(t testing.TB, address string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	defer pool.Close()
	clock := newClock("2026-03-01T09:00:00Z")
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books(), Now: clock.now})
	require.NoError(t, err)
	sweep := func() {
		require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
		jobstest.Idle(t, pool, patience)
	}
	jobstest.Workers(t, bus, 2)
	stop := jobstest.Work(t, bus)
	sweep()
	by := domain.Request{By: jobstest.Manager()}
	tasks := jobstest.Tasks(t, bus, 40)
	for range 10 {
		require.NoError(t, bus.Do(t.Context(), &tracker.AssignTasks{Request: by}))
		for range 2 {
			resolve := &tracker.ChangeTaskStatus{Request: by, TaskID: tasks[rand.IntN(len(tasks))].TaskID, Status: tracker.Resolved}
			var refusal *domain.Refusal
			if err := bus.Do(t.Context(), resolve); !errors.As(err, &refusal) {
				require.NoError(t, err)
			}
		}
	}
	jobstest.Idle(t, pool, patience)
	clock.set("2026-03-02T00:01:00Z")
	sweep()
	require.NoError(t, bus.Do(t.Context(), &tracker.ChangeTaskStatus{Request: by, TaskID: tasks[slowest(t, pool)].TaskID, Status: tracker.Resolved}))
	jobstest.Idle(t, pool, patience)
	stop()
}}

// busyCompany is one with a busy day behind it. Nobody works on its jobs.
func busyCompany(t *testing.T) *company {
	t.Helper()
	c := &company{t: t, pool: busy.Pool(t), clock: newClock("2026-03-02T00:01:00Z"), books: jobstest.Books()}
	var err error
	c.bus, err = jobs.NewBus(jobs.BusConfig{Pool: c.pool, Books: c.books, Now: c.clock.now})
	require.NoError(t, err)
	people, err := c.pool.Query(t.Context(), "select id from tracker.people where role = 'worker' order by name")
	require.NoError(t, err)
	ids, err := pgx.CollectRows(people, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	c.ann, c.bob = domain.Actor{ID: ids[0], Role: domain.Worker}, domain.Actor{ID: ids[1], Role: domain.Worker}
	return c
}

// slowest is the number of a task that is still open, counted from 0.
func slowest(t testing.TB, pool *pgxpool.Pool) int {
	t.Helper()
	return count(t, pool, "select min(number) - 1 from tracker.tasks where status = 'open'")
}

// made is how everything in the contexts' schemas is made.
func made(t *testing.T, pool *pgxpool.Pool) (statements []string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `select array_agg(s.statement order by s.statement) from (
		select indexdef as statement from pg_indexes where schemaname in ('tracker', 'accounting')
		union all
		select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace::regnamespace::text in ('tracker', 'accounting')
		union all
		select attrelid::regclass || ' ' || attname || format_type(atttypid, atttypmod) || attnotnull || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
		from pg_attribute a left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
		where attrelid in (select oid from pg_class where relkind = 'r' and relnamespace::regnamespace::text in ('tracker', 'accounting')) and attnum > 0 and not attisdropped
		union all
		select relname || ' ' || relacl::text from pg_class where relnamespace::regnamespace::text in ('tracker', 'accounting') and relacl is not null
		) s`).Scan(&statements))
	return statements
}

func TestARebuildMakesTheSameRows(t *testing.T) {
	t.Parallel()
	c := busyCompany(t)
	_, err := c.pool.Exec(t.Context(), "grant select on tracker.board to public")
	require.NoError(t, err)
	rows, jobsBefore, making := jobstest.Rows(t, c.pool), count(t, c.pool, "select count(*) from river.river_job"), made(t, c.pool)
	for _, table := range []string{"tracker.board", "tracker.board_words", "tracker.history", "tracker.draws", "tracker.draw_shares", "accounting.daily_balances", "accounting.daily_figures"} {
		require.NotEmpty(t, rows[table], table)
	}
	last := map[string]jobs.Progress{}
	same := func(why string, names ...string) {
		t.Helper()
		require.NoError(t, jobs.Rebuild(t.Context(), c.pool, names, func(p jobs.Progress) { last[p.Model] = p }))
		require.Equal(t, rows, jobstest.Rows(t, c.pool), why)
		require.Equal(t, making, made(t, c.pool), why)
	}
	same("nothing was wrong")
	for _, name := range jobs.ReadModels() {
		require.Equal(t, "done", last[name].Doing)
		require.Equal(t, last[name].All, last[name].Done)
		require.Positive(t, last[name].Done)
		require.Positive(t, last[name].Held)
		require.Zero(t, last[name].Unreadable)
	}
	_, err = c.pool.Exec(t.Context(), "truncate tracker.board, tracker.board_words, tracker.history, tracker.draws, tracker.draw_shares, accounting.daily_balances, accounting.daily_figures")
	require.NoError(t, err)
	same("everything was gone")
	_, err = c.pool.Exec(t.Context(), spoilt)
	require.NoError(t, err)
	same("much was wrong")
	_, err = c.pool.Exec(t.Context(), "truncate tracker.board, tracker.history, tracker.draws")
	require.NoError(t, err)
	same("one was gone", "tasks")
	require.Equal(t, jobsBefore, count(t, c.pool, "select count(*) from river.river_job"), "nothing more is to be done")
	require.Zero(t, count(t, c.pool, leftovers))
	require.Positive(t, count(t, c.pool, "select count(*) from log.changes where topics = '{*}'"), "open pages look again")
	require.ErrorContains(t, jobs.Rebuild(t.Context(), c.pool, []string{"weather"}, quietly), "there is no read model")
}

// TestARebuildIsInNobodysWay has people work and look while read models of which much is wrong are rebuilt.
func TestARebuildIsInNobodysWay(t *testing.T) {
	t.Parallel()
	c := busyCompany(t)
	jobstest.Work(t, c.bus)
	_, err := c.pool.Exec(t.Context(), spoilt)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	going := func(what string, do func() error) {
		group.Go(func() {
			// Busy people, who leave the machine something for the rebuild.
			pause := time.NewTicker(10 * time.Millisecond)
			defer pause.Stop()
			for ctx.Err() == nil {
				if err := do(); err != nil {
					t.Errorf("%s: %v", what, err)
					return
				}
				select {
				case <-pause.C:
				case <-ctx.Done():
				}
			}
		})
	}
	manager := domain.Request{By: jobstest.Manager()}
	q := dbsqlc.New(c.pool)
	var created []uuid.UUID
	going("work", func() error {
		create := &tracker.CreateTask{Request: manager, Description: "Task " + strconv.Itoa(len(created))}
		if err := c.bus.Do(t.Context(), create); err != nil {
			return err
		}
		if created = append(created, create.TaskID); len(created)%3 == 0 {
			return c.bus.Do(t.Context(), &tracker.ChangeTaskStatus{Request: manager, TaskID: created[len(created)-2], Status: tracker.Resolved})
		}
		return nil
	})
	going("draw", func() error { return c.bus.Do(t.Context(), &tracker.AssignTasks{Request: manager}) })
	going("look at the board", func() error {
		_, err := q.CountBoard(t.Context())
		return err
	})
	going("look at days", func() error {
		_, err := q.ListDailyBalances(t.Context(), dbsqlc.ListDailyBalancesParams{Worker: c.ann.ID, First: time.Time{}, Last: c.clock.now()})
		return err
	})
	for range 2 {
		require.NoError(t, jobs.Rebuild(t.Context(), c.pool, nil, quietly))
	}
	stop()
	group.Wait()
	c.idle()
	require.NotEmpty(t, created)
	jobstest.RequireSoundBooks(t, c.pool)
	results, err := jobs.Verify(t.Context(), c.pool, true)
	require.NoError(t, err)
	for _, r := range results {
		require.True(t, r.OK(), "%s: %v", r.Name, r.Examples)
	}
	rows := jobstest.Rows(t, c.pool)
	require.NoError(t, jobs.Rebuild(t.Context(), c.pool, nil, quietly))
	require.Equal(t, rows, jobstest.Rows(t, c.pool), "what jobs and rebuilds made together is what one rebuild makes")
}

// TestAnInterruptedRebuildLeavesEverythingAsItWas stops a rebuild, or ends its connection, at each of its steps.
func TestAnInterruptedRebuildLeavesEverythingAsItWas(t *testing.T) {
	t.Parallel()
	c := busyCompany(t)
	_, err := c.pool.Exec(t.Context(), spoilt)
	require.NoError(t, err)
	rows := jobstest.Rows(t, c.pool)
	var steps []string
	require.NoError(t, jobs.Rebuild(t.Context(), c.pool, []string{"tasks"}, func(p jobs.Progress) { steps = append(steps, p.Doing) }))
	right := jobstest.Rows(t, c.pool)
	require.NotEqual(t, rows, right)
	_, err = c.pool.Exec(t.Context(), "truncate tracker.board")
	require.NoError(t, err)
	rows = jobstest.Rows(t, c.pool)

	for i, step := range steps {
		if step == "done" {
			continue
		}
		for _, kill := range []bool{false, true} {
			ctx, stop := context.WithCancel(t.Context())
			n := 0
			err := jobs.Rebuild(ctx, c.pool, []string{"tasks"}, func(jobs.Progress) {
				if n == i && kill {
					// Whoever takes the lock of a rebuild has it for good, and not for a statement.
					_, err := c.pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
						and database = (select oid from pg_database where datname = current_database()) and (classid::bigint << 32 | objid::bigint) = hashtextextended('ates rebuild', 0)`)
					require.NoError(t, err)
				} else if n == i {
					stop()
				}
				n++
			})
			stop()
			require.Error(t, err, "%s, %t", step, kill)
			require.Equal(t, rows, jobstest.Rows(t, c.pool), "%s, %t", step, kill)
			require.Zero(t, count(t, c.pool, leftovers), "%s, %t", step, kill)
		}
	}
	require.NoError(t, jobs.Rebuild(t.Context(), c.pool, nil, quietly))
}
