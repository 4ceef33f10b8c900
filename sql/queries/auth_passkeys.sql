-- name: InsertPasskey :execrows
-- Adds a passkey to an active person who signs in here and has fewer than most of them. 0 rows for anybody else. One that is
-- known already breaks passkeys_one_per_credential.
insert into auth.passkeys (id, account_id, credential_id, public_key, sign_count, backup_eligible, name, added_at)
select @id, a.id, @credential_id, @public_key, @sign_count, @backup_eligible, @name, @now
from auth.accounts a
where a.id = @account_id and a.status = 'active' and a.issuer is null
  and (select count(*) from auth.passkeys p where p.account_id = a.id) < @most::bigint;

-- name: ListPasskeys :many
-- A person's passkeys, the newest first.
select * from auth.passkeys where account_id = @account_id order by added_at desc, id;

-- name: FindPasskey :one
-- The passkey with that credential id, if its person is active.
select p.* from auth.passkeys p join auth.accounts a on a.id = p.account_id
where p.credential_id = @credential_id and a.status = 'active';

-- name: UsePasskey :one
-- Notes that a passkey has signed, and returns whose it is. No row when its count did not go up as it must, which a copy of
-- the key would explain (WebAuthn 6.1.1), or when the passkey is gone or its person no longer active.
update auth.passkeys p set sign_count = @sign_count, used_at = @now::timestamptz
from auth.accounts a
where a.id = p.account_id and a.status = 'active' and p.credential_id = @credential_id
  and (p.sign_count < @sign_count or (p.sign_count = 0 and @sign_count = 0))
returning a.id;

-- name: DeletePasskey :execrows
-- Forgets a passkey of a person.
delete from auth.passkeys where id = @id and account_id = @account_id;

-- name: InsertPasskeyChallenge :exec
-- Notes what a browser was asked to have a passkey sign.
insert into auth.passkey_challenges (challenge_hash, browser_hash, account_id, session, expires_at)
values (@challenge_hash, @browser_hash, sqlc.narg(account_id), @session, @expires_at);

-- name: TakePasskeyChallenge :one
-- Returns what this browser was asked, once, and only for what it was asked: to add a passkey to that person, or to let somebody in.
delete from auth.passkey_challenges
where challenge_hash = @challenge_hash and browser_hash = @browser_hash and expires_at > @now
  and account_id is not distinct from sqlc.narg(account_id)
returning session;

-- name: DeleteExpiredPasskeyChallenges :execrows
-- Forgets challenges that expired before that moment.
delete from auth.passkey_challenges where expires_at < @before;
