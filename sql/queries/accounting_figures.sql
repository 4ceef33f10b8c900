-- name: LockDailyFigures :exec
-- Makes whoever refreshes the figures of the same days do it one after the other, until the transaction ends.
insert into accounting.daily_figures (day) select distinct unnest(@days::date[]) as day order by day
on conflict (day) do update set day = excluded.day;

-- name: RefreshDailyFigures :exec
-- Works out anew what management had of the days, from the workers' days. The figures must be locked, by a statement before this
-- one, so that it sees what those before it have committed.
update accounting.daily_figures f set fees = s.fees, rewards = s.rewards, below_zero = s.below_zero
from (select distinct unnest(@days::date[]) as day) asked
cross join lateral (
    select coalesce(sum(b.fees), 0)::bigint as fees, coalesce(sum(b.rewards), 0)::bigint as rewards,
           (select count(*) from accounting.closings c where c.day = asked.day and c.carried < 0) as below_zero
    from accounting.daily_balances b where b.day = asked.day
) s
where f.day = asked.day;

-- name: KeepDearestTasks :exec
-- Lets tasks that were resolved in days be their most expensive ones, where they are: the highest reward, of those the one
-- resolved first. It does not matter in which order, or how often, the tasks come. The figures must be locked.
update accounting.daily_figures f set dearest_task = r.task, dearest_reward = r.reward, dearest_at = r.resolved_at
from (
    select distinct on (day) day, task, reward, resolved_at
    from (select unnest(@days::date[]) as day, unnest(@tasks::uuid[]) as task, unnest(@rewards::bigint[]) as reward, unnest(@resolved_at::timestamptz[]) as resolved_at) resolved
    order by day, reward desc, resolved_at, task
) r
where f.day = r.day and (f.dearest_task is null or (r.reward, f.dearest_at, f.dearest_task) > (f.dearest_reward, r.resolved_at, r.task));

-- name: FindBooksDays :one
-- The first business day of the books and the last that has been opened; today for both before the books were opened.
select coalesce(min(day), @today::date)::date as first, coalesce(max(day), @today::date)::date as last from accounting.days;

-- name: FindDayStatus :one
-- Whether a day is 'open', 'closing' or 'closed'. No row: nobody has opened it yet.
select status from accounting.days where day = @day;

-- name: ListWorkersOfDay :many
-- Every wallet there was before the end of a day, by name: what it opened with, what was charged, paid and paid out, and what
-- it was left with, or has now where the day is not closed for it. paid is the part of the payout that has been committed.
with wallets as (
    select w.id as worker, coalesce(p.name, '') as name, coalesce(c.opening, accounting.opening(w.id, @day)) as debt,
           coalesce(c.fees, d.fees, 0) as fees, coalesce(c.rewards, d.rewards, 0) as rewards, coalesce(c.payout, 0) as payout,
           coalesce(d.paid, 0) as paid, c.wallet is not null as closed
    from accounting.accounts w
    left join accounting.people p on p.id = w.id
    left join accounting.closings c on c.wallet = w.id and c.day = @day
    left join accounting.daily_balances d on d.worker = w.id and d.day = @day
    where w.kind = 'wallet' and w.opened_at < @ends
)
select worker, name, debt::bigint as opening, fees::bigint as fees, rewards::bigint as rewards, payout::bigint as payout,
       paid::bigint as paid, (debt - fees + rewards - payout)::bigint as closing, closed::boolean as closed
from wallets order by name, worker;

-- name: ListDailyFigures :many
-- The days from first to last, both included, in which something was booked, with their most expensive tasks, the oldest first.
select f.day, f.fees, f.rewards, f.below_zero, (d.day is not null)::boolean as closed, f.dearest_task, f.dearest_reward, t.number as dearest_number,
       coalesce(t.jira_id, '')::text as dearest_jira_id, coalesce(t.description, '')::text as dearest_description
from accounting.daily_figures f
left join accounting.days d on d.day = f.day and d.status = 'closed'
left join accounting.tasks t on t.id = f.dearest_task
where f.day >= @first and f.day <= @last order by f.day;

-- name: ListMonthlyFigures :many
-- What management had of each month from first to last, both included, in which something was booked, the oldest first.
select date_trunc('month', day)::date as month, sum(fees)::bigint as fees, sum(rewards)::bigint as rewards
from accounting.daily_figures where day >= @first and day <= @last group by 1 order by 1;

-- name: ListYearlyFigures :many
-- What management had of each year, the oldest first, with the last day in which something was booked.
select date_trunc('year', day)::date as year, max(day)::date as last_day, sum(fees)::bigint as fees, sum(rewards)::bigint as rewards
from accounting.daily_figures group by 1 order by 1;

-- name: FindDearestTask :one
-- The most expensive of the tasks that were resolved from first to last, both included. No row: none was.
select f.dearest_task::uuid as task, f.dearest_reward::bigint as reward, t.number, coalesce(t.jira_id, '')::text as jira_id,
       coalesce(t.description, '')::text as description
from accounting.daily_figures f left join accounting.tasks t on t.id = f.dearest_task
where f.day >= @first and f.day <= @last and f.dearest_task is not null
order by f.dearest_reward desc, f.dearest_at, f.dearest_task limit 1;

-- name: ListBelowZero :many
-- The workers whose balance is below zero now, the lowest first.
select w.id as worker, coalesce(p.name, '') as name, w.balance
from accounting.accounts w left join accounting.people p on p.id = w.id
where w.kind = 'wallet' and w.balance < 0 order by w.balance, w.id;
