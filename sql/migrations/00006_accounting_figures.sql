-- +goose Up

-- What caused a transfer, as the ledger tells it: the name of the event, the command at the beginning of the chain, and who asked
-- for it. Transfers of before have none of the three; actor is also null where the clock was the beginning.
alter table accounting.transfers
    add column event_name  text,
    add column correlation uuid,
    add column actor       uuid;

-- The ledger is read by business day, the newest first, and in a day in the order of booking, which is that of a wallet's
-- versions too. Each index is a way to narrow it; the kinds that are not listed are too frequent to need one.
drop index accounting.transfers_of_day;
create index transfers_by_day on accounting.transfers (day, id);
create index transfers_by_wallet on accounting.transfers (wallet, day, id);
create index transfers_by_task on accounting.transfers (task, day, id) where task is not null;
create index transfers_at_close on accounting.transfers (kind, day, id) where kind in ('reset', 'payout');

create index tasks_by_number on accounting.tasks (number);
create index closings_of_day on accounting.closings (day);
create index daily_balances_of_day on accounting.daily_balances (day);

-- What a worker owes at the beginning of a business day, 0 or less: what the last close before it carried over and, where days
-- between the two are not closed yet, what was booked into those. What is positive there is still to be paid for them.
-- +goose StatementBegin
create function accounting.opening(worker uuid, of_day date) returns bigint language sql stable as $$
    select least(0, coalesce(c.carried, 0) + coalesce((
        select sum(case t.kind when 'fee' then -t.amount when 'reward' then t.amount else 0 end)
        from accounting.transfers t
        where t.wallet = worker and t.day < of_day and t.day > coalesce(c.day, '-infinity')), 0))::bigint
    from (values (1)) as one (row)
    left join lateral (
        select l.day, l.carried from accounting.closings l where l.wallet = worker and l.day < of_day order by l.day desc limit 1
    ) c on true
$$;
-- +goose StatementEnd

-- Read model: what management had of a business day, and the most expensive task that was resolved in it.
create table accounting.daily_figures (
    day            date primary key,
    fees           bigint not null default 0,
    rewards        bigint not null default 0,
    -- Workers below zero when the day was closed; before that nobody.
    below_zero     bigint not null default 0,
    dearest_task   uuid,
    dearest_reward bigint,
    dearest_at     timestamptz,
    constraint dearest_is_whole check (num_nulls(dearest_task, dearest_reward, dearest_at) in (0, 3))
);

-- Days of before this read model.
insert into accounting.daily_figures (day, fees, rewards, below_zero, dearest_task, dearest_reward, dearest_at)
select d.day, d.fees, d.rewards, (select count(*) from accounting.closings c where c.day = d.day and c.carried < 0), t.task, t.amount, t.occurred_at
from (
    select day, coalesce(sum(amount) filter (where kind = 'fee'), 0) as fees, coalesce(sum(amount) filter (where kind = 'reward'), 0) as rewards
    from accounting.transfers group by day
) d
left join lateral (
    select x.task, x.amount, x.occurred_at from accounting.transfers x
    where x.day = d.day and x.kind = 'reward' order by x.amount desc, x.occurred_at, x.task limit 1
) t on true;
