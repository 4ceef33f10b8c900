-- name: AppendEvents :many
-- Appends events in the order of the lists and returns their positions in that order.
insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data)
select unnest(@ids::uuid[]), @batch, unnest(@names::text[]), unnest(@versions::int[]), @occurred_at,
       unnest(@producers::text[]), unnest(@subjects::uuid[]), unnest(@subject_versions::bigint[]),
       nullif(unnest(@actors::uuid[]), '00000000-0000-0000-0000-000000000000'),
       unnest(@correlation_ids::uuid[]), unnest(@causation_ids::uuid[]), unnest(@data::text[])::jsonb
returning position;

-- name: ReadBatch :many
-- The events that one run of a command told, from one position to another, both included.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where position between @first and @last and batch = @batch
order by position;
