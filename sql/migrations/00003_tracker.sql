-- +goose Up

create schema tracker;

-- The tracker's own copy of people, fed by User.* events. Only an active Worker can be drawn.
create table tracker.people (
    id      uuid primary key,
    name    text not null,
    role    text not null,
    active  boolean not null,
    version bigint not null
);
create index people_to_draw_from on tracker.people (id) where role = 'worker' and active;

create table tracker.tasks (
    id          uuid primary key,
    number      bigint not null generated always as identity unique,
    description text not null constraint description_length check (char_length(description) between 1 and 1000),
    status      text not null default 'open' check (status in ('open', 'resolved')),
    assignee    uuid not null references tracker.people (id),
    assignment  integer not null default 1 check (assignment > 0),
    version     bigint not null check (version > 0),
    created_by  uuid not null,
    created_at  timestamptz not null,
    resolved_by uuid,
    resolved_at timestamptz,
    constraint resolved_by_somebody check ((status = 'resolved') = (resolved_by is not null and resolved_at is not null))
);
create index tasks_open on tracker.tasks (id) where status = 'open';

-- +goose StatementBegin
create function tracker.refuse_change_of_resolved() returns trigger language plpgsql as $$
begin
    raise exception 'task % is resolved, which is final', old.id using errcode = 'restrict_violation';
end $$;
-- +goose StatementEnd
create trigger resolved_is_final before update or delete on tracker.tasks
    for each row when (old.status = 'resolved') execute function tracker.refuse_change_of_resolved();

-- Read model: the board and my tasks. A row can begin with any event of its task, so what only Task.Created tells may be
-- missing for a moment. version is that of the tracker's last event that has been applied, since when that happened.
create table tracker.board (
    task        uuid primary key,
    number      bigint,
    description text,
    created_by  uuid,
    created_at  timestamptz,
    status      text not null default 'open',
    assignee    uuid,
    assignment  integer,
    since       timestamptz,
    version     bigint not null default 0,
    fee         bigint,
    reward      bigint
);
create index board_by_number on tracker.board (number desc) where description is not null;
create index board_by_assignee on tracker.board (assignee, status, number desc);

-- Read model: what happened to a task, one row an event.
create table tracker.history (
    event      uuid primary key,
    task       uuid not null,
    position   bigint not null,
    at         timestamptz not null,
    name       text not null,
    actor      uuid,
    assignee   uuid,
    previous   uuid,
    assignment integer,
    fee        bigint,
    reward     bigint
);
create index history_of_task on tracker.history (task, at, position);
