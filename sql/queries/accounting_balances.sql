-- name: RefreshDailyBalances :exec
-- Works the workers' days out anew from the ledger. One row a worker and day. Of two refreshes at once the one that saw
-- more of the ledger wins, since a wallet's versions are committed in their order. A day is compared as a range, of which the planner
-- supposes some of every table, since of one as young as this its statistics know nothing, and by the day it would read all of its rows for
-- each worker. Worker and day compared as one would have it choose among all indexes that begin with the worker.
insert into accounting.daily_balances as d (worker, day, fees, rewards, payout, paid, entries, closed, version)
select asked.worker, asked.day, s.fees, s.rewards, s.payout, s.paid, s.entries, c.day is not null, greatest(s.version, c.version, 0)
from (select unnest(@workers::uuid[]) as worker, unnest(@days::date[]) as day) asked
cross join lateral (
    select coalesce(sum(t.amount) filter (where t.kind = 'fee'), 0)::bigint as fees,
           coalesce(sum(t.amount) filter (where t.kind = 'reward'), 0)::bigint as rewards,
           coalesce(sum(t.amount) filter (where t.kind = 'reset'), 0)::bigint as payout,
           coalesce(sum(t.amount) filter (where t.kind = 'payout'), 0)::bigint as paid,
           count(*) as entries, max(t.version) as version
    from accounting.transfers t where t.wallet = asked.worker and t.day >= asked.day and t.day <= asked.day
) s
left join accounting.closings c on c.wallet = asked.worker and c.day >= asked.day and c.day <= asked.day
order by asked.worker, asked.day
on conflict (worker, day) do update set fees = excluded.fees, rewards = excluded.rewards, payout = excluded.payout, paid = excluded.paid,
    entries = excluded.entries, closed = excluded.closed, version = excluded.version
where excluded.version > d.version;

-- name: ListDailyBalances :many
-- A worker's days from first to last, both included, newest first, with the balance at the end of each.
with days as (
    select day, fees, rewards, payout, paid, closed, sum(rewards - fees - payout) over (order by day)::bigint as closing
    from accounting.daily_balances where worker = @worker
)
select day, fees, rewards, payout, paid, closed, closing from days where day >= @first and day <= @last order by day desc;

-- name: ListStatement :many
-- A page of a worker's ledger, newest day first and newest entry first in it, from just below the given day and entry. balance is
-- the worker's after the entry, counted in that order: what is paid out for a day comes last in it, though later days had begun.
select s.id, s.kind, s.amount, s.task, t.number, t.description, s.assignment, s.day, s.occurred_at, s.event,
       (accounting.opening(s.wallet, s.day) + (
           select sum(case x.kind when 'reward' then x.amount when 'payout' then 0 else -x.amount end)
           from accounting.transfers x where x.wallet = s.wallet and x.day = s.day and x.id <= s.id
       ))::bigint as balance
from accounting.transfers s left join accounting.tasks t on t.id = s.task
where s.wallet = @worker and s.kind <> 'payout' and (s.day, s.id) < (@before_day::date, @before_id::bigint)
order by s.day desc, s.id desc
limit @rows;
