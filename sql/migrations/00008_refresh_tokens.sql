-- +goose Up

-- What a client that may ask while the person is away has been granted: the family of the refresh tokens that one code began.
-- A family lives until it ends or expires, whichever is first; its tokens are worth nothing without it.
create table auth.refresh_families (
    id         uuid primary key,
    -- The code that began it. It is kept for as long as the family is, since trying it again ends the family.
    code_hash  bytea not null unique,
    client_id  text not null,
    account_id uuid not null references auth.accounts (id),
    scopes     text[] not null,
    auth_time  timestamptz not null,
    amr        text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at   timestamptz
);
create index refresh_families_by_account on auth.refresh_families (account_id);
create index refresh_families_by_expiry on auth.refresh_families (expires_at);

-- The refresh tokens of a family, one for each turn, of which the last is good. Those that were used stay, because one that
-- comes again has been stolen, from one side or the other. The access token of the same turn carries the id of the row.
create table auth.refresh_tokens (
    id         uuid primary key,
    family     uuid not null references auth.refresh_families (id) on delete cascade,
    token_hash bytea not null unique,
    -- What the access token grants, which may be less than the family does.
    scopes     text[] not null,
    issued_at  timestamptz not null,
    used_at    timestamptz,
    -- When the access token was given up by its client.
    revoked_at timestamptz
);
create index refresh_tokens_by_family on auth.refresh_tokens (family);
create unique index refresh_tokens_one_good on auth.refresh_tokens (family) where used_at is null;

-- When the access token that a code bought was given up by its client.
alter table auth.authorizations add column revoked_at timestamptz;

-- A key is published for some time before it signs, so that clients know it by then.
alter table auth.signing_keys add column signs_from timestamptz;
update auth.signing_keys set signs_from = created_at;
alter table auth.signing_keys add constraint signing_keys_signed_before_retired check (retired_at is null or signs_from is not null);
drop index auth.signing_keys_one_signs;
create unique index signing_keys_one_signs on auth.signing_keys ((true)) where signs_from is not null and retired_at is null;
create unique index signing_keys_one_is_next on auth.signing_keys ((true)) where signs_from is null;
