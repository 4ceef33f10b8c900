-- name: KeepVerification :exec
-- Keeps what was found when the books were verified.
insert into log.verifications (at, sound, checks) values (@at, @sound, @checks);

-- name: LastVerification :one
select at, sound, checks from log.verifications order by id desc limit 1;
