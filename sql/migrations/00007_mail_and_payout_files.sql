-- +goose Up

-- The files that tell a bank whom to pay for a day, each written in the transaction that moves its payouts to cash.
create table accounting.payout_files (
    day        date primary key references accounting.days (day),
    message_id text not null unique,
    payouts    integer not null check (payouts > 0),
    amount     bigint not null check (amount > 0),
    content    bytea not null,
    written_at timestamptz not null
);
create trigger append_only before update or delete or truncate on accounting.payout_files
    for each statement execute function log.refuse_change();

-- What a closed day left pending is looked up by the day.
create index resets_of_day on accounting.transfers (day, wallet) where kind = 'reset';

-- The daily balance messages. The natural keys are why nobody is told twice, and the states why no mail is sent twice:
-- waiting: to be sent; sending: committed just before the mail server hears of it, so one that was interrupted stays here and is
-- never sent again by itself; sent: the mail server took it; refused: the mail server will not take it, ever; kept: there is no
-- mail server or no address, and it is there to be read only.
create table accounting.messages (
    id         bigint generated always as identity primary key,
    cause      uuid not null,
    channel    text not null check (channel = 'mail'),
    person     uuid not null,
    day        date not null,
    opening    bigint not null,
    fees       bigint not null,
    rewards    bigint not null,
    payout     bigint not null,
    carried    bigint not null,
    state      text not null check (state in ('waiting', 'sending', 'sent', 'refused', 'kept')),
    address    text,
    attempts   integer not null default 0,
    -- Why the last attempt did not succeed.
    error      text,
    noted_at   timestamptz not null,
    -- When it came into its state.
    since      timestamptz not null,
    constraint messages_once_per_cause unique (cause, channel, person),
    constraint messages_once_per_day unique (person, day, channel)
);

-- What was found whenever the books were verified.
create table log.verifications (
    id     bigint generated always as identity primary key,
    at     timestamptz not null,
    sound  boolean not null,
    checks jsonb not null
);
