-- +goose Up

-- What the board is sorted by, the highest first. A task without prices comes after all others. "at time zone" makes the time of a
-- change something that does not depend on the settings of a session, as an index wants it.
create index board_by_fee on tracker.board ((coalesce(fee, -1)), number) where description is not null;
create index board_by_reward on tracker.board ((coalesce(reward, -1)), number) where description is not null;
create index board_by_change on tracker.board (((extract(epoch from since at time zone 'UTC') * 1000000)::bigint), number) where description is not null;
-- Among a great many resolved tasks the few open ones are found at once.
create index board_open on tracker.board (number) where status = 'open' and description is not null;

-- Read model: the words of each task, by the beginning of which it is found. They stand apart from the board because they never
-- change while the rest of it does, and their index is costly to change.
create table tracker.board_words (
    task  uuid primary key,
    words tsvector not null
);
create index board_words_by_word on tracker.board_words using gin (words);

-- Whatever is neither a letter nor a digit parts words, so that "login.Then" is two of them and not the name of a host.
create function tracker.words_of(text) returns tsvector language sql immutable parallel safe
    return to_tsvector('simple', regexp_replace($1, '[^[:alnum:]]+', ' ', 'g'));
insert into tracker.board_words (task, words) select task, tracker.words_of(description) from tracker.board where description is not null;

-- How many tasks the board shows: the sum over the rows. Each statement that changes the board adds a row and takes in those that
-- nobody else is at, so that nobody waits for anybody and the rows stay few.
create table tracker.board_counts (
    open     bigint not null,
    resolved bigint not null
);
insert into tracker.board_counts (open, resolved)
select count(*) filter (where status = 'open'), count(*) filter (where status = 'resolved')
from tracker.board where description is not null and version > 0;

-- +goose StatementBegin
create function tracker.count_board() returns trigger language plpgsql as $$
declare
    opened bigint := 0;
    closed bigint := 0;
    n record;
begin
    if tg_op = 'TRUNCATE' then
        delete from tracker.board_counts;
        return null;
    end if;
    if tg_op <> 'DELETE' then
        select count(*) filter (where status = 'open') as open, count(*) filter (where status = 'resolved') as resolved into n
        from after_rows where description is not null and version > 0;
        opened := n.open;
        closed := n.resolved;
    end if;
    if tg_op <> 'INSERT' then
        select count(*) filter (where status = 'open') as open, count(*) filter (where status = 'resolved') as resolved into n
        from before_rows where description is not null and version > 0;
        opened := opened - n.open;
        closed := closed - n.resolved;
    end if;
    if opened <> 0 or closed <> 0 then
        with taken as (
            delete from tracker.board_counts
            where ctid = any (array(select ctid from tracker.board_counts limit 100 for update skip locked))
            returning open, resolved
        )
        insert into tracker.board_counts (open, resolved)
        select opened + coalesce(sum(open), 0)::bigint, closed + coalesce(sum(resolved), 0)::bigint from taken;
    end if;
    return null;
end $$;
-- +goose StatementEnd
create trigger counted_in after insert on tracker.board
    referencing new table as after_rows for each statement execute function tracker.count_board();
create trigger counted_anew after update on tracker.board
    referencing old table as before_rows new table as after_rows for each statement execute function tracker.count_board();
create trigger counted_out after delete on tracker.board
    referencing old table as before_rows for each statement execute function tracker.count_board();
create trigger none_left after truncate on tracker.board for each statement execute function tracker.count_board();
