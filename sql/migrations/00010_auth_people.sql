-- +goose Up

-- When the person last signed in; null until they have. It is no part of the person that events tell of.
alter table auth.accounts add column signed_in_at timestamptz;
create index accounts_by_name on auth.accounts (lower(name), id);

-- One-time links: by one a person chooses their password, or the first Admin makes themselves known. The token itself is
-- never here. A link is used up by what is done with it, never by being looked at.
create table auth.password_links (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    -- first: a new person's first password. reset: in place of one that has been taken away. first_admin: nobody is known yet.
    purpose    text not null check (purpose in ('first', 'reset', 'first_admin')),
    -- Whose password; of the link of the first Admin who came of it.
    account_id uuid references auth.accounts (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    constraint password_links_for_somebody check (account_id is not null or (purpose = 'first_admin' and used_at is null))
);
-- A newer link takes the place of the one before.
create unique index password_links_one_per_account on auth.password_links (account_id) where used_at is null;
create index password_links_by_expiry on auth.password_links (expires_at);
