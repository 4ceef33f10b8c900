-- +goose Up

-- Tries to sign in with a password, counted as failures until they turn out right. Of a key only a hash is kept, because
-- people type passwords where a login belongs. A count loses a part of itself as time passes, so it is no whole number.
create table auth.sign_in_tries (
    kind       text not null check (kind in ('place', 'address', 'login')),
    key        bytea not null check (octet_length(key) = 32),
    failures   double precision not null check (failures >= 0),
    counted_at timestamptz not null,
    wait_until timestamptz not null,
    primary key (kind, key)
);
create index sign_in_tries_by_time on auth.sign_in_tries (counted_at);

-- The public halves of the keys with which people sign in without a password (WebAuthn).
create table auth.passkeys (
    id              uuid primary key,
    account_id      uuid not null references auth.accounts (id),
    credential_id   bytea not null check (octet_length(credential_id) between 1 and 1023),
    public_key      bytea not null,
    -- How often the key has signed, as it says itself; always 0 for keys that do not count.
    sign_count      bigint not null check (sign_count >= 0),
    -- Whether the key may be copied between devices, which it must say again each time.
    backup_eligible boolean not null,
    name            text not null check (char_length(name) between 1 and 60),
    added_at        timestamptz not null,
    used_at         timestamptz,
    constraint passkeys_one_per_credential unique (credential_id)
);
create index passkeys_by_account on auth.passkeys (account_id);

-- Challenges that a passkey has still to answer, each once, in the browser that asked. Those with an account add a passkey
-- to it; those without let somebody in.
create table auth.passkey_challenges (
    challenge_hash bytea primary key,
    browser_hash   bytea not null,
    account_id     uuid references auth.accounts (id),
    session        jsonb not null,
    expires_at     timestamptz not null
);
create index passkey_challenges_by_expiry on auth.passkey_challenges (expires_at);
