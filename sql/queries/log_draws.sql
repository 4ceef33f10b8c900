-- name: ReadFirstAssignments :many
-- The events that tell whom new tasks were given to. The first assignment of a task is the second thing that is told of it.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where subject = any(@tasks::uuid[]) and producer = 'tracker' and subject_version = 2
order by position;

-- name: ReadAssignments :many
-- The assignments that were told by the same run as an event.
select position, id, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data
from log.events
where correlation_id = @correlation and causation_id = @causation and name = 'Task.Assigned'
order by position;
