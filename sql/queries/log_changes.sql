-- name: RecordChange :exec
-- Notes which topics a transaction changes, for open pages to be told when it has committed.
insert into log.changes (topics, at) values (@topics, @at);

-- name: CurrentCursor :one
-- The cursor of this moment: whoever reads anything after this call has seen every change below it. It begins with the timeline of the
-- server, which is another one after each failover: a standby that takes over counts transactions on from the last that it has heard of,
-- and so gives numbers once more that were seen before. A standby may say for a while that it is on the timeline before.
select pg_snapshot_xmin(pg_current_snapshot())::text as xid,
    case when pg_is_in_recovery()
        then (select greatest(c.timeline_id, r.min_recovery_end_timeline) from pg_control_checkpoint() c, pg_control_recovery() r)
        else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end::int as timeline;

-- name: ReadChanges :many
-- The committed changes that a reader may have missed whose cursor is at a transaction of this timeline. Some of them it may have
-- seen already: transactions do not commit in the order in which they write.
select position, topics from log.changes where xid >= (@xid::text)::xid8 order by position;

-- name: OldestChange :one
-- The transaction below which changes have been forgotten; readers further back reload everything.
select coalesce(min(xid), pg_snapshot_xmin(pg_current_snapshot()))::text as xid from log.changes;

-- name: ForgetChanges :execrows
delete from log.changes where at < @before;

-- name: NotifyChanges :exec
-- Wakes the listeners of every process. It takes a lock over the whole database at commit, so it has a transaction of its own.
-- What it says are the traces that the changes belong to, as W3C names them, with blanks between; nothing where nobody traces.
select pg_notify('changes', @traces::text);
