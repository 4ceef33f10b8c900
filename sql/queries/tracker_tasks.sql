-- name: InsertTasks :many
-- Creates open tasks, each with an assignee drawn uniformly and independently from the active Workers. No rows: there is no active Worker.
-- random() is worked out anew for each row because the expression that it stands in mentions the row.
with workers as (
    select array_agg(id) as ids, count(*)::int as n from tracker.people where role = 'worker' and active
), asked as (
    select unnest(@ids::uuid[]) as id, unnest(@jira_ids::text[]) as jira_id, unnest(@descriptions::text[]) as description, unnest(@creators::uuid[]) as created_by
)
insert into tracker.tasks (id, jira_id, description, assignee, version, created_by, created_at)
select a.id, nullif(a.jira_id, ''), a.description, w.ids[1 + floor(random() * w.n)::int], 2, a.created_by, @created_at
from asked a cross join workers w where w.n > 0
returning id, number, assignee;

-- name: ResolveTask :one
-- Resolves an open task if it is with the assignee asked for (when one is) and still in the assignment asked for (when one
-- is). No row: it is not, and nothing has changed.
update tracker.tasks
set status = 'resolved', version = version + 1, resolved_by = @by::uuid, resolved_at = @at::timestamptz
where id = @id and status = 'open'
  and (sqlc.narg(assignee)::uuid is null or assignee = sqlc.narg(assignee)::uuid)
  and (sqlc.narg(assignment)::int is null or assignment = sqlc.narg(assignment)::int)
returning assignee, assignment, version;

-- name: FindTask :one
select t.id, t.number, t.status, t.assignee, p.name as assignee_name, t.assignment, t.resolved_by, t.resolved_at
from tracker.tasks t join tracker.people p on p.id = t.assignee
where t.id = @id;

-- name: DrawAssignees :many
-- Draws an assignee for every open task, uniformly and independently over the active Workers, and moves the tasks drawn
-- to somebody else. One row an open task; kept tells that the draw hit the assignee it had, which changes nothing.
-- random() is worked out anew for each row because the expression that it stands in mentions the row.
with workers as (
    select array_agg(id) as ids, count(*)::int as n from tracker.people where role = 'worker' and active
), locked as (
    select t.id, t.assignee from tracker.tasks t where t.status = 'open' order by t.id for no key update
), drawn as materialized (
    select l.id, l.assignee as previous, w.ids[1 + floor(random() * w.n)::int] as assignee
    from locked l cross join workers w where w.n > 0
), moved as (
    update tracker.tasks t
    set assignee = d.assignee, assignment = t.assignment + 1, version = t.version + 1
    from drawn d
    where t.id = d.id and d.assignee <> d.previous
    returning t.id, t.assignee, d.previous, t.assignment, t.version
)
select m.id, m.assignee, m.previous, m.assignment, m.version, false as kept from moved m
union all
select d.id, d.assignee::uuid, d.previous, 0, 0::bigint, true from drawn d where d.assignee = d.previous
order by id;
