-- name: FindSignInTries :many
-- What is counted of a place, an address and a login.
select * from auth.sign_in_tries
where (kind, key) in (('place', @place::bytea), ('address', @address::bytea), ('login', @login::bytea));

-- name: CountSignInTry :execrows
-- Counts a try as a failure before it is looked at, so that tries sent at once cannot outrun the count. 0 rows, and nothing
-- counted, while there is still time to wait. The first free failures cost no wait, the next 1, 2, 4 ... seconds up to longest.
-- A count loses one failure every leak, in seconds. Where nobody has to wait, wait_until is long ago rather than now: tries at once
-- do not come in the order of their moments, and one of them must not make another wait.
insert into auth.sign_in_tries as t (kind, key, failures, counted_at, wait_until)
values (@kind, @key, 1, @now::timestamptz, 'epoch')
on conflict (kind, key) do update
set failures = greatest(t.failures - extract(epoch from excluded.counted_at - t.counted_at)::float8 / sqlc.arg(leak)::float8, 0) + 1,
    counted_at = excluded.counted_at,
    wait_until = case
        when greatest(t.failures - extract(epoch from excluded.counted_at - t.counted_at)::float8 / sqlc.arg(leak)::float8, 0) + 1 <= sqlc.arg(free)::float8 then 'epoch'
        else excluded.counted_at + make_interval(secs => least(2 ^ least(greatest(t.failures - extract(epoch from excluded.counted_at - t.counted_at)::float8 / sqlc.arg(leak)::float8, 0) - sqlc.arg(free)::float8, 30), sqlc.arg(longest)::float8))
        end
where t.wait_until <= excluded.counted_at;

-- name: ClearSignInTries :exec
-- Forgets the failures of a place from which the right password came, and takes back what was counted for the try itself.
update auth.sign_in_tries set failures = case kind when 'place' then 0 else greatest(failures - 1, 0) end, wait_until = 'epoch'
where (kind, key) in (('place', @place::bytea), ('address', @address::bytea), ('login', @login::bytea));

-- name: ReturnSignInTry :exec
-- Takes back what was counted for a try that was not looked at.
update auth.sign_in_tries set failures = greatest(failures - 1, 0), wait_until = 'epoch'
where (kind, key) in (('place', @place::bytea), ('address', @address::bytea), ('login', @login::bytea));

-- name: DeleteOldSignInTries :execrows
-- Forgets what was last counted before that moment.
delete from auth.sign_in_tries where counted_at < @before;
