-- name: LastTransfer :one
select coalesce(max(id), 0)::bigint from accounting.transfers;

-- name: SealTransfers :one
-- Seals the transfers after the last seal up to an id, at most so many. No row: there is none to seal. Nobody may be about to write
-- one at or below that id any more.
with before as (
    select number, last, digest from accounting.seals order by number desc limit 1
), sealed as materialized (
    select t.id as key, accounting.digest(t) as digest from accounting.transfers t
    where t.id > coalesce((select last from before), 0) and t.id <= sqlc.arg(up_to)::bigint
    order by t.id limit sqlc.arg(most)
), block as (
    select count(*) as row_count, max(key) as last, string_agg(int8send(key) || substr(digest, 1, 8), ''::bytea order by key) as marks,
           string_agg(digest, ''::bytea order by key) as digests
    from sealed
)
insert into accounting.seals (number, last, row_count, marks, digest, sealed_at)
select coalesce(b.number, 0) + 1, n.last, n.row_count, n.marks,
       accounting.seal_digest(b.digest, coalesce(b.number, 0) + 1, n.last, n.row_count, n.digests), sqlc.arg(at)
from block n left join before b on true
where n.row_count > 0
returning number, last, row_count, digest;
