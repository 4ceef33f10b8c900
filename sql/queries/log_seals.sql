-- name: LastEventPosition :one
select coalesce(max(position), 0)::bigint from log.events;

-- name: SealEvents :one
-- Seals the events after the last seal up to a position, at most so many. No row: there is none to seal. Nobody may be about to
-- write one at or below that position any more.
with before as (
    select number, last, digest from log.seals order by number desc limit 1
), sealed as materialized (
    select e.position as key, log.digest(e) as digest from log.events e
    where e.position > coalesce((select last from before), 0) and e.position <= sqlc.arg(up_to)::bigint
    order by e.position limit sqlc.arg(most)
), block as (
    select count(*) as row_count, max(key) as last, string_agg(int8send(key) || substr(digest, 1, 8), ''::bytea order by key) as marks,
           string_agg(digest, ''::bytea order by key) as digests
    from sealed
)
insert into log.seals (number, last, row_count, marks, digest, sealed_at)
select coalesce(b.number, 0) + 1, n.last, n.row_count, n.marks,
       log.seal_digest(b.digest, coalesce(b.number, 0) + 1, n.last, n.row_count, n.digests), sqlc.arg(at)
from block n left join before b on true
where n.row_count > 0
returning number, last, row_count, digest;

-- name: TryToSeal :one
-- Whether this transaction is the only one that seals.
select pg_try_advisory_xact_lock(hashtextextended('ates seals', 0));
