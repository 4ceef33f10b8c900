-- +goose Up

create schema accounting;

-- Accounting's own copy of people, fed by User.* events.
create table accounting.people (
    id      uuid primary key,
    name    text not null,
    email   text not null,
    role    text not null,
    active  boolean not null,
    version bigint not null
);

-- What Accounting knows of a task: the price it gave it on first sight, and, as soon as Task.Created is in, its words.
-- unit is the number of minor units in a whole one, so that the range of prices holds in every currency.
create table accounting.tasks (
    id          uuid primary key,
    number      bigint,
    description text,
    unit        bigint not null check (unit > 0),
    fee         bigint not null,
    reward      bigint not null,
    priced_at   timestamptz not null,
    constraint fee_in_range check (fee between 10 * unit and 20 * unit and fee % unit = 0),
    constraint reward_in_range check (reward between 20 * unit and 40 * unit and reward % unit = 0)
);

-- +goose StatementBegin
create function accounting.refuse_change_of_price() returns trigger language plpgsql as $$
begin
    raise exception 'task % has its price already, which never changes', old.id using errcode = 'restrict_violation';
end $$;
-- +goose StatementEnd
create trigger price_is_final before update on accounting.tasks
    for each row when ((old.unit, old.fee, old.reward, old.priced_at) is distinct from (new.unit, new.fee, new.reward, new.priced_at))
    execute function accounting.refuse_change_of_price();
create trigger price_stays before delete on accounting.tasks
    for each row execute function accounting.refuse_change_of_price();

-- The ledger's accounts. A worker's wallet has the id of the worker; the four accounts of the company have fixed ids.
-- balance and version are kept for wallets only: every booking would queue up on a balance that all of them change.
create table accounting.accounts (
    id      uuid primary key,
    kind    text not null check (kind in ('wallet', 'fee_income', 'reward_expense', 'payouts_pending', 'cash')),
    balance bigint not null default 0,
    version bigint not null default 0,
    constraint company_accounts_keep_no_balance check (kind = 'wallet' or (balance = 0 and version = 0))
);
create unique index accounts_of_the_company on accounting.accounts (kind) where kind <> 'wallet';
insert into accounting.accounts (id, kind) values
    ('00000000-0000-0000-0000-000000000001', 'fee_income'),
    ('00000000-0000-0000-0000-000000000002', 'reward_expense'),
    ('00000000-0000-0000-0000-000000000003', 'payouts_pending'),
    ('00000000-0000-0000-0000-000000000004', 'cash');

-- The ledger. One row is one transfer with both of its sides, so sides that do not sum to zero cannot be written down.
-- The natural keys make a repeat of a job harmless: they are the guarantee, everything above them is convenience.
create table accounting.transfers (
    id          bigint generated always as identity primary key,
    kind        text not null check (kind in ('fee', 'reward')),
    -- Without foreign keys of their own: the checks below tie one side to the wallet and the other to a fixed account, whose
    -- row every booking would have to lock.
    debit       uuid not null,
    credit      uuid not null,
    amount      bigint not null check (amount > 0),
    wallet      uuid not null references accounting.accounts (id),
    -- The wallet's version and balance with this transfer in it.
    version     bigint not null check (version > 0),
    balance     bigint not null,
    task        uuid not null references accounting.tasks (id),
    assignment  integer not null check (assignment > 0),
    -- The business day to which it belongs, the moment its event occurred, the moment it was written down.
    day         date not null,
    occurred_at timestamptz not null,
    booked_at   timestamptz not null,
    -- The event that caused it.
    event       uuid not null,
    constraint sides_differ check (debit <> credit),
    constraint fee_moves_wallet_to_income check (kind <> 'fee'
        or (debit = wallet and credit = '00000000-0000-0000-0000-000000000001')),
    constraint reward_moves_expense_to_wallet check (kind <> 'reward'
        or (debit = '00000000-0000-0000-0000-000000000002' and credit = wallet)),
    constraint wallet_moves_one_at_a_time unique (wallet, version)
);
create unique index fee_once_per_assignment on accounting.transfers (task, assignment) where kind = 'fee';
create unique index reward_once_per_task on accounting.transfers (task) where kind = 'reward';
create index transfers_of_day on accounting.transfers (wallet, day, version);

create trigger append_only before update or delete or truncate on accounting.transfers
    for each statement execute function log.refuse_change();

-- The ledger as double entry books show it: two entries a transfer, a debit as a negative amount.
create view accounting.entries as
    select id as transfer, debit as account, -amount as amount, event from accounting.transfers
    union all
    select id, credit, amount, event from accounting.transfers;

-- Read model: what a worker was charged and paid in a business day. version is the wallet's last one that is in it.
create table accounting.daily_balances (
    worker  uuid not null,
    day     date not null,
    fees    bigint not null,
    rewards bigint not null,
    entries bigint not null,
    version bigint not null,
    primary key (worker, day)
);
