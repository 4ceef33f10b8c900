-- name: ApplyCreatedToBoard :exec
-- Puts what Task.Created tells into the board; repeats and late arrivals change nothing else.
insert into tracker.board as b (task, number, description, created_by, created_at)
select unnest(@tasks::uuid[]) as task, unnest(@numbers::bigint[]), unnest(@descriptions::text[]), unnest(@created_by::uuid[]), unnest(@created_at::timestamptz[])
order by task
on conflict (task) do update set number = excluded.number, description = excluded.description,
    created_by = excluded.created_by, created_at = excluded.created_at;

-- name: ApplyStateToBoard :exec
-- Puts the state that a Task.Assigned or Task.Resolved tells into the board unless it has a later one. One row a task.
insert into tracker.board as b (task, version, status, assignee, assignment, since)
select unnest(@tasks::uuid[]) as task, unnest(@versions::bigint[]), unnest(@statuses::text[]), unnest(@assignees::uuid[]),
       unnest(@assignments::int[]), unnest(@since::timestamptz[])
order by task
on conflict (task) do update set version = excluded.version, status = excluded.status, assignee = excluded.assignee,
    assignment = excluded.assignment, since = excluded.since
where excluded.version > b.version;

-- name: ApplyPricesToBoard :exec
insert into tracker.board as b (task, fee, reward)
select unnest(@tasks::uuid[]) as task, unnest(@fees::bigint[]), unnest(@rewards::bigint[])
order by task
on conflict (task) do update set fee = excluded.fee, reward = excluded.reward;

-- name: ListBoard :many
-- A page of the board, newest first, from just below the task number in before.
select b.task, b.number::bigint as number, b.description::text as description, b.status, b.assignee::uuid as assignee,
       coalesce(p.name, '')::text as assignee_name, b.assignment::int as assignment, b.fee, b.reward, b.created_at::timestamptz as created_at,
       b.since::timestamptz as since
from tracker.board b left join tracker.people p on p.id = b.assignee
where b.description is not null and b.version > 0
  and (sqlc.narg(before)::bigint is null or b.number < sqlc.narg(before)::bigint)
  and (@status::text = '' or b.status = @status)
  and (sqlc.narg(assignee)::uuid is null or b.assignee = sqlc.narg(assignee)::uuid)
  and (@search::text = '' or b.description ilike '%' || @search || '%' escape '\' or b.number = sqlc.narg(number)::bigint)
order by b.number desc
limit @rows;

-- name: CountBoard :one
-- How many tasks there are, open and resolved, whatever the filter.
select count(*) filter (where status = 'open') as open, count(*) filter (where status = 'resolved') as resolved
from tracker.board where description is not null and version > 0;

-- name: FindOnBoard :one
select b.task, b.number::bigint as number, b.description::text as description, b.status, b.assignee::uuid as assignee,
       coalesce(p.name, '')::text as assignee_name, b.assignment::int as assignment, b.fee, b.reward, b.created_at::timestamptz as created_at,
       b.since::timestamptz as since, b.created_by::uuid as created_by, coalesce(c.name, '')::text as created_by_name
from tracker.board b
left join tracker.people p on p.id = b.assignee
left join tracker.people c on c.id = b.created_by
where b.task = @task and b.description is not null and b.version > 0;

-- name: BoardVersion :one
-- How far the board is with a task: the version of the last event in it, 0 when it does not know the task.
select coalesce((select case when description is null then 0 else version end from tracker.board where task = @task), 0)::bigint;

-- name: ListOpenTasksOf :many
-- A page of the open tasks of one worker, newest first, from just below the task number in before.
select b.task, b.number::bigint as number, b.description::text as description, b.assignment::int as assignment, b.fee, b.reward,
       b.since::timestamptz as since
from tracker.board b
where b.assignee = @assignee::uuid and b.status = 'open' and b.description is not null
  and (sqlc.narg(before)::bigint is null or b.number < sqlc.narg(before)::bigint)
order by b.number desc
limit @rows;

-- name: CountOpenTasksOf :one
select count(*) from tracker.board where assignee = @assignee::uuid and status = 'open' and description is not null;

-- name: AddHistory :exec
-- Adds events to the history of their tasks; an event that is in it already changes nothing.
insert into tracker.history (event, task, position, at, name, actor, assignee, previous, assignment, fee, reward)
select unnest(@events::uuid[]), unnest(@tasks::uuid[]), unnest(@positions::bigint[]), unnest(@at::timestamptz[]), unnest(@names::text[]),
       nullif(unnest(@actors::uuid[]), '00000000-0000-0000-0000-000000000000'),
       nullif(unnest(@assignees::uuid[]), '00000000-0000-0000-0000-000000000000'),
       nullif(unnest(@previous::uuid[]), '00000000-0000-0000-0000-000000000000'),
       nullif(unnest(@assignments::int[]), 0), nullif(unnest(@fees::bigint[]), 0), nullif(unnest(@rewards::bigint[]), 0)
on conflict (event) do nothing;

-- name: ListHistory :many
-- A page of what happened to a task, newest first, from just below the event at the position in before.
select h.event, h.position, h.at, h.name, h.actor, coalesce(a.name, '')::text as actor_name, h.assignee, coalesce(w.name, '')::text as assignee_name,
       h.previous, coalesce(f.name, '')::text as previous_name, h.assignment, h.fee, h.reward
from tracker.history h
left join tracker.people a on a.id = h.actor
left join tracker.people w on w.id = h.assignee
left join tracker.people f on f.id = h.previous
where h.task = @task
  and (sqlc.narg(before)::bigint is null
       or (h.at, h.position) < (select x.at, x.position from tracker.history x where x.task = @task and x.position = sqlc.narg(before)::bigint))
order by h.at desc, h.position desc
limit @rows;
