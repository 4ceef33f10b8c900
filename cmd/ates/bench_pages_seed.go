package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
)

// pagesDays is how many closed days the company of the pages looks back on.
const pagesDays = 89

// The past of the company of the pages, as one row for each thing that happened, and from these the rows that the program would have
// written. All go through the constraints and triggers of the database, and what they say together is verified afterwards.
// What begins with $ is written into the text.
const (
	// One task in twenty stays open.
	pagesTasks = `create temp table past_tasks on commit drop as
		select n, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
			$first + interval '9 hours' + (n::float8 / $tasks) * ($days - 4) * interval '1 day' as created,
			(array['Oil', 'Count', 'Repair', 'Translate', 'Polish', 'Order'])[1 + n % 6] || ' ' ||
			(array['the perch', 'the sunflower seeds', 'the server room', 'the crackers contract', 'the mirror'])[1 + n % 5] || ' of nest ' || n % 997 as description,
			1000 + 100 * (n % 11) as fee, 2000 + 100 * (n % 21) as reward,
			greatest(1, $moves - 2 + n % 5) as assignments, n % 20 <> 0 as resolved, (n % $workers)::int as creator
		from generate_series(1, $tasks) n`
	pagesSteps = `create temp table past_steps on commit drop as
		select t.n, t.id as task, k, k > t.assignments as resolves, least(k, t.assignments) as assignment,
			w.ids[1 + abs(hashint8(t.n * 1000 + least(k, t.assignments))::bigint) % $workers] as worker,
			w.ids[1 + abs(hashint8(t.n * 1000 + k - 1)::bigint) % $workers] as previous,
			x.at, t.fee, t.reward, case when k between 2 and t.assignments then ('01900000-0000-7000-8010-' || lpad(to_hex((extract(epoch from x.at) / 3600)::bigint), 12, '0'))::uuid end as draw,
			('01900000-0000-7000-8001-' || lpad(to_hex(t.n * 100 + k), 12, '0'))::uuid as event
		from past_tasks t cross join lateral generate_series(1, t.assignments + t.resolved::int) k cross join lateral (select t.created + (k - 1) * interval '$step' as at) x
		cross join (select array_agg(id order by id) as ids from tracker.people where role = 'worker') w`
	pagesTracker = `insert into tracker.tasks (id, description, status, assignee, assignment, version, created_by, created_at, resolved_by, resolved_at)
		select t.id, t.description, case when s.resolves then 'resolved' else 'open' end, s.worker, s.assignment, s.k + 1, $manager, t.created,
			case when s.resolves then s.worker end, case when s.resolves then s.at end
		from past_tasks t join lateral (select * from past_steps s where s.n = t.n order by k desc limit 1) s on true order by t.n`
	pagesEvents = `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data)
		select e.id, coalesce(e.draw, e.id), e.name, 1, e.at, e.producer, e.task, e.version, $manager, coalesce(e.draw, e.id), coalesce(e.draw, e.id), e.data from (
			select ('01900000-0000-7000-8002-' || lpad(to_hex(t.n), 12, '0'))::uuid as id, 'Task.Created' as name, t.created as at, 'tracker' as producer, t.id as task, 1 as version, null::uuid as draw,
				jsonb_build_object('task_id', t.id, 'number', x.number, 'description', t.description, 'created_by', $manager, 'created_at', t.created) as data
			from past_tasks t join tracker.tasks x on x.id = t.id
			union all
			select ('01900000-0000-7000-8003-' || lpad(to_hex(t.n), 12, '0'))::uuid, 'Task.Priced', t.created, 'accounting', t.id, 1, null,
				jsonb_build_object('task_id', t.id, 'fee', t.fee, 'reward', t.reward) from past_tasks t
			union all
			select s.event, case when s.resolves then 'Task.Resolved' else 'Task.Assigned' end, s.at, 'tracker', s.task, s.k + 1, s.draw,
				case when s.resolves then jsonb_build_object('task_id', s.task, 'assignee', s.worker, 'assignment', s.assignment, 'resolved_by', s.worker, 'resolved_at', s.at)
				else jsonb_build_object('task_id', s.task, 'assignee', s.worker, 'assignment', s.assignment, 'previous', case when s.k > 1 then s.previous end) end
			from past_steps s
		) e order by e.at, e.version`
	pagesBoard = `insert into tracker.board (task, number, description, created_by, created_at, status, assignee, assignment, since, version, fee, reward)
		select x.id, x.number, x.description, x.created_by, x.created_at, x.status, x.assignee, x.assignment, s.at, x.version, t.fee, t.reward
		from tracker.tasks x join past_tasks t on t.id = x.id join past_steps s on s.n = t.n and s.k = x.version - 1 order by t.n`
	pagesWords   = `insert into tracker.board_words (task, words) select task, tracker.words_of(description) from tracker.board`
	pagesHistory = `insert into tracker.history (event, task, position, at, name, actor, assignee, previous, assignment, fee, reward, command)
		select e.id, subject, position, occurred_at, name, actor, (data ->> 'assignee')::uuid, (data ->> 'previous')::uuid, (data ->> 'assignment')::int,
			case when data ->> 'previous' is not null then t.fee else (data ->> 'fee')::bigint end, (data ->> 'reward')::bigint, correlation_id
		from log.events e join past_tasks t on t.id = e.subject order by position`
	pagesDraws = `insert into tracker.draws (command, drawn_by, drawn_at, moved, priced, fees)
		select command, $manager, min(at), count(*), count(*), sum(fee) from tracker.history where previous is not null group by command order by min(at)`
	pagesShares = `insert into tracker.draw_shares (command, worker, got, lost, fees)
		select command, worker, sum(got), sum(lost), sum(fee) from (
			select command, assignee as worker, 1 as got, 0 as lost, fee from tracker.history where previous is not null
			union all select command, previous, 0, 1, 0 from tracker.history where previous is not null
		) s group by command, worker order by command, worker`
	pagesPrices = `insert into accounting.tasks (id, number, description, unit, fee, reward, priced_at)
		select t.id, x.number, t.description, 100, t.fee, t.reward, t.created from past_tasks t join tracker.tasks x on x.id = t.id order by t.n`
	pagesWallets = `insert into accounting.accounts (id, kind, opened_at) select id, 'wallet', $first from tracker.people where role = 'worker' order by id on conflict do nothing`
	// The program has opened the first day by now.
	pagesClosed = `insert into accounting.days (day, begins, ends, status, begun_at, closed_at, complete)
		select d::date, d, d + interval '1 day', 'closed', d + interval '1 day 1 minute', d + interval '1 day 1 minute', true
		from generate_series($first, $first + ($days - 1) * interval '1 day', interval '1 day') d
		on conflict (day) do update set status = excluded.status, begun_at = excluded.begun_at, closed_at = excluded.closed_at, complete = true`
	pagesEnds = `create temp table past_days on commit drop as
		select day, ('01900000-0000-7000-8004-' || lpad(to_hex(day - date '2000-01-01'), 12, '0'))::uuid as subject from accounting.days where status = 'closed'`
	// What is positive at the end of a day is paid out: so far that is the highest that the sum of all days has been, if that is above zero.
	pagesCloses = `create temp table past_closes on commit drop as
		select wallet, day, fees, rewards, sum - highest as carried, highest - lag(highest, 1, 0) over (partition by wallet order by day) as payout,
			coalesce(lag(sum - highest) over (partition by wallet order by day), 0) as opening
		from (select *, greatest(0, max(sum) over (partition by wallet order by day)) as highest
			from (select a.id as wallet, d.day, coalesce(s.fees, 0) as fees, coalesce(s.rewards, 0) as rewards,
					sum(coalesce(s.rewards - s.fees, 0)) over (partition by a.id order by d.day) as sum
				from accounting.accounts a cross join accounting.days d
				left join (select worker, at::date as day, coalesce(sum(fee) filter (where not resolves), 0)::bigint as fees, coalesce(sum(reward) filter (where resolves), 0)::bigint as rewards
					from past_steps group by worker, at::date) s on s.worker = a.id and s.day = d.day
				where a.kind = 'wallet') sums) highs`
	// A close takes a version of the wallet also where it moves nothing.
	pagesMoves = `create temp table past_moves on commit drop as
		select m.*, row_number() over (partition by wallet order by day, rank, at, event) as version,
			sum(case kind when 'fee' then -amount when 'reward' then amount when 'reset' then -amount else 0 end) over (partition by wallet order by day, rank, at, event) as balance
		from (
			select worker as wallet, at::date as day, case when resolves then 'reward' else 'fee' end as kind, 1 as rank, case when resolves then reward else fee end::bigint as amount,
				task, assignment, at, event, case when resolves then 'Task.Resolved' else 'Task.Assigned' end as name, draw from past_steps
			union all
			select wallet, day, 'reset', 2, payout, null, null, day + interval '1 day 1 minute',
				('01900000-0000-7000-8004-' || lpad(to_hex(day - date '2000-01-01'), 12, '0'))::uuid, 'Day.Ended', null from past_closes
			union all
			select wallet, day, 'payout', 3, payout, null, null, day + interval '1 day 1 minute',
				('01900000-0000-7000-8004-' || lpad(to_hex(day - date '2000-01-01'), 12, '0'))::uuid, 'Day.Ended', null from past_closes where payout > 0
		) m`
	pagesDayEvents = `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		select e.id, e.id, e.name, 1, e.day + interval '1 day 1 minute', 'accounting', e.subject, e.version, e.subject, e.subject, e.data from (
			select d.subject as id, d.subject, d.day, 'Day.Ended' as name, 1 as version, jsonb_build_object('day', d.day, 'part', 1, 'parts', 1) as data from past_days d
			union all select ('01900000-0000-7000-8009-' || right(d.subject::text, 12))::uuid, d.subject, d.day, 'Day.Closed', 2, jsonb_build_object('day', d.day) from past_days d
		) e order by e.day, e.version`
	// What Accounting told of each move.
	pagesMoneyEvents = `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data)
		select e.id, e.id, e.name, 1, e.at, 'accounting', e.wallet, e.version, case when e.task is not null then $manager end, coalesce(e.draw, e.event), e.event, e.data from (
			select ('01900000-0000-7000-8006-' || lpad(to_hex(row_number() over (order by m.at, m.wallet, m.version)), 12, '0'))::uuid as id,
				case m.kind when 'reset' then 'Account.BalanceReset' when 'payout' then 'Account.PayoutCommitted' else 'Account.BalanceChanged' end as name,
				m.at + interval '20 milliseconds' as at, m.wallet, m.version, m.task, m.draw, m.event,
				case m.kind when 'reset' then jsonb_build_object('user_id', m.wallet, 'day', m.day, 'opening', c.opening, 'fees', c.fees, 'rewards', c.rewards, 'amount', c.payout, 'carried_over', c.carried)
				when 'payout' then jsonb_build_object('user_id', m.wallet, 'day', m.day, 'amount', m.amount)
				else jsonb_build_object('user_id', m.wallet, 'kind', m.kind, 'money_diff', case m.kind when 'fee' then -m.amount else m.amount end, 'balance', m.balance,
					'task_id', m.task, 'assignment', m.assignment, 'day', m.day, 'occurred_at', m.at) end as data
			from past_moves m left join past_closes c on c.wallet = m.wallet and c.day = m.day
		) e order by e.at, e.wallet, e.version`
	pagesTransfers = `insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, task, assignment, day, occurred_at, booked_at, event, event_name, correlation, actor)
		select kind, case kind when 'reward' then $expense when 'payout' then $pending else wallet end,
			case kind when 'fee' then $income when 'reward' then wallet when 'reset' then $pending else $cash end,
			amount, wallet, version, balance, task, assignment, day, at, at + interval '20 milliseconds', event, name, coalesce(draw, event), case when task is not null then $manager end
		from past_moves m where amount > 0 order by m.day, m.rank, m.at, m.wallet`
	pagesClosings = `insert into accounting.closings (wallet, day, opening, fees, rewards, payout, carried, version)
		select c.wallet, c.day, c.opening, c.fees, c.rewards, c.payout, c.carried, m.version
		from past_closes c join past_moves m on m.wallet = c.wallet and m.day = c.day and m.kind = 'reset' order by c.wallet, c.day`
	pagesBalances = `update accounting.accounts a set balance = m.balance, version = m.version
		from (select distinct on (wallet) wallet, balance, version from past_moves order by wallet, version desc) m where m.wallet = a.id`
	pagesDaily = `insert into accounting.daily_balances (worker, day, fees, rewards, payout, paid, entries, closed, version)
		select m.wallet, m.day, coalesce(sum(amount) filter (where kind = 'fee'), 0), coalesce(sum(amount) filter (where kind = 'reward'), 0), coalesce(sum(amount) filter (where kind = 'reset'), 0),
			coalesce(sum(amount) filter (where kind = 'payout'), 0), count(*) filter (where amount > 0), true, max(version)
		from past_moves m group by m.wallet, m.day order by m.day, m.wallet`
	pagesFigures = `insert into accounting.daily_figures (day, fees, rewards, below_zero, dearest_task, dearest_reward, dearest_at)
		select d.day, d.fees, d.rewards, (select count(*) from past_closes c where c.day = d.day and c.carried < 0), t.task, t.amount, t.at
		from (select day, sum(fees) as fees, sum(rewards) as rewards from past_closes group by day) d
		left join lateral (select task, amount, at from past_moves m where m.day = d.day and m.kind = 'reward' order by amount desc, at, task limit 1) t on true`
	pagesMessages = `insert into accounting.messages (cause, channel, person, day, opening, fees, rewards, payout, carried, state, noted_at, since)
		select ('01900000-0000-7000-8005-' || lpad(to_hex(row_number() over (order by day, wallet)), 12, '0'))::uuid, 'mail', wallet, day, opening, fees, rewards, payout, carried, 'kept',
			day + interval '1 day 1 minute', day + interval '1 day 1 minute' from past_closes order by day, wallet`
	// They can be listed, and have no way to sign in.
	pagesAccounts = `insert into auth.accounts (id, login, name, email, role, status, version, created_at, updated_at)
		select p.id, 'staff-' || row_number() over (order by p.id), p.name, p.id || '@bench.example', p.role, 'active', p.version, $first, $first
		from tracker.people p where not exists (select from auth.accounts a where a.id = p.id)`
)

// pagesNow is the moment at which the pages are looked at.
var pagesNow = benchDay.Add(15 * time.Hour)

// pagesFirst is the first day of that company.
var pagesFirst = benchDay.AddDate(0, 0, -pagesDays)

// fillPast gives a company in an empty database, at the beginning of its first day, a past of set-based SQL, and on top of it an hour of today
// by the real commands and jobs, with one draw of all open tasks.
func fillPast(ctx context.Context, company *benchCompany, size benchSize) error {
	begun := time.Now()
	const patience = 20 * time.Minute
	if _, err := seedPeople(ctx, company.pool, company.bus); err != nil {
		return err
	}
	if err := company.bus.Do(ctx, hire(size.Staff)); err != nil {
		return fmt.Errorf("hire workers: %w", err)
	}
	if err := company.idle(ctx, patience); err != nil {
		return err
	}
	by, err := auth.FindPersonByLogin(ctx, company.pool, "manager")
	if err != nil {
		return fmt.Errorf("find the manager: %w", err)
	}
	manager := domain.Request{By: by.Actor()}
	if err := writePast(ctx, company.pool, by.ID, size); err != nil {
		return err
	}
	// Without statistics of what has just been written, the plans of the jobs below would be those for empty tables.
	if _, err := company.pool.Exec(ctx, "vacuum analyze"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	now := pagesNow
	company.now.Store(&now)
	today := []domain.Command{jobs.CloseDay(benchBooks()), &tracker.AssignTasks{Request: manager}}
	for n := range 20 {
		today = append(today, &tracker.CreateTask{Request: manager, Description: description(n)})
	}
	for _, cmd := range today {
		if err := company.bus.Do(ctx, cmd); err != nil {
			return fmt.Errorf("live through today: %w", err)
		}
	}
	if err := company.idle(ctx, patience); err != nil {
		return err
	}
	// The page for operations shows what was found; whoever measures needs to know it now.
	if err := company.bus.Do(ctx, jobs.VerifyBooks()); err != nil {
		return fmt.Errorf("verify the books: %w", err)
	}
	var sound bool
	if err := company.pool.QueryRow(ctx, "select sound from log.verifications order by id desc limit 1").Scan(&sound); err != nil {
		return fmt.Errorf("verify the books: %w", err)
	}
	if !sound {
		return requireSound(ctx, company.pool)
	}
	slog.InfoContext(ctx, "filled the past", "tasks", size.Tasks, "entries", size.Ledger, "workers", size.Staff, "took", time.Since(begun).Round(time.Second))
	return nil
}

// writePast writes the past, all of it or nothing.
func writePast(ctx context.Context, pool *pgxpool.Pool, manager uuid.UUID, size benchSize) error {
	var workers int
	if err := pool.QueryRow(ctx, "select count(*) from tracker.people where role = 'worker'").Scan(&workers); err != nil {
		return fmt.Errorf("count workers: %w", err)
	}
	moves := max(1, size.Ledger/size.Tasks-1)
	step := 72 * time.Hour / time.Duration(moves+3)
	values := strings.NewReplacer("$first", "timestamptz '"+pagesFirst.Format(time.RFC3339)+"'", "$days", fmt.Sprint(pagesDays), "$tasks", fmt.Sprint(size.Tasks),
		"$moves", fmt.Sprint(moves), "$step", fmt.Sprintf("%d seconds", int(step.Seconds())), "$workers", fmt.Sprint(workers), "$manager", "uuid '"+manager.String()+"'",
		"$income", "uuid '00000000-0000-0000-0000-000000000001'", "$expense", "uuid '00000000-0000-0000-0000-000000000002'",
		"$pending", "uuid '00000000-0000-0000-0000-000000000003'", "$cash", "uuid '00000000-0000-0000-0000-000000000004'")
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local timezone = 'UTC'; set local work_mem = '256MB'"); err != nil {
			return err
		}
		for _, sql := range []string{
			pagesTasks, pagesSteps, "create unique index on past_steps (n, k)", "analyze past_tasks", "analyze past_steps", pagesTracker, "analyze tracker.tasks", pagesEvents, pagesBoard, pagesWords, pagesHistory, pagesDraws, pagesShares,
			pagesPrices, pagesWallets, pagesClosed, pagesEnds, pagesDayEvents, pagesCloses, pagesMoves, "create index on past_moves (day, kind)", "analyze past_closes", "analyze past_moves",
			pagesMoneyEvents, pagesTransfers, pagesClosings, pagesBalances, pagesDaily, pagesFigures, pagesMessages, pagesAccounts,
		} {
			begun := time.Now()
			if _, err := tx.Exec(ctx, values.Replace(sql)); err != nil {
				return fmt.Errorf("write the past: %.60s: %w", sql, err)
			}
			slog.DebugContext(ctx, "past", "statement", fmt.Sprintf("%.40s", sql), "took", time.Since(begun))
		}
		return nil
	})
}
