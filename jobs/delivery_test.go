package jobs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// aDay lets some work be done: tasks created, drawn twice more, some resolved. Its jobs are left to whoever works.
func aDay(t testing.TB, bus *jobs.Bus) {
	t.Helper()
	// The sweep that comes at the start of work may come late, and opens the day.
	require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
	jobstest.Workers(t, bus, 4)
	by := domain.Request{By: jobstest.Manager()}
	tasks := jobstest.Tasks(t, bus, 20)
	for round := range 2 {
		require.NoError(t, bus.Do(t.Context(), &tracker.AssignTasks{Request: by}))
		for _, task := range tasks[round*4 : round*4+4] {
			require.NoError(t, bus.Do(t.Context(), &tracker.ChangeTaskStatus{Request: by, TaskID: task.TaskID, Status: tracker.Resolved}))
		}
		create := &tracker.CreateTask{Request: by, Description: "One more"}
		require.NoError(t, bus.Do(t.Context(), create))
	}
}

// second is another process's bus on the same database.
func second(t testing.TB, pool *pgxpool.Pool) *jobs.Bus {
	t.Helper()
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	return bus
}

// deliverAgain puts a new job for every reaction that was done, or every one of the named kinds, in random order, and returns how
// many. New jobs, since River writes down late and unfenced that a job is done: one that was made available again may be left out.
func deliverAgain(t testing.TB, pool *pgxpool.Pool, kinds ...string) int64 {
	t.Helper()
	tag, err := pool.Exec(t.Context(), `insert into river.river_job (kind, args, queue, max_attempts, scheduled_at)
		select kind, args, queue, max_attempts, now() - random() * interval '1 hour' from (
			select distinct kind, args, queue, max_attempts from river.river_job
			where state = 'completed' and case when $1::text[] is null then args ? 'batch' else kind = any($1) end) done`, kinds)
	require.NoError(t, err)
	return tag.RowsAffected()
}

func TestJobsDeliveredAgainChangeNothing(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	aDay(t, bus)
	jobstest.Work(t, bus)
	jobstest.Work(t, second(t, pool))
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	done := jobstest.Rows(t, pool)
	for range 2 {
		require.Greater(t, deliverAgain(t, pool), int64(20))
		jobstest.Idle(t, pool, patience)
		require.Equal(t, done, jobstest.Rows(t, pool))
	}
}

func TestTheOrderOfDeliveryDoesNotMatter(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	aDay(t, bus)
	// Charges before prices, rewards before charges, the board's rows from anywhere.
	_, err := pool.Exec(t.Context(), `update river.river_job set scheduled_at = now() - random() * interval '1 hour'`)
	require.NoError(t, err)
	jobstest.Work(t, bus)
	jobstest.Work(t, second(t, pool))
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)

	// The read models, emptied and filled again in other orders, end in the same rows.
	done := jobstest.Rows(t, pool)
	for _, order := range []string{"-id", "random()"} {
		_, err = pool.Exec(t.Context(), `truncate tracker.board, tracker.board_words, tracker.history, tracker.draws, tracker.draw_shares, accounting.daily_balances`)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), `insert into river.river_job (kind, args, queue, max_attempts)
			select kind, args, queue, max_attempts from river.river_job
			where state = 'completed' and kind in ('refresh_tasks', 'refresh_draws', 'refresh_daily_balances') order by `+order)
		require.NoError(t, err)
		jobstest.Idle(t, pool, patience)
		require.Equal(t, done, jobstest.Rows(t, pool), order)
	}
}

func TestAPressOverManyTasksMakesFewJobs(t *testing.T) {
	t.Parallel()
	const tasks = 1200
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 8)
	jobstest.Tasks(t, bus, tasks)
	before := count(t, pool, `select count(*) from river.river_job`)
	press := &tracker.AssignTasks{Request: domain.Request{By: jobstest.Manager()}}
	require.NoError(t, bus.Do(t.Context(), press))
	require.Greater(t, press.Reassigned, 1000)
	require.LessOrEqual(t, count(t, pool, `select count(*) from river.river_job`)-before, 8, "some hundreds of events a job, for each of two reactions, and two for the draw")

	jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	require.Equal(t, tasks+press.Reassigned, count(t, pool, `select count(*) from accounting.transfers`), "every event is booked, once")
	require.Equal(t, tasks+press.Reassigned, count(t, pool, `select count(distinct event) from accounting.transfers`))
	require.LessOrEqual(t, count(t, pool, `select count(*) from river.river_job where kind = 'refresh_daily_balances'`), 6)
}

// A bad event among good ones is left over alone, with a reason that an admin understands.
func TestABadEventHarmsNoOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version int
		data    string // of the bad event, over that of a good one
		reason  string
	}{
		"unknown version":               {99, `{}`, "Task.Assigned.v99 is not known to this version of the program"},
		"no such value":                 {1, `{"assignee": "nobody"}`, "assignee: 'nobody' is not valid uuid"},
		"wrong type":                    {1, `{"assignment": "first"}`, "assignment: got string, want integer"},
		"impossible value":              {1, `{"assignment": -1}`, "assignment: minimum: got -1, want 1"},
		"what the database will not do": {1, `{"assignment": 77}`, "not_seventy_seven"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus, pool := jobstest.Bus(t)
			jobstest.Workers(t, bus, 3)
			jobstest.Tasks(t, bus, 10)
			_, err := pool.Exec(t.Context(), `alter table accounting.transfers add constraint not_seventy_seven check (assignment <> 77)`)
			require.NoError(t, err)
			bad := slip(t, pool, c.version, c.data)

			jobstest.Work(t, bus)
			require.Eventually(t, func() bool {
				return count(t, pool, `select count(*) from river.river_job where state <> 'completed' and errors is null`) == 0
			}, patience, 20*time.Millisecond, "every job is done or has failed")

			require.Equal(t, 10, count(t, pool, `select count(*) from accounting.transfers`), "the others are booked")
			require.Equal(t, 10, count(t, pool, `select sum(entries) from accounting.daily_balances`))
			require.Equal(t, 10, count(t, pool, `select count(*) from tracker.history where name = 'Task.Assigned' and event <> $1`, bad.ID), "and shown")
			require.Zero(t, count(t, pool, `select count(*) from accounting.transfers where event = $1`, bad.ID))

			var state, reason string
			var first, last int64
			require.NoError(t, pool.QueryRow(t.Context(), `select state, errors[1]->>'error', (args->>'first')::bigint, (args->>'last')::bigint from river.river_job
				where kind = 'withdraw_money' and state <> 'completed'`).Scan(&state, &reason, &first, &last))
			require.Equal(t, []int64{bad.Position, bad.Position}, []int64{first, last}, "it has a job of its own")
			require.Contains(t, reason, c.reason)
			if c.reason != "not_seventy_seven" {
				require.Contains(t, reason, fmt.Sprintf("event %s (Task.Assigned version %d at position %d) cannot be read", bad.ID, c.version, bad.Position))
			}
			require.NotContains(t, []string{"cancelled", "discarded"}, state, "it is tried again, in case the program learns to read it")
		})
	}
}

// slip puts a bad Task.Assigned into the log, at the end of the last batch and within the range of its jobs.
func slip(t testing.TB, pool *pgxpool.Pool, version int, data string) event {
	t.Helper()
	good := readLog(t, pool, "Task.Assigned")
	bad := good[len(good)-1]
	bad.ID = uuid.New()
	require.NoError(t, pool.QueryRow(t.Context(), `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version,
			correlation_id, causation_id, data)
		select $2, batch, name, $3, occurred_at, producer, gen_random_uuid(), 1, correlation_id, causation_id, data || $4
		from log.events where id = $1 returning position`, good[len(good)-1].ID, bad.ID, version, data).Scan(&bad.Position))
	tag, err := pool.Exec(t.Context(), `update river.river_job set args = jsonb_set(args, '{last}', to_jsonb($1::bigint))
		where kind in ('withdraw_money', 'refresh_tasks')`, bad.Position)
	require.NoError(t, err)
	require.EqualValues(t, 2, tag.RowsAffected())
	return bad
}

// A worker that hangs inside its transaction loses its job to another, and may wake up at any time after that.
func TestAJobThatWasTakenOverHasOneEffect(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct{ hold, effects string }{
		"refresh_tasks":  {`insert into tracker.board (task) values ($1)`, `select count(*) from log.changes where 'tasks/' || $1::uuid = any(topics)`},
		"withdraw_money": {`insert into accounting.tasks (id, unit, fee, reward, priced_at) values ($1, 1, 10, 20, now())`, `select count(*) from log.events where name = 'Account.BalanceChanged' and data->>'task_id' = $1::uuid::text`},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			bus, pool := jobstest.Bus(t)
			jobstest.Workers(t, bus, 1)
			task := jobstest.Tasks(t, bus, 1)[0].TaskID
			_, err := pool.Exec(t.Context(), `update river.river_job set state = 'pending' where kind <> $1`, kind)
			require.NoError(t, err)

			// Somebody is in the way of the job's work.
			hold, err := pool.Begin(t.Context())
			require.NoError(t, err)
			defer hold.Rollback(t.Context())
			_, err = hold.Exec(t.Context(), c.hold, task)
			require.NoError(t, err)
			inside := func(attempt, workers int) {
				t.Helper()
				require.Eventually(t, func() bool {
					return count(t, pool, `select count(*) from river.river_job where kind = $1 and state = 'running' and attempt = $2`, kind, attempt) == 1 &&
						count(t, pool, `select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'`) == workers
				}, patience, 10*time.Millisecond)
			}

			// One of two processes works on it and hangs; then the job is rescued, and given away again.
			stopFirst, stopSecond := jobstest.Work(t, bus), jobstest.Work(t, second(t, pool))
			inside(1, 1)
			_, err = pool.Exec(t.Context(), `update river.river_job set state = 'available', scheduled_at = now() where kind = $1`, kind)
			require.NoError(t, err)
			inside(2, 2)

			// Both runs go on at once.
			require.NoError(t, hold.Rollback(t.Context()))
			require.Eventually(t, func() bool {
				return count(t, pool, `select count(*) from river.river_job where kind = $1 and state = 'completed'`, kind) == 1
			}, patience, 20*time.Millisecond, "the job is done in the end")
			stopFirst()
			stopSecond()
			require.Equal(t, 1, count(t, pool, c.effects, task), "and has had one effect")
		})
	}
}
