-- name: RefreshDailyBalances :exec
-- Works the workers' days out anew from the ledger. One row a worker and day. Of two refreshes at once the one that saw
-- more of the ledger wins, since a wallet's versions are committed in their order.
insert into accounting.daily_balances as d (worker, day, fees, rewards, entries, closing, version)
select t.wallet, t.day,
       coalesce(sum(t.amount) filter (where t.kind = 'fee'), 0)::bigint,
       coalesce(sum(t.amount) filter (where t.kind = 'reward'), 0)::bigint,
       count(*), (array_agg(t.balance order by t.version desc))[1], max(t.version)
from accounting.transfers t
join (select unnest(@workers::uuid[]) as worker, unnest(@days::date[]) as day) asked on t.wallet = asked.worker and t.day = asked.day
group by t.wallet, t.day
order by t.wallet, t.day
on conflict (worker, day) do update set fees = excluded.fees, rewards = excluded.rewards, entries = excluded.entries,
    closing = excluded.closing, version = excluded.version
where excluded.version > d.version;

-- name: ListDailyBalances :many
-- A worker's days from the last one that is no later than day, newest first.
select day, fees, rewards, entries, closing from accounting.daily_balances
where worker = @worker and day <= @day
order by day desc limit @rows;

-- name: ListStatement :many
-- A worker's ledger, newest first, from just below the wallet's version in before.
select s.kind, s.amount, s.version, s.balance, s.task, t.number, t.description, s.assignment, s.day, s.occurred_at, s.event
from accounting.transfers s join accounting.tasks t on t.id = s.task
where s.wallet = @worker and (sqlc.narg(before)::bigint is null or s.version < sqlc.narg(before)::bigint)
order by s.version desc
limit @rows;
