-- name: RefreshDailyBalances :exec
-- Works the workers' days out anew from the ledger. One row a worker and day. Of two refreshes at once the one that saw
-- more of the ledger wins, since a wallet's versions are committed in their order. Days are ranges for the reason that
-- ResetBalances gives.
insert into accounting.daily_balances as d (worker, day, fees, rewards, payout, paid, entries, closed, version)
select asked.worker, asked.day, s.fees, s.rewards, s.payout, s.paid, s.entries, c.day is not null, greatest(s.version, c.version, 0)
from (select unnest(@workers::uuid[]) as worker, unnest(@days::date[]) as day) asked
cross join lateral (
    select coalesce(sum(t.amount) filter (where t.kind = 'fee'), 0)::bigint as fees,
           coalesce(sum(t.amount) filter (where t.kind = 'reward'), 0)::bigint as rewards,
           coalesce(sum(t.amount) filter (where t.kind = 'reset'), 0)::bigint as payout,
           coalesce(sum(t.amount) filter (where t.kind = 'payout'), 0)::bigint as paid,
           count(*) as entries, max(t.version) as version
    from accounting.transfers t where t.wallet = asked.worker and t.day between asked.day and asked.day
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
select s.id, s.kind, s.amount, s.task, t.number, coalesce(t.jira_id, '')::text as jira_id, t.description, s.assignment, s.day, s.occurred_at, s.event, s.actor, coalesce(a.name, '')::text as actor_name,
       (accounting.opening(s.wallet, s.day) + (
           select sum(case x.kind when 'reward' then x.amount when 'payout' then 0 else -x.amount end)
           from accounting.transfers x where x.wallet = s.wallet and x.day = s.day and x.id <= s.id
       ))::bigint as balance
from accounting.transfers s
left join accounting.tasks t on t.id = s.task
left join accounting.people a on a.id = s.actor
where s.wallet = @worker and s.kind <> 'payout' and (s.day, s.id) < (@before_day::date, @before_id::bigint)
order by s.day desc, s.id desc
limit @rows;

-- name: ListPayoutsOf :many
-- The days of a worker that left something to be paid, of those given: how much, when it left the books, in which booking, and in
-- which bank file, where it was one.
select r.day, r.amount, p.booked_at as paid_at, p.id as booking, f.message_id as bank_file
from accounting.transfers r
left join accounting.transfers p on p.kind = 'payout' and p.wallet = r.wallet and p.day = r.day
left join accounting.payout_files f on f.day = r.day and f.written_at = p.booked_at
where r.kind = 'reset' and r.wallet = @worker and r.day = any(@days::date[])
order by r.day desc;

-- name: LastPayoutDay :one
-- The last day before another for which a worker had something paid out. No row: there was none.
select day from accounting.daily_balances where worker = @worker and payout > 0 and day < @before order by day desc limit 1;

-- name: ListDebts :many
-- Since which day a worker owes what they owe at the beginning of each of some days: the first close of an unbroken row below zero.
-- No row for a day before which nothing was carried.
select asked.day::date as day, min(c.day)::date as since
from unnest(@days::date[]) as asked (day)
join accounting.closings c on c.wallet = @worker and c.day < asked.day and c.carried < 0
  and c.day > coalesce((select max(z.day) from accounting.closings z where z.wallet = @worker and z.day < asked.day and z.carried = 0), '-infinity')
group by asked.day order by asked.day;
