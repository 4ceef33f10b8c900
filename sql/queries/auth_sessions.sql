-- name: FindSession :one
-- The data of a session that has neither ended, nor expired, nor lain idle.
select data, touched_at from auth.sessions
where token_hash = @token_hash and revoked_at is null and expires_at > @now and touched_at > @idle_since;

-- name: FindSessionPerson :one
-- Whose session it is, if it lives and its person is active; it is not touched by this.
select a.id from auth.sessions s join auth.accounts a on a.id = s.subject
where s.token_hash = @token_hash and s.revoked_at is null and s.expires_at > @now and s.touched_at > @idle_since
  and a.status = 'active';

-- name: SaveSession :exec
-- Writes a session, new or known, and never one that has ended. The moment it expires is set once, when it is new. What a known one
-- remembers, such as the message for its next page, need not survive a crash of Postgres, so nobody waits until it is on disk.
insert into auth.sessions (token_hash, subject, user_agent, data, created_at, touched_at, expires_at)
select @token_hash, @subject, @user_agent, @data, @now, @now, @expires_at
from (select set_config('synchronous_commit', 'off', true) from auth.sessions where token_hash = @token_hash union all select '' limit 1) lazily
on conflict (token_hash) do update
set subject = excluded.subject, user_agent = excluded.user_agent, data = excluded.data, touched_at = excluded.touched_at
where auth.sessions.revoked_at is null;

-- name: TouchSession :exec
-- Notes that a session is in use.
update auth.sessions set touched_at = @now where token_hash = @token_hash and revoked_at is null;

-- name: RevokeSession :exec
-- Ends a session for good and forgets what was in it.
update auth.sessions set revoked_at = @now, data = '' where token_hash = @token_hash and revoked_at is null;

-- name: RevokeSessionsOfSubject :exec
-- Ends all sessions of a person for good.
update auth.sessions set revoked_at = @now, data = '' where subject = @subject::uuid and revoked_at is null;

-- name: ListSessionsOfSubject :many
-- A person's sessions that live, the one used last first; mine is the one that the token names.
select id, user_agent, created_at, touched_at, (token_hash = @token_hash)::boolean as mine from auth.sessions
where subject = @subject::uuid and revoked_at is null and expires_at > @now and touched_at > @idle_since
order by touched_at desc, id;

-- name: RevokeOneSession :execrows
-- Ends one session of a person for good, if it is theirs and lives.
update auth.sessions set revoked_at = @now, data = '' where id = @id and subject = @subject::uuid and revoked_at is null;

-- name: RevokeOtherSessions :execrows
-- Ends all sessions of a person for good but one.
update auth.sessions set revoked_at = @now, data = '' where id <> @keep and subject = @subject::uuid and revoked_at is null;

-- name: DeleteExpiredSessions :execrows
-- Forgets sessions and tombstones that expired before that moment.
delete from auth.sessions where expires_at < @before;
