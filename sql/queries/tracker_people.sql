-- name: LearnTrackerPeople :exec
-- Brings the tracker's copy of people up to date; older versions than the one it has change nothing. One row a person.
insert into tracker.people (id, name, email, role, active, version)
select unnest(@ids::uuid[]) as id, unnest(@names::text[]), unnest(@emails::text[]), unnest(@roles::text[]), unnest(@active::boolean[]), unnest(@versions::bigint[])
order by id
on conflict (id) do update set name = excluded.name, email = excluded.email, role = excluded.role, active = excluded.active, version = excluded.version
where excluded.version > tracker.people.version;

-- name: CountActiveWorkers :one
select count(*) from tracker.people where role = 'worker' and active;

-- name: ListWorkers :many
-- Everybody who can be or has been an assignee, by name.
select p.id, p.name, (p.active and p.role = 'worker')::boolean as active
from tracker.people p
where (p.role = 'worker' and p.active) or exists (select 1 from tracker.board b where b.assignee = p.id)
order by p.name, p.id;

-- name: NameOfTrackerPerson :one
select name from tracker.people where id = @id;
