-- name: FindProspect :one
-- What a draw would be about: the open tasks, the active Workers, the number of the newest task, and the last draw.
select (select count(*) from tracker.tasks where status = 'open')::int as open,
       (select count(*) from tracker.people where role = 'worker' and active)::int as workers,
       coalesce((select max(number) from tracker.tasks), 0)::bigint as last_task,
       d.draw, d.drawn_by, coalesce(p.name, '')::text as drawn_by_name, d.drawn_at, d.reassigned, d.kept
from tracker.last_draw d left join tracker.people p on p.id = d.drawn_by;

-- name: HoldLastDraw :exec
-- Waits for a draw that is under way and keeps others from beginning until the transaction ends.
select draw from tracker.last_draw for update;

-- name: KeepLastDraw :exec
update tracker.last_draw set draw = @draw::uuid, drawn_by = @drawn_by::uuid, drawn_at = @drawn_at::timestamptz,
    reassigned = @reassigned::int, kept = @kept::int;

-- name: CountTasksAfter :one
-- How many tasks have a higher number.
select count(*)::int from tracker.tasks where number > @number;

-- name: FeesOfOpenTasks :one
-- What the open tasks on the board cost in all, how many of them are priced, and how much of it is for tasks that are with an
-- active Worker, who may be drawn for them again.
select count(b.fee)::int as priced, coalesce(sum(b.fee), 0)::bigint as fees,
       coalesce(sum(b.fee) filter (where p.id is not null), 0)::bigint as fees_with_workers
from tracker.board b left join tracker.people p on p.id = b.assignee and p.role = 'worker' and p.active
where b.status = 'open' and b.description is not null and b.version > 0;

-- name: ApplyDraws :exec
-- Puts what Tasks.Drawn tells into the draws; repeats and late arrivals change nothing else. A draw without a task still to come is
-- complete at the time given.
with applied as (
    insert into tracker.draws as d (command, draw, drawn_by, drawn_at, open, workers, reassigned, kept)
    select unnest(@commands::uuid[]) as command, unnest(@draws::uuid[]), nullif(unnest(@drawn_by::uuid[]), '00000000-0000-0000-0000-000000000000'),
           unnest(@drawn_at::timestamptz[]), unnest(@open::int[]), unnest(@workers::int[]), unnest(@reassigned::int[]), unnest(@kept::int[])
    order by command
    on conflict (command) do update set draw = excluded.draw, open = excluded.open, workers = excluded.workers,
        reassigned = excluded.reassigned, kept = excluded.kept
    returning d.command, d.moved, d.reassigned
)
insert into tracker.draw_times (command, shown_at)
select command, @shown_at::timestamptz from applied where moved = reassigned order by command
on conflict (command) do nothing;

-- name: ListDraws :many
-- A page of the draws, newest first, from just below the one whose command is given.
select coalesce(d.draw, d.command)::uuid as id, d.command, d.drawn_by, coalesce(p.name, '')::text as drawn_by_name, d.drawn_at,
       d.open, d.workers, d.reassigned, d.kept, d.moved, d.priced, d.fees
from tracker.draws d left join tracker.people p on p.id = d.drawn_by
where sqlc.narg(before)::uuid is null
   or (d.drawn_at, d.command) < (select b.drawn_at, b.command from tracker.draws b where b.command = sqlc.narg(before)::uuid)
order by d.drawn_at desc, d.command desc
limit @rows;

-- name: FindDraw :one
-- One draw, by its name or its command.
select coalesce(d.draw, d.command)::uuid as id, d.command, d.drawn_by, coalesce(p.name, '')::text as drawn_by_name, d.drawn_at,
       d.open, d.workers, d.reassigned, d.kept, d.moved, d.priced, d.fees, t.shown_at,
       (select count(*) from tracker.draw_shares s where s.command = d.command)::int as shares
from tracker.draws d
left join tracker.people p on p.id = d.drawn_by
left join tracker.draw_times t on t.command = d.command
where d.draw = @id::uuid or d.command = @id::uuid;

-- name: ListDrawShares :many
-- What a draw gave and took, those first to whom most was given; or only what it did to one worker.
select s.worker, coalesce(p.name, '')::text as name, s.got, s.lost, s.fees
from tracker.draw_shares s left join tracker.people p on p.id = s.worker
where s.command = @command and (sqlc.narg(worker)::uuid is null or s.worker = sqlc.narg(worker)::uuid)
order by s.got desc, s.lost desc, s.worker
limit @rows;

-- name: ListDrawMoves :many
-- A page of the tasks that a draw moved, the newest task first, from just below a position in the log; all, or those that it gave to
-- one worker or took from them.
select h.position, h.task, coalesce(b.number, 0)::bigint as number, coalesce(b.jira_id, '')::text as jira_id, coalesce(b.description, '')::text as description,
       h.previous::uuid as previous, coalesce(f.name, '')::text as previous_name,
       h.assignee::uuid as assignee, coalesce(w.name, '')::text as assignee_name, h.fee
from tracker.history h
left join tracker.board b on b.task = h.task
left join tracker.people f on f.id = h.previous
left join tracker.people w on w.id = h.assignee
where h.command = @command and h.previous is not null
  and (sqlc.narg(before)::bigint is null or h.position < sqlc.narg(before)::bigint)
  and (sqlc.narg(worker)::uuid is null or h.assignee = sqlc.narg(worker)::uuid or h.previous = sqlc.narg(worker)::uuid)
order by h.position desc
limit @rows;

-- name: DrawProgress :one
-- How many tasks a draw moved, and how many of them are on the board. No row: the draw is not known here yet.
select moved, reassigned::int as reassigned from tracker.draws where draw = @draw::uuid;
