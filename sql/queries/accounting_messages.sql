-- name: NoteMessages :many
-- Notes the daily balance messages of people and days and returns the new ones: the mail always, and in the inbox unless that is not
-- wanted. Every active worker is told of every day, others of days that moved or left something. Whoever has been told of a day, or
-- because of an event, is not told again.
insert into accounting.messages (cause, channel, person, day, opening, fees, rewards, payout, carried, state, noted_at, since)
select a.cause, ch.channel, c.wallet, c.day, c.opening, c.fees, c.rewards, c.payout, c.carried, ch.state, @at::timestamptz, @at::timestamptz
from (select unnest(@causes::uuid[]) as cause, unnest(@people::uuid[]) as person, unnest(@days::date[]) as day) a
join accounting.closings c on c.wallet = a.person and c.day = a.day
cross join (values ('inbox', 'unread'), ('mail', @mail_state::text)) ch (channel, state)
left join accounting.people p on p.id = a.person
left join accounting.notification_settings s on s.person = a.person
where ((c.opening, c.fees, c.rewards) <> (0, 0, 0) or coalesce(p.active and p.role = 'worker', false))
  and not coalesce(s.off @> array['daily_balance/' || ch.channel], false)
order by c.wallet, c.day, ch.channel
on conflict do nothing
returning id, channel, person, state;

-- name: ClaimMessage :one
-- Takes a waiting message to send it: from the commit on nobody else will. It is kept instead when there is no address to send it
-- to. No row when it does not wait.
update accounting.messages m
set state = case when p.address is null then 'kept' else 'sending' end, address = p.address,
    error = case when p.address is null then 'no address is known' end,
    attempts = m.attempts + 1, since = @at::timestamptz
from (select w.id, nullif(x.email, '') as address from accounting.messages w left join accounting.people x on x.id = w.person where w.id = @id) p
where m.id = p.id and m.channel = 'mail' and m.state = 'waiting'
returning m.state;

-- name: SettleMessage :exec
-- Says what became of a message that was being sent.
update accounting.messages set state = @state, error = sqlc.narg(error), since = @at where id = @id and state = 'sending';

-- name: CountWaitingMessages :one
-- How many of some messages still wait to be sent.
select count(*) from accounting.messages where id = any(@ids::bigint[]) and state = 'waiting';

-- name: ListMessages :many
-- A page of mails, the newest first, from just below a moment and an id.
select m.id, m.person, coalesce(p.name, '')::text as name, m.address, m.day, m.payout, m.carried, m.state, m.error, m.noted_at, m.since
from accounting.messages m left join accounting.people p on p.id = m.person
where m.channel = 'mail' and (m.noted_at, m.id) < (@before_at::timestamptz, @before_id::bigint)
order by m.noted_at desc, m.id desc limit @rows;

-- name: FindMessage :one
select m.id, m.cause, m.person, coalesce(p.name, '')::text as name, m.address, m.day, m.opening, m.fees, m.rewards, m.payout, m.carried,
       m.state, m.error, m.attempts, m.noted_at, m.since, coalesce(s.language, '')::text as language
from accounting.messages m
left join accounting.people p on p.id = m.person
left join accounting.notification_settings s on s.person = m.person
where m.id = @id and m.channel = 'mail';

-- name: CountMessages :many
-- How many mails are in each state.
select state, count(*) from accounting.messages where channel = 'mail' group by state order by state;

-- name: ListBalanceInbox :many
-- A page of the daily balances that somebody is told in the pages, the newest first, from just below a moment and an id.
select m.id, m.day, m.opening, m.fees, m.rewards, m.payout, m.carried, m.state, m.noted_at
from accounting.messages m
where m.person = @person and m.channel = 'inbox' and (m.noted_at, m.id) < (@before_at::timestamptz, @before_id::bigint)
  and (m.state = 'unread' or not @unread::boolean)
order by m.noted_at desc, m.id desc limit @rows;

-- name: CountUnreadBalances :one
-- How much somebody has not read, up to a hundred, and when the newest of it was noted; 1970 when there is nothing.
select count(*)::int as unread, coalesce(max(noted_at), 'epoch')::timestamptz as newest from (
    select noted_at from accounting.messages where person = @person and channel = 'inbox' and state = 'unread'
    order by noted_at desc, id desc limit 100
) u;

-- name: MarkMessages :execrows
-- Marks what somebody is told in the pages as read, or as unread again: those with the given ids, and all that was noted up to a moment.
update accounting.messages set state = @state, since = @at::timestamptz
where person = @person and channel = 'inbox' and state <> @state and (id = any(@ids::bigint[]) or noted_at <= sqlc.narg(until)::timestamptz);

-- name: LastClosedDay :one
-- The last day whose books are closed; no row when none is.
select day, closed_at::timestamptz as closed_at from accounting.days where status = 'closed' order by day desc limit 1;
