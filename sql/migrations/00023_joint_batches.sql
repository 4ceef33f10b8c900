-- +goose Up

-- The batch of the events that the job told for this command. Where it is null, by programs of before, it is the id of the row: since then
-- commands and jobs that share a transaction tell their events as one batch, and a job that has events of several commands has a row for each.
alter table log.runs add column if not exists told uuid;

comment on column log.events.batch is 'What was told at once, by one run of a command or by several that shared a transaction. Jobs name their events by batch and range of positions.';
comment on column log.runs.id is 'One for each job and command at the beginning of its events.';
