-- name: InsertAccount :one
-- Makes a person known, active, at version 1. A login in use breaks accounts_one_per_login.
insert into auth.accounts (id, login, name, email, role, status, version, password_hash, created_at, updated_at)
values (@id, @login, @name, @email, @role, 'active', 1, @password_hash, @now, @now)
returning *;

-- name: FindAccount :one
-- The person as of this moment.
select * from auth.accounts where id = @id;

-- name: FindAccountByLogin :one
-- The person who signs in here under that name, in whatever case it is typed.
select * from auth.accounts where lower(login) = lower(@login) and issuer is null;

-- name: FindAccountBySubject :one
-- The person for whom another provider vouches.
select * from auth.accounts where issuer = @issuer::text and subject = @subject::text;

-- name: LockActiveAdmins :many
-- Everybody who is an active Admin, none of whom can stop being one before this transaction ends. Whoever may take an
-- Admin away locks here first, so two who would take away each other come one after the other.
select id from auth.accounts where role = 'admin' and status = 'active' order by id for update;

-- name: SetAccountRole :one
-- Gives a role to somebody who has another. No row when they had it already.
update auth.accounts set role = @role, version = version + 1, updated_at = @now
where id = @id and role <> @role
returning *;

-- name: SetAccountStatus :one
-- Sets the status of somebody who has another. No row when they had it already.
update auth.accounts set status = @status, version = version + 1, updated_at = @now
where id = @id and status <> @status
returning *;

-- name: SetAccountProfile :one
-- Sets name and email of somebody who has others. No row when they had both already.
update auth.accounts set name = @name, email = @email, version = version + 1, updated_at = @now
where id = @id and (name, email) is distinct from (@name, @email)
returning *;

-- name: HasAccounts :one
select exists (select 1 from auth.accounts);

-- name: InsertVouchedAccount :one
-- Makes a person known for whom another provider vouches, active, at version 1. No row when somebody else has the login, or
-- when the person is known already.
insert into auth.accounts (id, issuer, subject, login, name, email, role, status, version, created_at, updated_at)
values (@id, @issuer::text, @subject::text, @login, @name, @email, @role, 'active', 1, @now, @now)
on conflict do nothing
returning *;

-- name: LockAccount :one
-- The person as of this moment, whom nobody else changes before this transaction ends.
select * from auth.accounts where id = @id for update;

-- name: SetAccountPassword :exec
-- Sets what the person signs in with, or takes it away.
update auth.accounts set password_hash = sqlc.narg(password_hash), updated_at = @now where id = @id and issuer is null;

-- name: NoteSignIn :exec
-- Notes when a person signed in.
update auth.accounts set signed_in_at = @now where id = @id;
