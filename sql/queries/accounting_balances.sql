-- name: RefreshDailyBalances :exec
-- Works the workers' days out anew from the ledger. One row a worker and day. Of two refreshes at once the one that saw
-- more of the ledger wins, since a wallet's versions are committed in their order.
insert into accounting.daily_balances as d (worker, day, fees, rewards, entries, version)
select t.wallet, t.day,
       coalesce(sum(t.amount) filter (where t.kind = 'fee'), 0)::bigint,
       coalesce(sum(t.amount) filter (where t.kind = 'reward'), 0)::bigint,
       count(*), max(t.version)
from accounting.transfers t
join (select unnest(@workers::uuid[]) as worker, unnest(@days::date[]) as day) asked on t.wallet = asked.worker and t.day = asked.day
group by t.wallet, t.day
order by t.wallet, t.day
on conflict (worker, day) do update set fees = excluded.fees, rewards = excluded.rewards, entries = excluded.entries,
    version = excluded.version
where excluded.version > d.version;

-- name: ListDailyBalances :many
-- A worker's days from first to last, both included, newest first, with the balance at the end of each.
with days as (
    select day, fees, rewards, sum(rewards - fees) over (order by day)::bigint as closing
    from accounting.daily_balances where worker = @worker
)
select day, fees, rewards, closing from days where day >= @first and day <= @last order by day desc;

-- name: BalanceAfter :one
-- A worker's balance at the end of the last day that is before day, 0 when there is none.
select coalesce(sum(rewards - fees), 0)::bigint from accounting.daily_balances where worker = @worker and day < @day;

-- name: ListStatement :many
-- A page of a worker's ledger, newest day first and newest entry first in it, from just below the given day and version.
select s.kind, s.amount, s.version, s.balance, s.task, t.number, t.description, s.assignment, s.day, s.occurred_at, s.event
from accounting.transfers s join accounting.tasks t on t.id = s.task
where s.wallet = @worker and (s.day, s.version) < (@before_day::date, @before_version::bigint)
order by s.day desc, s.version desc
limit @rows;
