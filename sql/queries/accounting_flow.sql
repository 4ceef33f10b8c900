-- name: SumEntries :many
-- What one command moved in the books, summed up by kind and by the moment of the booking, which is that of the run that booked it.
select kind, coalesce(event_name, '')::text as event_name, booked_at, count(*)::int as transfers, sum(amount)::bigint as amount, count(distinct wallet)::int as wallets
from accounting.transfers where correlation = @flow::uuid
group by kind, event_name, booked_at order by booked_at, kind, event_name;

-- name: ListEntriesOfFlow :many
-- A page of what one command moved, of one kind, from just above a transfer.
select t.id, t.kind, t.amount, t.booked_at, t.wallet as worker, coalesce(p.name, '') as worker_name, t.task, k.number, t.assignment, t.balance, t.event
from accounting.transfers t left join accounting.people p on p.id = t.wallet left join accounting.tasks k on k.id = t.task
where t.correlation = @flow::uuid and t.kind = @kind and t.id > @after
order by t.id limit @rows;

-- name: SumMessages :many
-- The messages because of some events, summed up by state and by the moment at which they were noted.
select state, noted_at, count(*)::int as messages, max(since)::timestamptz as since
from accounting.messages where cause = any(@causes::uuid[]) group by state, noted_at order by noted_at, state;

