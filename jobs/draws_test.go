package jobs_test

import (
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

// press draws all open tasks.
func press(t testing.TB, bus *jobs.Bus) *tracker.AssignTasks {
	t.Helper()
	cmd := &tracker.AssignTasks{Request: domain.Request{By: jobstest.Manager()}}
	require.NoError(t, bus.Do(t.Context(), cmd))
	return cmd
}

// requireDraws requires that the read model of draws says what the log and the prices do.
func requireDraws(t testing.TB, pool *pgxpool.Pool, draws int) {
	t.Helper()
	require.Equal(t, draws, count(t, pool, `select count(*) from tracker.draws where draw is not null`))
	const moves = `with moves as (
		select e.correlation_id as command, (e.data->>'assignee')::uuid as got, (e.data->>'previous')::uuid as lost, a.fee
		from log.events e join accounting.tasks a on a.id = e.subject
		where e.name = 'Task.Assigned' and e.data->>'previous' is not null) `
	require.Zero(t, count(t, pool, moves+`select count(*) from log.events e
		full join tracker.draws d on d.draw = e.subject
		left join (select command, count(*) as moved, sum(fee) as fees from moves group by command) m on m.command = e.correlation_id
		where (e.name = 'Tasks.Drawn' or e.name is null)
			and (d.command, d.drawn_by, d.drawn_at, d.open, d.workers, d.reassigned, d.kept, d.moved, d.priced, d.fees)
			is distinct from (e.correlation_id, e.actor, e.occurred_at, (e.data->>'open')::int, (e.data->>'workers')::int, (e.data->>'reassigned')::int, (e.data->>'kept')::int,
				coalesce(m.moved, 0)::int, coalesce(m.moved, 0)::int, coalesce(m.fees, 0)::bigint)`))
	require.Zero(t, count(t, pool, moves+`select count(*) from (
			select command, worker, sum(got)::int as got, sum(lost)::int as lost, sum(fees)::bigint as fees from (
				select command, got as worker, 1 as got, 0 as lost, fee as fees from moves union all select command, lost, 0, 1, 0 from moves
			) x group by command, worker
		) told full join tracker.draw_shares s using (command, worker)
		where (told.got, told.lost, told.fees) is distinct from (s.got, s.lost, s.fees)`))
	require.Equal(t, draws, count(t, pool, `select count(*) from tracker.draw_times x join tracker.draws d using (command) where x.shown_at >= d.drawn_at`),
		"each draw was complete at some time")
}

// TestDrawsComeOutTheSameHoweverTheirEventsCome has draws worked on, then from nothing again, each event by a job of its own and in
// random order, by two processes; and then once more on top.
func TestDrawsComeOutTheSameHoweverTheirEventsCome(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	// The sweep that comes at the start of work may come late, and opens the day.
	require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
	jobstest.Workers(t, bus, 4)
	jobstest.Tasks(t, bus, 25)
	const draws = 3
	for range draws {
		press(t, bus)
	}
	jobstest.Work(t, bus)
	jobstest.Work(t, second(t, pool))
	jobstest.Idle(t, pool, patience)
	requireDraws(t, pool, draws)

	done := jobstest.Rows(t, pool)
	_, err := pool.Exec(t.Context(), `truncate tracker.board, tracker.history, tracker.draws, tracker.draw_shares`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `insert into river.river_job (kind, args, queue, max_attempts, scheduled_at)
		select j.kind, jsonb_build_object('batch', e.batch, 'first', e.position, 'last', e.position), j.queue, j.max_attempts, now() - random() * interval '1 hour'
		from river.river_job j
		join log.events e on e.batch = (j.args->>'batch')::uuid and e.position between (j.args->>'first')::bigint and (j.args->>'last')::bigint
		where j.kind = 'refresh_tasks' and e.name like 'Task.%' or j.kind = 'refresh_draws' and e.name = 'Tasks.Drawn'`)
	require.NoError(t, err)
	jobstest.Idle(t, pool, patience)
	require.Equal(t, done, jobstest.Rows(t, pool), "from nothing")

	require.Positive(t, deliverAgain(t, pool, "refresh_tasks", "refresh_draws"))
	jobstest.Idle(t, pool, patience)
	require.Equal(t, done, jobstest.Rows(t, pool), "a second time")
}

func TestAPriceThatComesAfterTheDrawIsAddedToIt(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 2)
	jobstest.Tasks(t, bus, 12)
	drawn := press(t, bus)
	for drawn.Reassigned == 0 {
		drawn = press(t, bus)
	}
	_, err := pool.Exec(t.Context(), `update river.river_job set state = 'pending' where kind in ('price_tasks', 'withdraw_money')`)
	require.NoError(t, err)
	jobstest.Work(t, bus)
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from tracker.draws where draw = $1 and moved = reassigned`, drawn.DrawID) == 1
	}, patience, 10*time.Millisecond)
	require.Zero(t, count(t, pool, `select sum(priced) + sum(fees) from tracker.draws`))

	_, err = pool.Exec(t.Context(), `update river.river_job set state = 'available', scheduled_at = now() where state = 'pending'`)
	require.NoError(t, err)
	jobstest.Idle(t, pool, patience)
	requireDraws(t, pool, count(t, pool, `select count(*) from log.events where name = 'Tasks.Drawn'`))
}

func TestPagesOfADrawHearOfIt(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 2)
	jobstest.Tasks(t, bus, 20)
	jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)
	drawn := press(t, bus)
	jobstest.Idle(t, pool, patience)
	var command uuid.UUID
	require.NoError(t, pool.QueryRow(t.Context(), `select command from tracker.draws where draw = $1`, drawn.DrawID).Scan(&command))
	require.Equal(t, 2, count(t, pool, `select count(*) from log.changes where $1 = any(topics)`, "draws/"+command.String()),
		"once by the draw itself and once by what it moved")
}
