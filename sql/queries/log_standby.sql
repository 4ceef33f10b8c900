-- name: PrimaryPosition :one
-- How far the write-ahead log has come, in bytes: whatever has been committed by now lies before written, and before durable unless it was
-- committed without waiting for that. Standbys get what is durable; the rest of an idle server may take its time. And which cluster it is.
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as written, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint as durable,
       (select system_identifier from pg_control_system())::bigint as cluster;

-- name: StandbyPosition :one
-- How much of the write-ahead log a standby shows, in bytes, -1 where the server is none; and which cluster wrote it.
select (case when pg_is_in_recovery() then coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0) else -1 end)::bigint as position,
       (select system_identifier from pg_control_system())::bigint as cluster;
