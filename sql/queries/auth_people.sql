-- name: ListPeople :many
-- People by name who fit a filter, after one of them; what is empty does not narrow. Who has no password here yet, and could
-- have one, is invited.
select a.id, a.login, a.name, a.email, a.role, a.status, a.version, a.created_at, a.signed_in_at,
       (a.issuer is not null)::boolean as elsewhere,
       (a.status = 'active' and a.password_hash is null and a.issuer is null)::boolean as invited
from auth.accounts a
where (@search::text = '' or a.name ilike '%' || @search || '%' or a.login ilike '%' || @search || '%' or a.email ilike '%' || @search || '%')
  and (@role::text = '' or a.role = @role)
  and (@status::text = '' or a.status = @status
       or (@status = 'invited' and a.status = 'active' and a.password_hash is null and a.issuer is null))
  and (sqlc.narg(person)::uuid is null or a.id = sqlc.narg(person))
  and (sqlc.narg(created)::timestamptz is null or a.created_at = sqlc.narg(created))
  and (sqlc.narg(after)::uuid is null
       or (lower(a.name), a.id) > (select lower(n.name), n.id from auth.accounts n where n.id = sqlc.narg(after)))
order by lower(a.name), a.id
limit @rows;

-- name: CountPeople :one
-- Everybody, whatever the filter.
select count(*) filter (where status = 'active') as active,
       count(*) filter (where status = 'deactivated') as deactivated,
       count(*) filter (where status = 'active' and password_hash is null and issuer is null) as invited
from auth.accounts;

-- name: CountPeopleByRole :many
-- How many active people have each role.
select role, count(*) as people from auth.accounts where status = 'active' group by role order by role;

-- name: FindPeopleByLogins :many
-- The accounts of those logins, which are in lower case. Whoever is to be changed is locked by LockActiveAdmins before.
select * from auth.accounts where lower(login) = any (@logins::text[]) order by id;

-- name: InsertPeople :many
-- Makes many people known, active, at version 1 and without a password. A login in use breaks accounts_one_per_login.
insert into auth.accounts (id, login, name, email, role, status, version, created_at, updated_at)
select unnest(@ids::uuid[]), unnest(@logins::text[]), unnest(@names::text[]), unnest(@emails::text[]), unnest(@roles::text[]),
       'active', 1, @now, @now
returning *;

-- name: SetProfiles :many
-- SetAccountProfile for many.
update auth.accounts a set name = n.name, email = n.email, version = a.version + 1, updated_at = @now
from (select unnest(@ids::uuid[]) as id, unnest(@names::text[]) as name, unnest(@emails::text[]) as email) n
where a.id = n.id and (a.name, a.email) is distinct from (n.name, n.email)
returning a.*;

-- name: SetRoles :many
-- SetAccountRole for many.
update auth.accounts a set role = n.role, version = a.version + 1, updated_at = @now
from (select unnest(@ids::uuid[]) as id, unnest(@roles::text[]) as role) n
where a.id = n.id and a.role <> n.role
returning a.*;

-- name: ListActiveAdmins :many
-- Everybody who is an active Admin at this moment.
select id from auth.accounts where role = 'admin' and status = 'active' order by id;

-- name: NamePeople :many
-- What people are called, by their ids.
select id, login, name from auth.accounts where id = any(@ids::uuid[]) order by id;
