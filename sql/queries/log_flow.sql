-- name: RecordClockCommand :exec
-- Records a command that the clock asked for and that told something.
insert into log.commands (id, name, actor, input, request_id, occurred_at, done_at)
values (@id, @name, '00000000-0000-0000-0000-000000000000', '{}', '', @occurred_at, @done_at::timestamptz);

-- name: ForgetRuns :execrows
delete from log.runs where ended_at < @before;

-- name: FindFlow :one
-- The command that an id belongs to: its own, that of an event, or that of a chain. No row: nothing has that id.
select f.flow::uuid as flow from (
    select c.id as flow from log.commands c where c.id = @asked
    union all select e.correlation_id from log.events e where e.id = @asked
    union all (select x.correlation_id from log.events x where x.correlation_id = @asked limit 1)
) f limit 1;

-- name: FindFlowAt :one
-- The command that the event at a position in the log belongs to.
select correlation_id from log.events where position = @position;

-- name: FindCommand :one
select id, name, actor, input, outcome, request_id, occurred_at, done_at from log.commands where id = @id;

-- name: SumFlow :many
-- The events of one command, summed up by the run that told them and by name, in the order of the log. Cause is what caused the first.
select batch, name, producer, count(*)::int as events, min(position)::bigint as first, max(position)::bigint as last,
       min(occurred_at)::timestamptz as occurred_at, (array_agg(causation_id order by position))[1]::uuid as cause,
       (array_agg(id order by position))[1]::uuid as event
from log.events where correlation_id = @flow
group by batch, name, producer order by first, name;

-- name: ListRuns :many
-- The jobs of one command that have done their work, in the order in which they began.
select job, kind, queue, attempt, events, batch, first, last, coalesce(told, id) as told, occurred_at, began_at, ended_at
from log.runs where correlation_id = @flow order by began_at, job limit @rows;

-- name: WhereTold :many
-- Which run told some events, and under which names.
select id, batch, name from log.events where id = any(@ids::uuid[]) order by position;

-- name: ListFlowEvents :many
-- A page of one command's events of a name, told by some runs, from just above a position.
select position, id, version, occurred_at, subject, subject_version, actor, causation_id, data
from log.events
where correlation_id = @flow and name = @name and batch = any(@batches::uuid[]) and position > @after
order by position limit @rows;

-- name: ListFlowEventIDs :many
-- The ids of one command's events of some names.
select id from log.events where correlation_id = @flow and name = any(@names::text[]) order by position limit @rows;

-- name: ListCommands :many
-- A page of commands, the newest first, from just below an id: of a name, of an actor, or about a subject; null leaves that out.
-- Events are counted up to a thousand and one.
select c.id, c.name, c.actor, c.input, c.occurred_at, c.done_at,
       (select count(*) from (select 1 from log.events e where e.correlation_id = c.id limit 1001) counted)::int as events
from log.commands c
where c.id < @before
  and (sqlc.narg('name')::text is null or c.name = sqlc.narg('name'))
  and (sqlc.narg('actor')::uuid is null or c.actor = sqlc.narg('actor'))
  and (sqlc.narg('subject')::uuid is null or c.id in (select e.correlation_id from log.events e where e.subject = sqlc.narg('subject')))
order by c.id desc limit @rows;

-- name: ListCommandNames :many
-- The names of all commands that have been asked for, each found by one look into the index.
with recursive names as (
    (select name from log.commands order by name limit 1)
    union all
    select (select c.name from log.commands c where c.name > n.name order by c.name limit 1) from names n where n.name is not null
)
select name::text as name from names where name is not null order by name;

-- name: DatabaseSize :one
-- How many bytes the database takes on disk.
select pg_database_size(current_database())::bigint;
