package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain/auth"
)

// The ceiling of a draw: the statements that write what the program's draw writes, in one transaction. $at is the moment of the draw,
// $command its command, $draw its name and $by who asked for it. Ids of events count upwards, as in the floor of a close.
const (
	drawnTasks = `create temp table drawn on commit drop as
		select d.*, row_number() over (order by d.id) as n, row_number() over (partition by d.assignee order by d.id) as nth,
			sum(d.fee) over (partition by d.assignee order by d.id) as charged,
			('01900000-0000-7000-8000-' || lpad(to_hex(row_number() over (order by d.id)), 12, '0'))::uuid as event,
			('01900000-0000-7000-8001-' || lpad(to_hex(row_number() over (order by d.id)), 12, '0'))::uuid as booking
		from (
			select t.id, t.assignee as previous, w.ids[1 + floor(random() * w.n)::int] as assignee, t.assignment + 1 as assignment, t.version + 1 as version, p.fee
			from tracker.tasks t join accounting.tasks p on p.id = t.id
			cross join (select array_agg(id) as ids, count(*)::int as n from tracker.people where role = 'worker' and active) w
			where t.status = 'open' offset 0
		) d where d.assignee <> d.previous`
	drawnCommand = `insert into log.commands (id, name, actor, input, outcome, request_id, occurred_at, done_at) values ($command, 'tracker.AssignTasks', $by, '{}', '{}', '', $at, $at)`
	drawnTracker = `update tracker.tasks t set assignee = d.assignee, assignment = d.assignment, version = d.version from drawn d where t.id = d.id`
	drawnLast    = `update tracker.last_draw set draw = $draw, drawn_by = $by, drawn_at = $at, reassigned = (select count(*) from drawn), kept = 0`
	drawnEvents  = `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		select event, $command, 'Task.Assigned', 1, $at, 'tracker', id, version, $command, $command,
			jsonb_build_object('task_id', id, 'assignee', assignee, 'previous', previous, 'assignment', assignment) from drawn
		union all
		select $draw, $command, 'Tasks.Drawn', 1, $at, 'tracker', $draw, 1, $command, $command, jsonb_build_object('draw_id', $draw, 'drawn_by', $by, 'drawn_at', $at,
			'open', count(*), 'workers', (select count(*) from tracker.people where role = 'worker' and active), 'reassigned', count(*), 'kept', 0) from drawn
		union all
		select d.booking, $command, 'Account.BalanceChanged', 1, $at, 'accounting', d.assignee, a.version + d.nth, $command, d.event,
			jsonb_build_object('user_id', d.assignee, 'kind', 'fee', 'money_diff', -d.fee, 'balance', a.balance - d.charged, 'task_id', d.id, 'assignment', d.assignment,
				'day', $day, 'occurred_at', $at)
		from drawn d join accounting.accounts a on a.id = d.assignee`
	// Three kinds of job for each 500 events, and one for the draw in the pages and one in messages.
	drawnJobs = `insert into river.river_job (kind, queue, args, max_attempts, state, attempt, attempted_at, finalized_at)
		select k.kind, k.queue, jsonb_build_object('batch', $command, 'first', part, 'last', part, 'names', array[k.name]), 25, 'completed'::river.river_job_state, 1, now(), now()
		from (values ('withdraw_money', 'money', 'Task.Assigned'), ('refresh_tasks', 'read_models', 'Task.Assigned'), ('refresh_daily_balances', 'read_models', 'Account.BalanceChanged')) k (kind, queue, name)
		cross join generate_series(0, (select count(*) from drawn) / 500) part
		union all select kind, queue, jsonb_build_object('batch', $command, 'first', 1, 'last', 1, 'names', array['Tasks.Drawn']), 25, 'completed'::river.river_job_state, 1, now(), now()
		from (values ('refresh_draws', 'read_models'), ('notify_draw', 'notifications')) k (kind, queue)`
	drawnRuns = `insert into log.runs (id, job, kind, queue, attempt, events, batch, first, last, correlation_id, occurred_at, began_at, ended_at)
		select gen_random_uuid(), id, kind, queue, 1, 500, $command, 1, 1, $command, $at, $at, $at from river.river_job where args ->> 'batch' = $command::text`
	drawnTransfers = `insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, task, assignment, day, occurred_at, booked_at, event, event_name, correlation)
		select 'fee', d.assignee, '00000000-0000-0000-0000-000000000001', d.fee, d.assignee, a.version + d.nth, a.balance - d.charged, d.id, d.assignment, $day, $at, $at,
			d.event, 'Task.Assigned', $command
		from drawn d join accounting.accounts a on a.id = d.assignee order by d.assignee, d.nth`
	drawnWallets = `update accounting.accounts a set balance = a.balance - s.fees, version = a.version + s.n
		from (select assignee, sum(fee) as fees, count(*) as n from drawn group by assignee) s where a.id = s.assignee`
	drawnBoard   = `update tracker.board b set assignee = d.assignee, assignment = d.assignment, since = $at, version = d.version from drawn d where b.task = d.id`
	drawnHistory = `insert into tracker.history (event, task, position, at, name, command, assignee, previous, assignment, fee)
		select d.event, d.id, e.position, $at, 'Task.Assigned', $command, d.assignee, d.previous, d.assignment, d.fee from drawn d join log.events e on e.id = d.event`
	drawnDraws = `insert into tracker.draws (command, draw, drawn_by, drawn_at, open, workers, reassigned, kept, moved, priced, fees)
		select $command, $draw, $by, $at, count(*), 0, count(*), 0, count(*), count(*), sum(fee) from drawn`
	drawnShares = `insert into tracker.draw_shares (command, worker, got, lost, fees)
		select $command, worker, sum(got), sum(lost), sum(fees) from (
			select assignee as worker, 1 as got, 0 as lost, fee as fees from drawn union all select previous, 0, 1, 0 from drawn
		) s group by worker`
	drawnTimes    = `insert into tracker.draw_times (command, shown_at) values ($command, $at)`
	drawnBalances = `insert into accounting.daily_balances as b (worker, day, fees, rewards, entries, version)
		select a.id, $day, s.fees, 0, s.n, a.version from (select assignee, sum(fee) as fees, count(*) as n from drawn group by assignee) s join accounting.accounts a on a.id = s.assignee
		on conflict (worker, day) do update set fees = b.fees + excluded.fees, entries = b.entries + excluded.entries, version = excluded.version`
	drawnFigures  = `update accounting.daily_figures set fees = fees + (select sum(fee) from drawn) where day = $day`
	drawnMessages = `insert into tracker.notifications (cause, channel, person, kind, actor, draw, given_count, taken_count, given, taken, fees, state, noted_at, since)
		select $draw, c.channel, d.person, 'tasks_drawn', $by, $draw, d.given_count, d.taken_count, d.given, d.taken, d.fees, c.state, $at, $at
		from (
			select person, count(*) filter (where given) as given_count, count(*) filter (where not given) as taken_count,
				coalesce((array_agg(task order by task) filter (where given))[1:20], '{}') as given, coalesce((array_agg(task order by task) filter (where not given))[1:20], '{}') as taken,
				sum(fee) filter (where given) as fees
			from (select assignee as person, true as given, id as task, fee from drawn union all select previous, false, id, null from drawn) m group by person
		) d cross join (values ('inbox', 'unread'), ('mail', 'kept')) c (channel, state)`
)

// drawBySQL draws without the program.
func (s *drawSeries) drawBySQL(ctx context.Context, db benchDatabase) (err error) {
	pool, err := connect(ctx, db.address)
	if err != nil {
		return err
	}
	defer pool.Close()
	values := strings.NewReplacer("$at", "timestamptz '"+benchDay.Add(13*time.Hour).Format(time.RFC3339)+"'", "$day", "date '"+benchDay.Format(time.DateOnly)+"'",
		"$command", "uuid '"+uuid.NewString()+"'", "$draw", "uuid '"+uuid.NewString()+"'", "$by", "uuid '"+auth.System.ID.String()+"'")
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	var moved int
	begun := time.Now()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{
			drawnTasks, "analyze drawn", drawnCommand, drawnTracker, drawnLast, drawnEvents, drawnJobs, drawnRuns, drawnTransfers, drawnWallets,
			drawnBoard, drawnHistory, drawnDraws, drawnShares, drawnTimes, drawnBalances, drawnFigures, drawnMessages,
		} {
			if _, err := tx.Exec(ctx, values.Replace(sql)); err != nil {
				return fmt.Errorf("%.60s: %w", sql, err)
			}
		}
		return tx.QueryRow(ctx, "select count(*) from drawn").Scan(&moved)
	})
	took := time.Since(begun)
	if err != nil {
		return err
	}
	if moved == 0 {
		return errors.New("no task was drawn for another worker")
	}
	s.ceiling = append(s.ceiling, float64(moved)/took.Seconds())
	return requireSound(ctx, pool)
}
