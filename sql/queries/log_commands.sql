-- name: RecordCommands :many
-- Records that people asked for commands of a name; an empty key is none. It returns the ids of those that have not been sent before by the
-- same actor with the same key; of two in the lists with the same key it is the first. The statement waits for a sending that is still under way.
insert into log.commands (id, name, actor, key, input, request_id, occurred_at)
select unnest(@ids::uuid[]), @name, unnest(@actors::uuid[]), nullif(unnest(@keys::text[]), ''), unnest(@inputs::text[])::jsonb, unnest(@request_ids::text[]), @occurred_at
on conflict on constraint commands_act_once do nothing
returning id;

-- name: RecordOutcomes :exec
-- Keeps what commands answered, to be answered again when they are sent again, and when they had done their work.
update log.commands c set outcome = o.outcome, done_at = @done_at::timestamptz
from (select unnest(@ids::uuid[]) as id, unnest(@outcomes::text[])::jsonb as outcome) o where c.id = o.id;

-- name: FindOutcome :one
-- The earlier sending of a keyed command: whether it asked for the same, and what it answered.
select outcome, (input = @input::jsonb)::boolean as same
from log.commands where actor = @actor and name = @name and key = @key::text;

-- name: HasCommand :one
-- Whether an actor has sent a command with this key.
select exists (select 1 from log.commands where actor = @actor and key = @key::text);

-- name: AwaitReplication :exec
-- Writes a little to the write-ahead log, so that the commit of this transaction waits for synchronous standbys, if there are any, and so
-- for whatever this transaction has seen. A transaction that only reads waits for nothing.
select pg_logical_emit_message(true, 'ates', '');
