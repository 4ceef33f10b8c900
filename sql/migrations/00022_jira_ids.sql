-- +goose NO TRANSACTION
-- +goose Up

-- A task may have an id in Jira, which Task.Created tells beside the title from version 2 on; description is the title then. Version 1
-- told both as one: "[POPUG-42] - Title". Programs of before may run beside this one for a while, read these tables and write them as
-- they always have, so what they know stays as it is. Every step commits by itself and may be done again: a column that is added holds its
-- table for a moment, which must not last for as long as the filling below.
alter table tracker.tasks add column if not exists jira_id text;
alter table tracker.board add column if not exists jira_id text;
alter table accounting.tasks add column if not exists jira_id text;
alter table tracker.tasks drop constraint if exists jira_id_is_one,
    add constraint jira_id_is_one check (jira_id ~ '^[A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9}$') not valid;
alter table tracker.tasks validate constraint jira_id_is_one;

-- What a program of before writes into a read model, or has written, is taken apart as tracker.Upcast does it. This one sets jira_id
-- itself and is left alone: it writes a title, which may begin like that too where version 1 told it so. A row is always updated after
-- its words have come into it, and so is not looked at before. To be dropped when no program of before can be running any more.
-- +goose StatementBegin
create or replace function tracker.split_description() returns trigger language plpgsql as $$
declare
    parts text[] := regexp_match(new.description, '^\[([A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9})\] - (.+)$');
begin
    if parts is not null and (new.jira_id is null
            or new.jira_id = parts[1] and new.jira_id is not distinct from old.jira_id and new.description is distinct from old.description) then
        new.jira_id := parts[1];
        new.description := parts[2];
    end if;
    return new;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
create or replace function accounting.split_description() returns trigger language plpgsql as $$
declare
    parts text[] := regexp_match(new.description, '^\[([A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9})\] - (.+)$');
begin
    if parts is not null and (new.jira_id is null
            or new.jira_id = parts[1] and new.jira_id is not distinct from old.jira_id and new.description is distinct from old.description) then
        new.jira_id := parts[1];
        new.description := parts[2];
    end if;
    return new;
end $$;
-- +goose StatementEnd
create or replace trigger split_description before update on tracker.board
    for each row when (new.description like '[%') execute function tracker.split_description();
create or replace trigger split_description before update on accounting.tasks
    for each row when (new.description like '[%') execute function accounting.split_description();

-- Rows of before, some at a time, in the order in which jobs lock them. A rebuild would do the same and take as long as the whole log.
-- tracker.tasks is left as it is: nothing may change a task that is resolved, and pages and mails take words from the board.
-- +goose StatementBegin
do $$
declare
    last uuid := '00000000-0000-0000-0000-000000000000';
    batch uuid[];
begin
    loop
        batch := array(select b.task from tracker.board b where b.task > last and b.description like '[%' order by b.task limit 2000 for update);
        exit when cardinality(batch) = 0;
        update tracker.board set description = description where task = any(batch);
        commit;
        last := batch[cardinality(batch)];
    end loop;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$
declare
    last uuid := '00000000-0000-0000-0000-000000000000';
    batch uuid[];
begin
    loop
        batch := array(select t.id from accounting.tasks t where t.id > last and t.description like '[%' order by t.id limit 2000 for update);
        exit when cardinality(batch) = 0;
        update accounting.tasks set description = description where id = any(batch);
        commit;
        last := batch[cardinality(batch)];
    end loop;
end $$;
-- +goose StatementEnd

-- Notifications with what they speak of: the words of the board, and those of the task itself until the board has it.
create or replace view tracker.told as
select n.id, n.cause, n.channel, n.person, n.kind, n.actor, n.task, n.draw, n.given_count, n.taken_count, n.fees, n.state, n.address, n.attempts, n.error,
       n.noted_at, n.since,
       coalesce(p.name, '')::text as name, coalesce(a.name, '')::text as actor_name, coalesce(t.number, 0)::bigint as number,
       coalesce(b.description, t.description, '')::text as description, b.fee, b.reward,
       coalesce(case when b.description is null then t.jira_id else b.jira_id end, '')::text as jira_id
from tracker.notifications n
left join tracker.people p on p.id = n.person
left join tracker.people a on a.id = n.actor
left join tracker.tasks t on t.id = n.task
left join tracker.board b on b.task = n.task;
