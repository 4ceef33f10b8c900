-- +goose Up

-- What is append only is sealed: each seal is a digest (SHA-256) of some thousands of rows and of the seal before it, so that no row can
-- be changed, deleted or slipped in later without every seal from there on being wrong. A seal stands for the rows whose key is above
-- that of the seal before it, up to last. marks has, for each of them, 8 bytes of key and 8 of digest, so that the row can be named.

-- The digests are of the columns of today by name, so that a column that is added later leaves them as they are.
-- +goose StatementBegin
create function log.digest(e log.events) returns bytea language sql stable parallel safe as $$
    select sha256(convert_to(jsonb_build_array(e.position, e.id, e.batch, e.name, e.version, extract(epoch from e.occurred_at), e.producer,
        e.subject, e.subject_version, e.actor, e.correlation_id, e.causation_id, e.data)::text, 'UTF8'))
$$;
create function accounting.digest(t accounting.transfers) returns bytea language sql stable parallel safe as $$
    select sha256(convert_to(jsonb_build_array(t.id, t.kind, t.debit, t.credit, t.amount, t.wallet, t.version, t.balance, t.task, t.assignment,
        t.day - date '2000-01-01', extract(epoch from t.occurred_at), extract(epoch from t.booked_at), t.event, t.event_name, t.correlation, t.actor)::text, 'UTF8'))
$$;
-- The digest of a seal: of the digest before it, of what it says it stands for, and of the digests of its rows in their order.
create function log.seal_digest(previous bytea, number bigint, last bigint, row_count bigint, digests bytea) returns bytea
language sql immutable parallel safe as $$
    select sha256(coalesce(previous, ''::bytea) || int8send(number) || int8send(last) || int8send(row_count) || sha256(digests))
$$;
create function accounting.seal_digest(previous bytea, number bigint, last bigint, row_count bigint, digests bytea) returns bytea
language sql immutable parallel safe as $$
    select sha256(coalesce(previous, ''::bytea) || int8send(number) || int8send(last) || int8send(row_count) || sha256(digests))
$$;
-- +goose StatementEnd

create table log.seals (
    number    bigint primary key check (number > 0),
    last      bigint not null unique,
    row_count bigint not null check (row_count > 0),
    marks     bytea not null check (length(marks) = 16 * row_count),
    digest    bytea not null check (length(digest) = 32),
    sealed_at timestamptz not null
);
create trigger append_only before update or delete or truncate on log.seals
    for each statement execute function log.refuse_change();

create table accounting.seals (
    number    bigint primary key check (number > 0),
    last      bigint not null unique,
    row_count bigint not null check (row_count > 0),
    marks     bytea not null check (length(marks) = 16 * row_count),
    digest    bytea not null check (length(digest) = 32),
    sealed_at timestamptz not null
);
create trigger append_only before update or delete or truncate on accounting.seals
    for each statement execute function log.refuse_change();
