-- name: InsertSigningKey :exec
-- Adds a key that signs, or, without signs_from, the one that will be next, unless there is one: processes that start together
-- end up with the same.
insert into auth.signing_keys (id, algorithm, private_key, created_at, signs_from)
values (@id, @algorithm, @private_key, @now, sqlc.narg('signs_from'))
on conflict do nothing;

-- name: FindSigningKey :one
-- The key that signs.
select * from auth.signing_keys where signs_from is not null and retired_at is null;

-- name: LockSigningKey :one
-- The key that signs, which nobody else can retire before this transaction ends.
select * from auth.signing_keys where signs_from is not null and retired_at is null for update;

-- name: FindNextSigningKey :one
-- The key that is published already and will sign next.
select * from auth.signing_keys where signs_from is null;

-- name: ListPublishedKeys :many
-- The next key, the one that signs and those retired since that moment, newest first.
select * from auth.signing_keys
where retired_at is null or retired_at > @retired_after::timestamptz
order by created_at desc, id;

-- name: RetireSigningKey :exec
-- Lets a key sign no more.
update auth.signing_keys set retired_at = @now::timestamptz where id = @id;

-- name: StartSigningKey :exec
-- Lets the next key sign.
update auth.signing_keys set signs_from = @now::timestamptz where id = @id;

-- name: DeleteRetiredSigningKeys :execrows
-- Forgets keys that were retired before that moment.
delete from auth.signing_keys where retired_at < @before::timestamptz;
