-- name: InsertAuthorization :exec
-- Notes what a client asks for and which browser asks.
insert into auth.authorizations
    (id, client_id, redirect_uri, state, nonce, scopes, code_challenge, browser_hash, created_at, expires_at)
values
    (@id, @client_id, @redirect_uri, @state, @nonce, @scopes, @code_challenge, @browser_hash, @now, @expires_at);

-- name: FindOpenAuthorization :one
-- A request that waits for a person to sign in, asked for by this browser.
select * from auth.authorizations
where id = @id and browser_hash = @browser_hash and account_id is null and expires_at > @now;

-- name: AnswerAuthorization :one
-- Grants a waiting request of this browser to a person and stores the code. No row when it does not wait any more.
update auth.authorizations
set account_id = @account_id::uuid, auth_time = @auth_time::timestamptz, amr = @amr,
    code_hash = @code_hash, code_issued_at = @now::timestamptz
where id = @id and browser_hash = @browser_hash and account_id is null and expires_at > @now::timestamptz
returning *;

-- name: RedeemAuthorization :one
-- Uses up a code that is fresh. Of any number of attempts, at any time, one at most gets the row.
update auth.authorizations set redeemed_at = @now::timestamptz
where code_hash = @code_hash and redeemed_at is null and code_issued_at > @issued_after::timestamptz
returning *;

-- name: ReplayAuthorization :execrows
-- Marks a used code as tried again, which ends the access token it bought (RFC 6749, section 4.1.2).
update auth.authorizations set replayed_at = @now::timestamptz
where code_hash = @code_hash and redeemed_at is not null and replayed_at is null;

-- name: FindGrant :one
-- What the access token with this id still grants, and to whom: nothing once the code was replayed, the token has
-- expired or was revoked, or the person is no longer active.
select g.scopes, sqlc.embed(a)
from auth.authorizations g join auth.accounts a on a.id = g.account_id
where g.id = @id and g.redeemed_at > @redeemed_after::timestamptz and g.replayed_at is null and g.revoked_at is null
  and a.status = 'active';

-- name: DeleteExpiredAuthorizations :execrows
-- Forgets requests that expired before that moment.
delete from auth.authorizations where expires_at < @before;

-- name: InsertProviderSession :exec
-- Notes that a person has signed in at the provider in a browser.
insert into auth.provider_sessions (token_hash, account_id, auth_time, amr, expires_at)
values (@token_hash, @account_id, @auth_time, @amr, @expires_at);

-- name: FindProviderSession :one
-- Who is signed in at the provider in a browser: nobody once it ended or expired, or the person is no longer active.
select s.account_id, s.auth_time, s.amr
from auth.provider_sessions s join auth.accounts a on a.id = s.account_id
where s.token_hash = @token_hash and s.ended_at is null and s.expires_at > @now and a.status = 'active';

-- name: EndProviderSession :exec
-- Signs a browser out at the provider.
update auth.provider_sessions set ended_at = @now::timestamptz where token_hash = @token_hash and ended_at is null;

-- name: EndProviderSessionsOfAccount :exec
-- Signs a person out at the provider in every browser.
update auth.provider_sessions set ended_at = @now::timestamptz where account_id = @account_id and ended_at is null;

-- name: DeleteExpiredProviderSessions :execrows
-- Forgets sign-ins that expired before that moment.
delete from auth.provider_sessions where expires_at < @before;

-- name: InsertSealingKey :exec
-- Stores the key that seals codes and tokens, unless there is one.
insert into auth.sealing_key (secret) values (@secret) on conflict do nothing;

-- name: FindSealingKey :one
-- The key that seals codes and tokens.
select secret from auth.sealing_key;
