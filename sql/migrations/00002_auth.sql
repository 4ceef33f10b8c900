-- +goose Up

create schema auth;

-- People, whoever vouches for them. id is their public name: the sub of the tokens and the subject of the events.
create table auth.accounts (
    id            uuid primary key,
    -- The provider that vouches and its name for the person; both empty for people who sign in here with a password.
    issuer        text,
    subject       text,
    login         text not null check (login <> ''),
    name          text not null check (char_length(name) between 1 and 100),
    email         text not null check (email <> ''),
    role          text not null check (role in ('worker', 'manager', 'admin', 'top-manager')),
    status        text not null check (status in ('active', 'deactivated')),
    version       bigint not null check (version > 0),
    password_hash text check (password_hash like '$argon2id$%'),
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint accounts_one_per_subject unique (issuer, subject),
    constraint accounts_vouched_for_whole check ((issuer is null) = (subject is null)),
    constraint accounts_password_only_here check (password_hash is null or issuer is null)
);
create unique index accounts_one_per_login on auth.accounts (lower(login));

-- The program's own sessions, as the browser's cookie names them. A session that has ended stays as a tombstone until
-- it would have expired: a request that was on its way then cannot write it back to life.
create table auth.sessions (
    token_hash bytea primary key,
    subject    uuid references auth.accounts (id),
    data       bytea not null,
    created_at timestamptz not null,
    touched_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index sessions_by_subject on auth.sessions (subject) where subject is not null;
create index sessions_by_expiry on auth.sessions (expires_at);

-- Who has signed in at the provider, per browser. It spares the password when a client asks again.
create table auth.provider_sessions (
    token_hash bytea primary key,
    account_id uuid not null references auth.accounts (id),
    auth_time  timestamptz not null,
    amr        text[] not null,
    expires_at timestamptz not null,
    ended_at   timestamptz
);
create index provider_sessions_by_account on auth.provider_sessions (account_id);
create index provider_sessions_by_expiry on auth.provider_sessions (expires_at);

-- One authorization request: asked, then answered by a person, then its code redeemed, each at most once. The access
-- token that the code buys carries the id of the row and dies with a replay of the code.
create table auth.authorizations (
    id             uuid primary key,
    client_id      text not null,
    redirect_uri   text not null,
    state          text not null,
    nonce          text not null,
    scopes         text[] not null,
    code_challenge text not null check (char_length(code_challenge) = 43),
    browser_hash   bytea not null,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    account_id     uuid references auth.accounts (id),
    auth_time      timestamptz,
    amr            text[] not null default '{}',
    code_hash      bytea unique,
    code_issued_at timestamptz,
    redeemed_at    timestamptz,
    replayed_at    timestamptz,
    constraint authorizations_answered_whole check
        ((account_id is null) = (code_hash is null) and (account_id is null) = (auth_time is null)
         and (account_id is null) = (code_issued_at is null)),
    constraint authorizations_redeemed_after_answer check (redeemed_at is null or code_hash is not null),
    constraint authorizations_replayed_after_redeemed check (replayed_at is null or redeemed_at is not null)
);
create index authorizations_by_expiry on auth.authorizations (expires_at);

-- The keys that sign tokens. Exactly one signs; the others stay published until what they signed has expired.
create table auth.signing_keys (
    id          text primary key,
    algorithm   text not null check (algorithm = 'ES256'),
    private_key bytea not null,
    created_at  timestamptz not null,
    retired_at  timestamptz
);
create unique index signing_keys_one_signs on auth.signing_keys ((retired_at is null)) where retired_at is null;

-- The one key that seals codes and access tokens.
create table auth.sealing_key (
    only_row boolean primary key default true check (only_row),
    secret   bytea not null check (octet_length(secret) = 32)
);
