-- name: LearnAccountingPeople :exec
-- Brings Accounting's copy of people up to date; older versions than the one it has change nothing. One row a person.
insert into accounting.people (id, name, email, role, active, version)
select unnest(@ids::uuid[]) as id, unnest(@names::text[]), unnest(@emails::text[]), unnest(@roles::text[]), unnest(@active::boolean[]), unnest(@versions::bigint[])
order by id
on conflict (id) do update set name = excluded.name, email = excluded.email, role = excluded.role, active = excluded.active, version = excluded.version
where excluded.version > accounting.people.version;
