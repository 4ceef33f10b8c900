-- name: ReadFirstAssignments :many
-- Whom new tasks were given to, with the events that tell of their creation. The first assignment of a task is the second thing that is
-- told of it.
select c.id as created, c.subject as task, (a.data ->> 'assignee')::uuid as assignee
from log.events c
join log.events a on a.subject = c.subject and a.producer = c.producer and a.subject_version = 2
where c.id = any(@created::uuid[])
order by c.position;

-- name: ReadMoves :many
-- What the command that an event was told by moved: whom each task was given to, and taken from.
select e.subject as task, (e.data ->> 'assignee')::uuid as assignee, (e.data ->> 'previous')::uuid as previous
from log.events e
where e.correlation_id = @correlation and e.causation_id = @causation and e.name = 'Task.Assigned' and e.version = 1
  and e.data ->> 'previous' is not null
order by e.position;
