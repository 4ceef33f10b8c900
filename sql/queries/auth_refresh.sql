-- name: InsertRefreshFamily :execrows
-- Begins a family with what a code has bought. No row when the code has been tried again by now: a replay that comes later
-- waits for this one and finds the family.
insert into auth.refresh_families (id, code_hash, client_id, account_id, scopes, auth_time, amr, created_at, expires_at)
select g.id, g.code_hash, g.client_id, g.account_id, g.scopes, g.auth_time, g.amr, @now::timestamptz, @expires_at
from auth.authorizations g
where g.id = @authorization_id and g.redeemed_at is not null and g.replayed_at is null
for update;

-- name: InsertRefreshToken :exec
-- Adds the first token of a family.
insert into auth.refresh_tokens (id, family, token_hash, scopes, issued_at)
values (@id, @family, @token_hash, @scopes, @now);

-- name: FindRefreshToken :one
-- A refresh token with its family, used or not, living or not.
select sqlc.embed(t), sqlc.embed(f), a.status = 'active' as active
from auth.refresh_tokens t
join auth.refresh_families f on f.id = t.family
join auth.accounts a on a.id = f.account_id
where t.token_hash = @token_hash;

-- name: RotateRefreshToken :execrows
-- Uses up a token of a family that lives and adds the one that is good from now on. Of any number of attempts, at any time, one
-- at most gets a row.
with used as (
    update auth.refresh_tokens t set used_at = @now::timestamptz
    from auth.refresh_families f
    where t.token_hash = @token_hash and t.used_at is null and f.id = t.family and f.ended_at is null
    returning t.family
)
insert into auth.refresh_tokens (id, family, token_hash, scopes, issued_at)
select @id, used.family, @next_hash, @scopes, @now::timestamptz from used;

-- name: EndRefreshFamily :exec
-- Ends a family with all of its tokens.
update auth.refresh_families set ended_at = @now::timestamptz where id = @id and ended_at is null;

-- name: EndRefreshFamilyOfCode :exec
-- Ends the family that a code began.
update auth.refresh_families set ended_at = @now::timestamptz where code_hash = @code_hash and ended_at is null;

-- name: EndRefreshFamiliesOfAccount :exec
-- Ends all families of a person.
update auth.refresh_families set ended_at = @now::timestamptz where account_id = @account_id and ended_at is null;

-- name: FindRefreshedGrant :one
-- What the access token of a turn still grants, and to whom: nothing once it or its family has ended, the token has expired, or
-- the person is no longer active.
select t.scopes, sqlc.embed(a)
from auth.refresh_tokens t
join auth.refresh_families f on f.id = t.family
join auth.accounts a on a.id = f.account_id
where t.id = @id and t.issued_at > @issued_after and t.revoked_at is null and f.ended_at is null and a.status = 'active';

-- name: FindAccessTokenClient :one
-- The client that an access token was given to.
select g.client_id from auth.authorizations g where g.id = @id and g.redeemed_at is not null
union all
select f.client_id from auth.refresh_tokens t join auth.refresh_families f on f.id = t.family where t.id = @id;

-- name: RevokeAccessToken :exec
-- Ends one access token, wherever it came from.
with bought_by_code as (
    update auth.authorizations set revoked_at = @now::timestamptz where auth.authorizations.id = @id and revoked_at is null
)
update auth.refresh_tokens set revoked_at = @now::timestamptz where auth.refresh_tokens.id = @id and revoked_at is null;

-- name: DeleteExpiredRefreshFamilies :execrows
-- Forgets families that expired before that moment, with their tokens.
delete from auth.refresh_families where expires_at < @before;
