-- name: PlanForFilters :one
-- Has statements until the end of the transaction planned for the values they are given: a filter that is left out must not
-- keep one that is there from its index.
select set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: ListLedger :many
-- A page of the ledger that fits a filter, the newest business day first and in it the newest booking, from just below the given
-- day and transfer. Null leaves a part of the filter out. balance is the worker's after the transfer, counted in that order,
-- and is worked out only where the ledger is that of one worker.
select l.id, l.kind, l.amount, l.day, l.occurred_at, l.booked_at, l.wallet as worker, coalesce(w.name, '') as worker_name,
       l.task, t.number, coalesce(t.jira_id, '')::text as jira_id, t.description, l.assignment, l.event, l.event_name, l.correlation, l.actor, coalesce(a.name, '') as actor_name,
       coalesce((case when sqlc.narg('worker')::uuid is not null then accounting.opening(l.wallet, l.day) + (
           select sum(case x.kind when 'reward' then x.amount when 'payout' then 0 else -x.amount end)
           from accounting.transfers x where x.wallet = l.wallet and x.day = l.day and x.id <= l.id
       ) end), 0)::bigint as balance
from accounting.transfers l
left join accounting.people w on w.id = l.wallet
left join accounting.people a on a.id = l.actor
left join accounting.tasks t on t.id = l.task
where (sqlc.narg('worker')::uuid is null or l.wallet = sqlc.narg('worker'))
  and (sqlc.narg('day')::date is null or l.day = sqlc.narg('day'))
  and (sqlc.narg('task')::uuid is null or l.task = sqlc.narg('task'))
  and (sqlc.narg('kind')::text is null or l.kind = sqlc.narg('kind'))
  and (l.day, l.id) < (@before_day::date, @before_id::bigint)
order by l.day desc, l.id desc
limit @rows;

-- name: FindTaskByNumber :one
-- The task that people call by a number. No row: Accounting knows of none.
select id from accounting.tasks where number = @number::bigint order by id limit 1;

-- name: ListWalletOwners :many
-- Everybody who has a wallet, by name.
select w.id, coalesce(p.name, '') as name
from accounting.accounts w left join accounting.people p on p.id = w.id where w.kind = 'wallet' order by name, w.id;

-- name: OpeningBalance :one
-- What a worker owes at the beginning of a business day, 0 or less.
select accounting.opening(@worker, @day)::bigint;
