-- +goose Up

-- The last draw, for whoever is about to draw again. One row, and whoever draws holds it, so that one draw comes after another.
-- Draws of before Tasks.Drawn are named by their command, and how many tasks they kept is not known.
create table tracker.last_draw (
    only_row   boolean primary key default true check (only_row),
    draw       uuid,
    drawn_by   uuid,
    drawn_at   timestamptz,
    reassigned integer,
    kept       integer,
    constraint last_draw_is_whole check (num_nulls(draw, drawn_at, reassigned) in (0, 3))
);

-- The command at the beginning of the chain; the reassignments of one draw have it in common. Those have the fee as well, from
-- Task.Priced, whichever comes first.
alter table tracker.history add column command uuid;
update tracker.history h set command = e.correlation_id from log.events e where e.id = h.event;
alter table tracker.history alter column command set not null;
update tracker.history h set fee = b.fee from tracker.board b where b.task = h.task and h.previous is not null;
create index history_of_draw on tracker.history (command, position desc) where previous is not null;

-- Read model: the draws. A row can begin with the draw or with any task that it moved, so what only Tasks.Drawn tells may be
-- missing for a moment; of draws of before that event it is missing for good.
create table tracker.draws (
    command    uuid primary key,
    draw       uuid unique,
    drawn_by   uuid,
    drawn_at   timestamptz not null,
    open       integer,
    workers    integer,
    reassigned integer,
    kept       integer,
    -- How many of the reassigned tasks are on the board, how many of those have a price, and what they cost.
    moved      integer not null default 0,
    priced     integer not null default 0,
    fees       bigint not null default 0,
    constraint draw_is_whole check (num_nulls(draw, open, workers, reassigned, kept) in (0, 5))
);
create index draws_by_time on tracker.draws (drawn_at, command);

-- Read model: what a draw gave to each worker and took from them.
create table tracker.draw_shares (
    command uuid not null,
    worker  uuid not null,
    got     integer not null default 0,
    lost    integer not null default 0,
    fees    bigint not null default 0,
    primary key (command, worker)
);

-- When the last task of a draw was on the board for the first time; null where nobody measured it. No read model: no event tells
-- it, so a rebuild leaves it as it is.
create table tracker.draw_times (
    command  uuid primary key,
    shown_at timestamptz
);

-- Draws of before.
insert into tracker.draws (command, drawn_by, drawn_at, moved, priced, fees)
select command, (array_agg(actor))[1], min(at), count(*), count(fee), coalesce(sum(fee), 0)
from tracker.history where previous is not null group by command;

insert into tracker.draws (command, draw, drawn_by, drawn_at, open, workers, reassigned, kept)
select correlation_id, subject, actor, occurred_at,
       (data->>'open')::int, (data->>'workers')::int, (data->>'reassigned')::int, (data->>'kept')::int
from log.events where name = 'Tasks.Drawn'
on conflict (command) do update set draw = excluded.draw, open = excluded.open, workers = excluded.workers,
    reassigned = excluded.reassigned, kept = excluded.kept;

insert into tracker.draw_shares (command, worker, got, lost, fees)
select command, worker, sum(got), sum(lost), sum(fees) from (
    select command, assignee as worker, 1 as got, 0 as lost, coalesce(fee, 0) as fees from tracker.history where previous is not null
    union all
    select command, previous, 0, 1, 0 from tracker.history where previous is not null
) changes group by command, worker;

insert into tracker.draw_times (command) select command from tracker.draws;

insert into tracker.last_draw (draw, drawn_by, drawn_at, reassigned, kept)
select d.draw, d.drawn_by, d.drawn_at, d.reassigned, d.kept
from (values (1)) as one (row)
left join lateral (
    select coalesce(draw, command) as draw, drawn_by, drawn_at, coalesce(reassigned, moved) as reassigned, kept
    from tracker.draws order by drawn_at desc, command desc limit 1
) d on true;
