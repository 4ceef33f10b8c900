-- name: KeepVerification :exec
-- Keeps what was found when the books were verified.
insert into log.verifications (at, sound, checks) values (@at, @sound, @checks);

-- name: LastVerification :one
select at, sound, checks from log.verifications order by id desc limit 1;

-- name: ComparedUpTo :one
-- The place in the log up to which a read model has been compared and found right, by a check of a verification from before a moment.
select coalesce(max((c.found ->> 'up_to')::bigint), 0)::bigint
from log.verifications v cross join jsonb_array_elements(v.checks) c (found)
where v.at < @before and c.found ->> 'name' = @name::text and (c.found ->> 'broken')::bigint = 0;
