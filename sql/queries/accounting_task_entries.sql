-- name: ListTaskEntries :many
-- The fees and rewards that events of a task caused.
select l.id, l.kind, l.amount, l.wallet as worker, coalesce(p.name, '')::text as worker_name, l.assignment::int as assignment, l.day,
       l.occurred_at, l.booked_at, l.event
from accounting.transfers l left join accounting.people p on p.id = l.wallet
where l.task = @task::uuid and l.event = any(@events::uuid[])
order by l.day, l.id;

-- name: SumTaskEntries :one
-- What a task has cost its workers so far, in how many fees, and what it has paid.
select count(*) filter (where kind = 'fee') as charged, coalesce(sum(amount) filter (where kind = 'fee'), 0)::bigint as fees,
       coalesce(sum(amount) filter (where kind = 'reward'), 0)::bigint as rewards
from accounting.transfers where task = @task::uuid;
