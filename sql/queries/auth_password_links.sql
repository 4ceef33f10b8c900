-- name: InsertPasswordLinks :exec
-- Gives each of these people a link for a password. Whoever had an unused one must have lost it before.
insert into auth.password_links (token_hash, purpose, account_id, created_at, expires_at)
select unnest(@token_hashes::bytea[]), unnest(@purposes::text[]), unnest(@accounts::uuid[]), @now, @expires_at;

-- name: DeleteUnusedLinksOf :exec
-- Voids the links of these people that have not been used.
delete from auth.password_links where account_id = any (@accounts::uuid[]) and used_at is null;

-- name: FindPasswordLink :one
-- A link as it is, used or not, as long as it has not expired.
select * from auth.password_links where token_hash = @token_hash and expires_at > @now;

-- name: UsePasswordLink :execrows
-- Uses a link up: of any number of tries one at most finds a row.
update auth.password_links set used_at = @now, account_id = @account_id
where token_hash = @token_hash and used_at is null and expires_at > @now;

-- name: LockFirstAdmin :exec
-- Has those who would invite or become the first Admin come one after the other, until this transaction ends.
select pg_advisory_xact_lock(hashtext('auth.first_admin'));

-- name: InsertFirstAdminLink :exec
insert into auth.password_links (token_hash, purpose, created_at, expires_at) values (@token_hash, 'first_admin', @now, @expires_at);

-- name: DeleteFirstAdminLinks :exec
-- Voids the unused links for the first Admin that were made before that moment.
delete from auth.password_links where purpose = 'first_admin' and used_at is null and created_at < @before;

-- name: DeleteExpiredPasswordLinks :execrows
-- Forgets links that expired before that moment, used or not.
delete from auth.password_links where expires_at < @before;
