-- name: NoteTaskNotifications :many
-- Notes for people what happened to their tasks, through the channels they want, and returns what is new. Nobody is told the same
-- twice, of what they did themselves, or anything once they have left.
insert into tracker.notifications (cause, channel, person, kind, actor, task, state, error, noted_at, since)
select t.cause, c.channel, t.person, @kind::text, t.actor, t.task, c.state, c.error, @at::timestamptz, @at::timestamptz
from (
    select unnest(@causes::uuid[]) as cause, unnest(@people::uuid[]) as person, unnest(@tasks::uuid[]) as task,
           nullif(unnest(@actors::uuid[]), '00000000-0000-0000-0000-000000000000') as actor
) t
join tracker.people p on p.id = t.person and p.active
cross join lateral (values ('inbox', 'unread', null),
    ('mail', case when p.email = '' then 'kept' else @mail_state::text end, case when p.email = '' then 'no address is known' end)) c (channel, state, error)
left join tracker.notification_settings s on s.person = t.person
where not coalesce(s.off @> array[@kind::text || '/' || c.channel], false)
order by t.cause, t.person, c.channel
on conflict on constraint notifications_once_per_cause do nothing
returning id, channel, person, state;

-- name: NoteDrawNotifications :many
-- Notes for each person what a draw gave them and took from them, as one notification a channel, and returns what is new. moved are
-- the tasks that the draw moved. The first twenty tasks of either kind are named.
with moved as (
    select unnest(@tasks::uuid[]) as task, unnest(@assignees::uuid[]) as assignee, unnest(@previous::uuid[]) as previous
), told as (
    select m.assignee as person, true as given, m.task, b.fee from moved m left join tracker.board b on b.task = m.task
    union all
    select m.previous, false, m.task, null from moved m
), digests as (
    select person, count(*) filter (where given) as given_count, count(*) filter (where not given) as taken_count,
           coalesce((array_agg(task order by task) filter (where given))[1:20], '{}') as given,
           coalesce((array_agg(task order by task) filter (where not given))[1:20], '{}') as taken,
           case when bool_and(fee is not null) filter (where given) then sum(fee) filter (where given) end as fees
    from told group by person
)
insert into tracker.notifications (cause, channel, person, kind, actor, draw, given_count, taken_count, given, taken, fees, state, error, noted_at, since)
select @cause::uuid, c.channel, d.person, 'tasks_drawn', nullif(@actor::uuid, '00000000-0000-0000-0000-000000000000'), @draw::uuid,
       d.given_count, d.taken_count, d.given, d.taken, d.fees, c.state, c.error, @at::timestamptz, @at::timestamptz
from digests d
join tracker.people p on p.id = d.person and p.active
cross join lateral (values ('inbox', 'unread', null),
    ('mail', case when p.email = '' then 'kept' else @mail_state::text end, case when p.email = '' then 'no address is known' end)) c (channel, state, error)
left join tracker.notification_settings s on s.person = d.person
where d.person <> @actor::uuid and not coalesce(s.off @> array['tasks_drawn/' || c.channel], false)
order by d.person, c.channel
on conflict on constraint notifications_once_per_cause do nothing
returning id, channel, person, state;

-- name: ListInbox :many
-- A page of what somebody is told in the pages, the newest first, from just below a moment and an id.
select * from tracker.told
where person = @person and channel = 'inbox' and (noted_at, id) < (@before_at::timestamptz, @before_id::bigint) and (state = 'unread' or not @unread::boolean)
order by noted_at desc, id desc limit @rows;

-- name: ListTasksOfNotifications :many
-- The tasks that notifications of draws name, in the order of their numbers.
select n.id as notification, x.taken::boolean as taken, t.id, t.number, coalesce(b.description, t.description)::text as description, b.fee,
       coalesce(case when b.description is null then t.jira_id else b.jira_id end, '')::text as jira_id
from tracker.notifications n
cross join lateral (select unnest(n.given) as task, false as taken union all select unnest(n.taken), true) x
join tracker.tasks t on t.id = x.task
left join tracker.board b on b.task = x.task
where n.id = any(@ids::bigint[])
order by n.id, x.taken, t.number;

-- name: CountUnread :one
-- How much somebody has not read, up to a hundred, and when the newest of it was noted; 1970 when there is nothing.
select count(*)::int as unread, coalesce(max(noted_at), 'epoch')::timestamptz as newest from (
    select noted_at from tracker.notifications where person = @person and channel = 'inbox' and state = 'unread'
    order by noted_at desc, id desc limit 100
) u;

-- name: MarkNotifications :execrows
-- Marks what somebody is told in the pages as read, or as unread again: those with the given ids, and all that was noted up to a moment.
update tracker.notifications set state = @state, since = @at::timestamptz
where person = @person and channel = 'inbox' and state <> @state and (id = any(@ids::bigint[]) or noted_at <= sqlc.narg(until)::timestamptz);

-- name: ClaimNotification :one
-- Takes a waiting mail to send it: from the commit on nobody else will. It is kept instead when there is no address to send it
-- to. No row when it does not wait.
update tracker.notifications n
set state = case when p.address is null then 'kept' else 'sending' end, address = p.address,
    error = case when p.address is null then 'no address is known' end,
    attempts = n.attempts + 1, since = @at::timestamptz
from (select w.id, nullif(x.email, '') as address from tracker.notifications w left join tracker.people x on x.id = w.person where w.id = @id) p
where n.id = p.id and n.channel = 'mail' and n.state = 'waiting'
returning n.state;

-- name: SettleNotification :exec
-- Says what became of a mail that was being sent.
update tracker.notifications set state = @state, error = sqlc.narg(error), since = @at where id = @id and state = 'sending';

-- name: CountWaitingNotifications :one
-- How many of some mails still wait to be sent.
select count(*) from tracker.notifications where id = any(@ids::bigint[]) and state = 'waiting';

-- name: ListTrackerMails :many
-- A page of mails, the newest first, from just below a moment and an id.
select * from tracker.told where channel = 'mail' and (noted_at, id) < (@before_at::timestamptz, @before_id::bigint)
order by noted_at desc, id desc limit @rows;

-- name: FindTrackerMail :one
select * from tracker.told where id = @id and channel = 'mail';

-- name: CountTrackerMails :many
-- How many mails are in each state.
select state, count(*) from tracker.notifications where channel = 'mail' group by state order by state;

-- name: SumNotifications :many
-- The notifications because of some events, summed up by state and by the moment at which they were noted.
select state, noted_at, count(*)::int as messages, max(since)::timestamptz as since
from tracker.notifications where cause = any(@causes::uuid[]) group by state, noted_at order by noted_at, state;
