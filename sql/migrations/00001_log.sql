-- +goose Up

-- The log belongs to no context: jobs.Bus alone writes it, in the transaction of the command that it tells of.
create schema log;

-- +goose StatementBegin
create function log.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on %.% is refused: the table is append only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'restrict_violation';
end $$;
-- +goose StatementEnd

-- Every command that a person asked for, with what it was asked and what it answered. The key makes it act once.
create table log.commands (
    id          uuid primary key,
    name        text not null,
    actor       uuid not null,
    key         text,
    input       jsonb not null,
    outcome     jsonb,
    request_id  text not null,
    occurred_at timestamptz not null,
    constraint commands_act_once unique (actor, name, key)
);

-- What happened, in the order in which it was written down; also the outbox, since the jobs that an event causes are
-- committed with it. position has gaps and is not the order of commits: read it below the oldest running transaction.
create table log.events (
    position        bigint generated always as identity primary key,
    id              uuid not null,
    -- The run of the command that told it. Jobs name their events by batch and range of positions.
    batch           uuid not null,
    name            text not null,
    version         integer not null check (version > 0),
    occurred_at     timestamptz not null,
    producer        text not null,
    subject         uuid not null,
    subject_version bigint not null check (subject_version > 0),
    actor           uuid,
    correlation_id  uuid not null,
    causation_id    uuid not null,
    data            jsonb not null,
    constraint events_id unique (id),
    constraint events_told_once unique (subject, producer, subject_version)
);
create index events_by_correlation on log.events (correlation_id);

create trigger append_only before update or delete or truncate on log.events
    for each statement execute function log.refuse_change();

-- Which topics a job changed, told to open pages. Not history: rows live for an hour. xid is what a reader needs to miss
-- nothing although transactions commit in another order than they write.
create table log.changes (
    position bigint generated always as identity primary key,
    xid      xid8 not null default pg_current_xact_id(),
    topics   text[] not null,
    at       timestamptz not null
);
create index changes_by_xid on log.changes (xid);
create index changes_by_time on log.changes (at);
