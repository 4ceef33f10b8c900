-- +goose Up

-- Where the tracker's mails go.
alter table tracker.people add column email text not null default '';
update tracker.people p set email = u.email
from (
    select distinct on (subject) subject, data ->> 'email' as email from log.events
    where producer = 'auth' and name in ('User.Registered', 'User.Updated', 'User.RoleChanged', 'User.Deactivated', 'User.Reactivated')
    order by subject, subject_version desc
) u
where u.subject = p.id and u.email is not null;

-- What a person wants to be told, and how. Who has no row wants everything, in English. off names what they do not want, as
-- kind/channel; version is how often they have chosen, so that two open pages do not overwrite each other.
create table tracker.notification_settings (
    person   uuid primary key,
    version  bigint not null check (version > 0),
    off      text[] not null check (off <@ array['task_given/inbox', 'task_given/mail', 'tasks_drawn/inbox', 'tasks_drawn/mail', 'task_resolved/inbox', 'task_resolved/mail']),
    language text not null check (language in ('en', 'ru'))
);

-- What people are told of their tasks, a row for each channel. The natural key is why nobody is told twice: a cause is the event
-- that is told of, one for a whole draw. Inbox rows are unread or read. The states of mails are those of accounting.messages:
-- waiting: to be sent; sending: committed just before the mail server hears of it, so one that was interrupted stays here and is
-- never sent again by itself; sent: the mail server took it; refused: the mail server will not take it, ever; kept: there is no
-- mail server or no address, and it is there to be read only.
create table tracker.notifications (
    id          bigint generated always as identity primary key,
    cause       uuid not null,
    channel     text not null check (channel in ('inbox', 'mail')),
    person      uuid not null references tracker.people (id),
    kind        text not null check (kind in ('task_given', 'tasks_drawn', 'task_resolved')),
    -- Who did it; null when nobody did.
    actor       uuid,
    -- What it was done to: a task, or the tasks of a draw.
    task        uuid references tracker.tasks (id),
    draw        uuid,
    -- How many tasks a draw gave and took, and the first of them. fees is what those given cost, null when a price was not known yet.
    given_count integer not null default 0 check (given_count >= 0),
    taken_count integer not null default 0 check (taken_count >= 0),
    given       uuid[] not null default '{}',
    taken       uuid[] not null default '{}',
    fees        bigint,
    state       text not null,
    address     text,
    attempts    integer not null default 0,
    -- Why the last attempt did not succeed.
    error       text,
    noted_at    timestamptz not null,
    -- When it came into its state.
    since       timestamptz not null,
    constraint notifications_once_per_cause unique (cause, channel, person),
    constraint notifications_of_a_task_or_a_draw check (case when kind = 'tasks_drawn' then task is null and draw is not null and given_count + taken_count > 0
        else task is not null and draw is null and given_count + taken_count = 0 end),
    constraint notifications_states check (case channel when 'inbox' then state in ('unread', 'read')
        else state in ('waiting', 'sending', 'sent', 'refused', 'kept') end)
);
create index notifications_inbox on tracker.notifications (person, noted_at desc, id desc) where channel = 'inbox';
create index notifications_unread on tracker.notifications (person, noted_at desc, id desc) where channel = 'inbox' and state = 'unread';
create index notifications_mails on tracker.notifications (noted_at desc, id desc) where channel = 'mail';

-- Notifications with what they speak of.
create view tracker.told as
select n.id, n.cause, n.channel, n.person, n.kind, n.actor, n.task, n.draw, n.given_count, n.taken_count, n.fees, n.state, n.address, n.attempts, n.error,
       n.noted_at, n.since,
       coalesce(p.name, '')::text as name, coalesce(a.name, '')::text as actor_name, coalesce(t.number, 0)::bigint as number,
       coalesce(t.description, '')::text as description, b.fee, b.reward
from tracker.notifications n
left join tracker.people p on p.id = n.person
left join tracker.people a on a.id = n.actor
left join tracker.tasks t on t.id = n.task
left join tracker.board b on b.task = n.task;
