-- name: NoteMessages :many
-- Notes the daily balance messages of people and days and returns the new ones. Every active worker is told of every day, others
-- of days that moved or left something. Whoever has been told of a day, or because of an event, is not told again.
insert into accounting.messages (cause, channel, person, day, opening, fees, rewards, payout, carried, state, noted_at, since)
select a.cause, 'mail', c.wallet, c.day, c.opening, c.fees, c.rewards, c.payout, c.carried, @state::text, @at::timestamptz, @at::timestamptz
from (select unnest(@causes::uuid[]) as cause, unnest(@people::uuid[]) as person, unnest(@days::date[]) as day) a
join accounting.closings c on c.wallet = a.person and c.day = a.day
left join accounting.people p on p.id = a.person
where (c.opening, c.fees, c.rewards) <> (0, 0, 0) or coalesce(p.active and p.role = 'worker', false)
order by c.wallet, c.day
on conflict do nothing
returning id;

-- name: ClaimMessage :one
-- Takes a waiting message to send it: from the commit on nobody else will. It is kept instead when there is no address to send it
-- to. No row when it does not wait.
update accounting.messages m
set state = case when p.address is null then 'kept' else 'sending' end, address = p.address,
    error = case when p.address is null then 'no address is known' end,
    attempts = m.attempts + 1, since = @at::timestamptz
from (select w.id, nullif(x.email, '') as address, coalesce(x.name, '') as name
      from accounting.messages w left join accounting.people x on x.id = w.person where w.id = @id) p
where m.id = p.id and m.state = 'waiting'
returning m.id, m.cause, m.person, p.name::text as name, m.address, m.state, m.day, m.opening, m.fees, m.rewards, m.payout, m.carried;

-- name: SettleMessage :exec
-- Says what became of a message that was being sent.
update accounting.messages set state = @state, error = sqlc.narg(error), since = @at where id = @id and state = 'sending';

-- name: CountWaitingMessages :one
-- How many of some messages still wait to be sent.
select count(*) from accounting.messages where id = any(@ids::bigint[]) and state = 'waiting';

-- name: ListMessages :many
-- A page of messages, the newest first, from just below an id.
select m.id, m.person, coalesce(p.name, '')::text as name, m.address, m.day, m.state, m.error, m.noted_at, m.since
from accounting.messages m left join accounting.people p on p.id = m.person
where m.id < @before order by m.id desc limit @rows;

-- name: FindMessage :one
select m.id, m.person, coalesce(p.name, '')::text as name, m.address, m.day, m.opening, m.fees, m.rewards, m.payout, m.carried,
       m.state, m.error, m.attempts, m.noted_at, m.since
from accounting.messages m left join accounting.people p on p.id = m.person
where m.id = @id;

-- name: CountMessages :many
-- How many messages are in each state.
select state, count(*) from accounting.messages group by state order by state;

-- name: LastClosedDay :one
-- The last day whose books are closed; no row when none is.
select day, closed_at::timestamptz as closed_at from accounting.days where status = 'closed' order by day desc limit 1;
