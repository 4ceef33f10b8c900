-- name: AppendEvents :many
-- Appends events in the order of the lists and returns their positions in that order.
insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data)
select unnest(@ids::uuid[]), unnest(@batches::uuid[]), unnest(@names::text[]), unnest(@versions::int[]), @occurred_at,
       unnest(@producers::text[]), unnest(@subjects::uuid[]), unnest(@subject_versions::bigint[]),
       nullif(unnest(@actors::uuid[]), '00000000-0000-0000-0000-000000000000'),
       unnest(@correlation_ids::uuid[]), unnest(@causation_ids::uuid[]), unnest(@data::text[])::jsonb
returning position;

-- name: ReadBatches :many
-- The events that some runs of commands told, each from one position to another, both included.
select e.batch, e.position, e.id, e.name, e.version, e.occurred_at, e.producer, e.subject, e.subject_version, e.actor, e.correlation_id, e.causation_id, e.data
from (select unnest(@batches::uuid[]) as batch, unnest(@firsts::bigint[]) as first, unnest(@lasts::bigint[]) as last) asked
-- offset 0 keeps each run a look into the index, whatever the planner believes of their number.
cross join lateral (select * from log.events l where l.position between asked.first and asked.last and l.batch = asked.batch order by l.position offset 0) e
order by e.position;

-- name: ReadEvents :many
-- The events of some names after one position up to another.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where position > @after and position <= @up_to and name = any(@names::text[])
order by position;

-- name: ReadEventsOfSubjects :many
-- All that was told of some subjects, by events of some names, up to a position.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where subject = any(@subjects::uuid[]) and position <= @up_to and name = any(@names::text[])
order by position;

-- name: ReadEventsOfDays :many
-- The events of some names after one position up to another that are about some business days.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where position > @after and position <= @up_to and name = any(@names::text[]) and data ->> 'day' = any(@days::text[])
order by position;

-- name: CountEvents :one
-- How many events of some names there are after one position up to another.
select count(*) from log.events where position > @after and position <= @up_to and name = any(@names::text[]);

-- name: ListSubjects :many
-- Of what some events tell, after one position up to another.
select distinct subject from log.events where position > @after and position <= @up_to and name = any(@names::text[]) order by subject;

-- name: ListDays :many
-- The business days that some events are about, after one position up to another.
select distinct (data ->> 'day')::text as day from log.events
where position > @after and position <= @up_to and name = any(@names::text[]) and data ->> 'day' is not null order by day;

-- name: ReadLog :many
-- All events after one position up to another.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where position > @after and position <= @up_to
order by position;
