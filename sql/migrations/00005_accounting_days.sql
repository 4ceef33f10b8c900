-- +goose Up

-- The business days of the books, without gaps. open: bookings go into it; closing: no booking does any more, and its balances
-- are being reset, part by part; closed: its figures never change.
create table accounting.days (
    day       date primary key,
    begins    timestamptz not null,
    ends      timestamptz not null,
    status    text not null default 'open' check (status in ('open', 'closing', 'closed')),
    begun_at  timestamptz,
    closed_at timestamptz,
    -- Whether every event of the day had been booked, or the grace period was over.
    complete  boolean,
    constraint day_has_hours check (begins < ends),
    constraint day_closes_in_order check ((status = 'open') = (begun_at is null) and (status = 'closed') = (closed_at is not null))
);
create index days_not_closed on accounting.days (day) where status <> 'closed';

-- +goose StatementBegin
create function accounting.refuse_change_of_closed_day() returns trigger language plpgsql as $$
begin
    raise exception 'the books of % are closed', old.day using errcode = 'restrict_violation';
end $$;
-- +goose StatementEnd
create trigger closed_is_final before update or delete on accounting.days
    for each row when (old.status = 'closed') execute function accounting.refuse_change_of_closed_day();

-- The parts in which a day is closed: the wallets from one id to another, both included.
create table accounting.day_parts (
    day       date not null references accounting.days (day),
    part      integer not null check (part > 0),
    first     uuid not null,
    last      uuid not null,
    closed_at timestamptz,
    primary key (day, part)
);

-- A wallet at the end of a day. The constraints are the rule: what is positive is paid out, what is negative carried over.
create table accounting.closings (
    wallet  uuid not null references accounting.accounts (id),
    day     date not null references accounting.days (day),
    opening bigint not null check (opening <= 0),
    fees    bigint not null check (fees >= 0),
    rewards bigint not null check (rewards >= 0),
    payout  bigint not null,
    carried bigint not null,
    version bigint not null check (version > 0),
    primary key (wallet, day),
    constraint positive_is_paid check (payout = greatest(0, opening - fees + rewards)),
    constraint negative_is_carried check (carried = least(0, opening - fees + rewards))
);
create trigger append_only before update or delete or truncate on accounting.closings
    for each statement execute function log.refuse_change();

alter table accounting.accounts add column opened_at timestamptz not null default '-infinity';

alter table accounting.transfers
    drop constraint transfers_kind_check,
    alter column task drop not null,
    alter column assignment drop not null,
    add constraint transfers_kind_check check (kind in ('fee', 'reward', 'reset', 'payout')),
    add constraint tasks_have_fees_and_rewards check ((kind in ('fee', 'reward')) = (task is not null and assignment is not null)),
    add constraint reset_moves_wallet_to_pending check (kind <> 'reset'
        or (debit = wallet and credit = '00000000-0000-0000-0000-000000000003')),
    add constraint payout_moves_pending_to_cash check (kind <> 'payout'
        or (debit = '00000000-0000-0000-0000-000000000003' and credit = '00000000-0000-0000-0000-000000000004'));
create unique index reset_once_per_day on accounting.transfers (wallet, day) where kind = 'reset';
create unique index payout_once_per_day on accounting.transfers (wallet, day) where kind = 'payout';

alter table accounting.daily_balances
    add column payout bigint not null default 0,
    add column paid   bigint not null default 0,
    add column closed boolean not null default false;
