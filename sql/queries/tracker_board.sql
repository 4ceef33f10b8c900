-- name: ApplyToBoard :exec
-- Puts what events tell of tasks into the board, one row a task: what Task.Created tells where the number is more than 0, the state of a
-- Task.Assigned or Task.Resolved where the version is more than 0 and the board has no later one, and the prices of a Task.Priced where the
-- fee is more than 0. Repeats and late arrivals change nothing else. One statement holds the rows of all tasks, in their order, so that
-- transactions wait for each other in one direction only.
insert into tracker.board as b (task, number, jira_id, description, created_by, created_at, version, status, assignee, assignment, since, fee, reward)
select n.task, nullif(n.number, 0), nullif(n.jira_id, ''), case when n.number > 0 then n.description end, case when n.number > 0 then n.created_by end,
       case when n.number > 0 then n.created_at end, coalesce(n.version, 0), case when n.version > 0 then n.status else 'open' end,
       case when n.version > 0 then n.assignee end, case when n.version > 0 then n.assignment end, case when n.version > 0 then n.since end,
       nullif(n.fee, 0), case when n.fee > 0 then n.reward end
from (
    select unnest(@tasks::uuid[]) as task, unnest(@numbers::bigint[]) as number, unnest(@jira_ids::text[]) as jira_id, unnest(@descriptions::text[]) as description,
           unnest(@created_by::uuid[]) as created_by, unnest(@created_at::timestamptz[]) as created_at, unnest(@versions::bigint[]) as version,
           unnest(@statuses::text[]) as status, unnest(@assignees::uuid[]) as assignee, unnest(@assignments::int[]) as assignment,
           unnest(@since::timestamptz[]) as since, unnest(@fees::bigint[]) as fee, unnest(@rewards::bigint[]) as reward
) n
order by n.task
on conflict (task) do update set number = coalesce(excluded.number, b.number),
    jira_id = case when excluded.number is null then b.jira_id else excluded.jira_id end, description = coalesce(excluded.description, b.description),
    created_by = coalesce(excluded.created_by, b.created_by), created_at = coalesce(excluded.created_at, b.created_at), version = greatest(b.version, excluded.version),
    status = case when excluded.version > b.version then excluded.status else b.status end,
    assignee = case when excluded.version > b.version then excluded.assignee else b.assignee end,
    assignment = case when excluded.version > b.version then excluded.assignment else b.assignment end,
    since = case when excluded.version > b.version then excluded.since else b.since end,
    fee = coalesce(excluded.fee, b.fee), reward = coalesce(excluded.reward, b.reward)
where excluded.number is not null or excluded.version > b.version or excluded.fee is not null;

-- name: ApplyWordsToBoard :exec
-- Puts the words of new tasks into the board, by which they are found: those of their Jira ids first.
insert into tracker.board_words (task, words)
select n.task, tracker.words_of(n.jira_id || ' ' || n.description)
from (select unnest(@tasks::uuid[]) as task, unnest(@jira_ids::text[]) as jira_id, unnest(@descriptions::text[]) as description) n
order by n.task
on conflict (task) do update set words = excluded.words;

-- name: ListBoardDown :many
-- A page of the board, the highest rank first, from just below a place in it. What they are ranked by is in sort: a price, the last
-- change, or else the number. Those that fit a search are in tasks, where they are few; else search has them as a tsquery, and
-- each task is looked at until a page is full. To be planned for the values at hand: only then do the indexes serve.
select t.task, t.number::bigint as number, coalesce(t.jira_id, '')::text as jira_id, t.description::text as description, t.status, t.assignee::uuid as assignee,
       coalesce(p.name, '')::text as assignee_name, t.assignment::int as assignment, t.fee, t.reward, t.created_at::timestamptz as created_at,
       t.since::timestamptz as since, t.rank::bigint as rank
from (
    select b.*, case @sort::text when 'fee' then coalesce(b.fee, -1) when 'reward' then coalesce(b.reward, -1)
           when 'changed' then (extract(epoch from b.since at time zone 'UTC') * 1000000)::bigint else b.number end as rank
    from tracker.board b where b.description is not null and b.version > 0
) t left join tracker.people p on p.id = t.assignee
where (sqlc.narg(rank)::bigint is null or (t.rank, t.number) < (sqlc.narg(rank)::bigint, sqlc.narg(number)::bigint))
  and (@status::text = '' or t.status = @status)
  and (sqlc.narg(assignee)::uuid is null or t.assignee = sqlc.narg(assignee)::uuid)
  and (sqlc.narg(tasks)::uuid[] is null or t.task = any (sqlc.narg(tasks)::uuid[]))
  and (@search::text = '' or t.number = sqlc.narg(named)::bigint
       or (select w.words from tracker.board_words w where w.task = t.task) @@ to_tsquery('simple', @search))
order by t.rank desc, t.number desc
limit @rows;

-- name: ListBoardUp :many
-- ListBoardDown the other way round: the lowest rank first, from just above a place.
select t.task, t.number::bigint as number, coalesce(t.jira_id, '')::text as jira_id, t.description::text as description, t.status, t.assignee::uuid as assignee,
       coalesce(p.name, '')::text as assignee_name, t.assignment::int as assignment, t.fee, t.reward, t.created_at::timestamptz as created_at,
       t.since::timestamptz as since, t.rank::bigint as rank
from (
    select b.*, case @sort::text when 'fee' then coalesce(b.fee, -1) when 'reward' then coalesce(b.reward, -1)
           when 'changed' then (extract(epoch from b.since at time zone 'UTC') * 1000000)::bigint else b.number end as rank
    from tracker.board b where b.description is not null and b.version > 0
) t left join tracker.people p on p.id = t.assignee
where (sqlc.narg(rank)::bigint is null or (t.rank, t.number) > (sqlc.narg(rank)::bigint, sqlc.narg(number)::bigint))
  and (@status::text = '' or t.status = @status)
  and (sqlc.narg(assignee)::uuid is null or t.assignee = sqlc.narg(assignee)::uuid)
  and (sqlc.narg(tasks)::uuid[] is null or t.task = any (sqlc.narg(tasks)::uuid[]))
  and (@search::text = '' or t.number = sqlc.narg(named)::bigint
       or (select w.words from tracker.board_words w where w.task = t.task) @@ to_tsquery('simple', @search))
order by t.rank, t.number
limit @rows;

-- name: FindByWords :many
-- The tasks that have all the words of a tsquery, or the number, in no order; no more than a limit, and one.
(select w.task from tracker.board_words w where w.words @@ to_tsquery('simple', @search::text) limit @most)
union all
(select b.task from tracker.board b where b.number = sqlc.narg(named)::bigint and b.description is not null);

-- name: CountMatches :one
-- How many tasks fit a filter, as those of ListBoardDown do; it stops counting at most.
select count(*) from (
    select from tracker.board t
    where t.description is not null and t.version > 0
      and (@status::text = '' or t.status = @status)
      and (sqlc.narg(assignee)::uuid is null or t.assignee = sqlc.narg(assignee)::uuid)
      and (sqlc.narg(tasks)::uuid[] is null or t.task = any (sqlc.narg(tasks)::uuid[]))
  and (@search::text = '' or t.number = sqlc.narg(named)::bigint
           or (select w.words from tracker.board_words w where w.task = t.task) @@ to_tsquery('simple', @search))
    limit @most
) matches;

-- name: CountBoard :one
-- How many tasks there are, open and resolved, whatever the filter.
select coalesce(sum(open), 0)::bigint as open, coalesce(sum(resolved), 0)::bigint as resolved from tracker.board_counts;

-- name: FindOnBoard :one
select b.task, b.number::bigint as number, coalesce(b.jira_id, '')::text as jira_id, b.description::text as description, b.status, b.assignee::uuid as assignee,
       coalesce(p.name, '')::text as assignee_name, b.assignment::int as assignment, b.fee, b.reward, b.created_at::timestamptz as created_at,
       b.since::timestamptz as since, b.created_by::uuid as created_by, coalesce(c.name, '')::text as created_by_name
from tracker.board b
left join tracker.people p on p.id = b.assignee
left join tracker.people c on c.id = b.created_by
where b.task = @task and b.description is not null and b.version > 0;

-- name: BoardVersions :many
-- How far the board is with some tasks: the version of the last event in each that it shows.
select task, version from tracker.board where task = any(@tasks::uuid[]) and description is not null;

-- name: SumOpenTasksOf :one
-- How many open tasks a worker has, what they cost them, and what they would pay; those without prices count as nothing.
select count(*) as tasks, coalesce(sum(fee), 0)::bigint as fees, coalesce(sum(reward), 0)::bigint as rewards
from tracker.board where assignee = @assignee::uuid and status = 'open' and description is not null;

-- name: AddHistory :many
-- Adds events to the history of their tasks; an event that is in it already changes nothing. What they say about draws is added to
-- those in the same stroke, so that it is counted as often as it is in the history: once. The answer are the commands of these
-- draws. One whose last task has come with this is complete at the time given. The board must have the events before, for
-- it holds the rows of their tasks: whichever of a reassignment and the price comes second sees the first.
with told as (
    select unnest(@events::uuid[]) as event, unnest(@tasks::uuid[]) as task, unnest(@positions::bigint[]) as position,
           unnest(@at::timestamptz[]) as at, unnest(@names::text[]) as name, unnest(@commands::uuid[]) as command,
           nullif(unnest(@actors::uuid[]), '00000000-0000-0000-0000-000000000000') as actor,
           nullif(unnest(@assignees::uuid[]), '00000000-0000-0000-0000-000000000000') as assignee,
           nullif(unnest(@previous::uuid[]), '00000000-0000-0000-0000-000000000000') as previous,
           nullif(unnest(@assignments::int[]), 0) as assignment, nullif(unnest(@fees::bigint[]), 0) as fee, nullif(unnest(@rewards::bigint[]), 0) as reward
), added as (
    insert into tracker.history as h (event, task, position, at, name, command, actor, assignee, previous, assignment, fee, reward)
    select t.event, t.task, t.position, t.at, t.name, t.command, t.actor, t.assignee, t.previous, t.assignment,
           case when t.previous is null then t.fee else b.fee end, t.reward
    from told t left join tracker.board b on b.task = t.task and t.previous is not null
    on conflict (event) do nothing
    returning h.command, h.actor, h.at, h.assignee, h.previous, h.fee
), priced as (
    update tracker.history h set fee = t.fee
    from told t
    where t.fee is not null and h.task = t.task and h.previous is not null and h.fee is null
    returning h.command, h.actor, h.at, h.assignee, h.fee
), shared as (
    insert into tracker.draw_shares as s (command, worker, got, lost, fees)
    select c.command, c.worker, sum(c.got), sum(c.lost), sum(c.fees)
    from (
        select command, assignee as worker, 1 as got, 0 as lost, coalesce(fee, 0) as fees from added where previous is not null
        union all select command, previous, 0, 1, 0 from added where previous is not null
        union all select command, assignee, 0, 0, fee from priced
    ) c group by c.command, c.worker order by c.command, c.worker
    on conflict (command, worker) do update set got = s.got + excluded.got, lost = s.lost + excluded.lost, fees = s.fees + excluded.fees
), drawn as (
    insert into tracker.draws as d (command, drawn_by, drawn_at, moved, priced, fees)
    select c.command, (array_agg(c.actor))[1], min(c.at), sum(c.moved), sum(c.priced), sum(c.fees)
    from (
        select command, actor, at, 1 as moved, (fee is not null)::int as priced, coalesce(fee, 0) as fees from added where previous is not null
        union all select command, actor, at, 0, 1, fee from priced
    ) c group by c.command order by c.command
    on conflict (command) do update set moved = d.moved + excluded.moved, priced = d.priced + excluded.priced, fees = d.fees + excluded.fees
    returning d.command, d.moved, d.reassigned
), shown as (
    insert into tracker.draw_times (command, shown_at)
    select command, @shown_at::timestamptz from drawn where moved = reassigned order by command
    on conflict (command) do nothing
)
select command from drawn order by command;

-- name: ListHistory :many
-- A page of what happened to a task, newest first, from just below the event at the position in before.
select h.event, h.position, h.at, h.name, h.actor, coalesce(a.name, '')::text as actor_name, h.assignee, coalesce(w.name, '')::text as assignee_name,
       h.previous, coalesce(f.name, '')::text as previous_name, h.assignment, h.fee, h.reward, h.command, (h.previous is not null)::boolean as drawn
from tracker.history h
left join tracker.people a on a.id = h.actor
left join tracker.people w on w.id = h.assignee
left join tracker.people f on f.id = h.previous
where h.task = @task
  and (sqlc.narg(before)::bigint is null
       or (h.at, h.position) < (select x.at, x.position from tracker.history x where x.task = @task and x.position = sqlc.narg(before)::bigint))
order by h.at desc, h.position desc
limit @rows;
