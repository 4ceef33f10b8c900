-- name: WatchDatabase :one
-- How large the database is in bytes, how full the server's queue of notifications is, from 0 to 1, and for how many seconds the oldest
-- transaction of this database has been open.
select pg_database_size(current_database())::bigint as size, pg_notification_queue_usage()::float8 as notifications,
       coalesce((select max(extract(epoch from clock_timestamp() - a.xact_start)) from pg_catalog.pg_stat_activity a
                 where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'), 0)::float8 as oldest_transaction;
