-- +goose Up

-- When a command had done its work, just before its commit; commands of before do not say. What the clock asks for stands here as
-- well, where it told something, with the nil UUID as its actor.
alter table log.commands add column done_at timestamptz;
create index commands_by_name on log.commands (name, id);

-- The jobs that have done their work: what each reacted to, and how long it waited and ran by the program's clock. It is written in
-- the transaction that completes the job, and is what remains of it when the queue has forgotten it. Rows live for 90 days: which
-- event caused which is in the log itself.
create table log.runs (
    -- The batch of the events that the job told.
    id             uuid primary key,
    job            bigint not null,
    kind           text not null,
    queue          text not null,
    attempt        integer not null,
    -- The events that it reacted to: how many, of which batch, from which position to which.
    events         integer not null check (events > 0),
    batch          uuid not null,
    first          bigint not null,
    last           bigint not null,
    correlation_id uuid not null,
    -- When its events occurred, its work began and its work was done.
    occurred_at    timestamptz not null,
    began_at       timestamptz not null,
    ended_at       timestamptz not null
);
create index runs_by_correlation on log.runs (correlation_id);
-- Rows come in the order of time, so the smallest of indexes finds the old ones.
create index runs_by_time on log.runs using brin (ended_at);

-- The entries of one command. Its bookings are neighbours here, so this index grows at its end only.
create index transfers_by_correlation on accounting.transfers (correlation) where correlation is not null;
