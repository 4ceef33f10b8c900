-- name: ShareOpenDays :exec
-- Keeps days from beginning to close until the transaction ends; bookings hold this together.
select pg_advisory_xact_lock_shared(7291947);

-- name: HoldOpenDays :exec
-- Waits until nobody books, and keeps everybody from it until the transaction ends.
select pg_advisory_xact_lock(7291947);

-- name: HoldSweep :exec
-- Lets one sweep work at a time, in all processes together.
select pg_advisory_xact_lock(7291948);

-- name: FirstOpenDay :one
-- The oldest day that takes bookings; no row before the books were opened.
select day from accounting.days where status = 'open' order by day limit 1;

-- name: NextDayToOpen :one
-- The day after the newest of the books; before they were opened the day of the oldest transfer, or the day of the oldest
-- event that is still to be booked, whichever is earlier.
select coalesce((select max(d.day) + 1 from accounting.days d), least((select min(t.day) from accounting.transfers t), @unbooked::date))::date as next;

-- name: OpenDay :exec
-- Opens a day of the books; one that is open stays as it is.
insert into accounting.days (day, begins, ends) values (@day, @begins, @ends) on conflict (day) do nothing;

-- name: OldestDayNotClosed :one
select day, ends, status from accounting.days where status <> 'closed' order by day limit 1;

-- name: BeginClosing :exec
update accounting.days set status = 'closing', begun_at = @at::timestamptz, complete = @complete::boolean where day = @day and status = 'open';

-- name: CutDay :many
-- Cuts the wallets that a day is to be closed for, those opened before its end, into parts of a size.
with wallets as (
    select a.id, (row_number() over (order by a.id) - 1) / @size::int as part
    from accounting.accounts a where a.kind = 'wallet' and a.opened_at < @ends
)
insert into accounting.day_parts (day, part, first, last)
select @day, w.part + 1, (array_agg(w.id order by w.id))[1], (array_agg(w.id order by w.id desc))[1]
from wallets w group by w.part order by w.part
returning part;

-- name: LockDayPart :one
-- Locks a part of a day until the transaction ends. No row: it is closed already, or there is no such part.
select p.first, p.last, d.ends from accounting.day_parts p join accounting.days d on d.day = p.day
where p.day = @day and p.part = @part and p.closed_at is null
for update of p;

-- name: LockWalletsFrom :exec
select a.id from accounting.accounts a
where a.kind = 'wallet' and a.id >= @first and a.id <= @last and a.opened_at < @ends order by a.id for no key update;

-- name: ResetBalances :many
-- Closes a day for the wallets from first to last: works out what each is paid and what it carries over, and moves what is paid
-- to payouts pending. The wallets must be locked. A wallet for which the day has been closed is left alone.
-- The day is a range that the planner does not know the ends of: of a day that is as young as this one its statistics know nothing, so
-- that by the day alone it would read all of its rows for each wallet. With a guess in their place it takes the index of wallet and day.
-- Closings have one of these only, where wallet and day are compared as one.
with figures as (
    select w.id as wallet, coalesce(p.carried, 0) as opening, s.fees, s.rewards, w.version, w.balance
    from accounting.accounts w cross join (select @day::date as day offset 0) d
    left join accounting.closings p on p.wallet = w.id and (p.wallet, p.day) >= (w.id, @day_before::date) and (p.wallet, p.day) <= (w.id, @day_before)
    cross join lateral (
        select coalesce(sum(t.amount) filter (where t.kind = 'fee'), 0)::bigint as fees,
               coalesce(sum(t.amount) filter (where t.kind = 'reward'), 0)::bigint as rewards
        from accounting.transfers t where t.wallet = w.id and t.day between d.day and d.day
    ) s
    where w.kind = 'wallet' and w.id >= @first and w.id <= @last and w.opened_at < @ends
      and not exists (select 1 from accounting.closings c where c.wallet = w.id and (c.wallet, c.day) >= (w.id, @day) and (c.wallet, c.day) <= (w.id, @day))
), closed as (
    insert into accounting.closings (wallet, day, opening, fees, rewards, payout, carried, version)
    select f.wallet, @day, f.opening, f.fees, f.rewards, greatest(0, f.opening - f.fees + f.rewards), least(0, f.opening - f.fees + f.rewards), f.version + 1
    from figures f order by f.wallet
    returning wallet, opening, fees, rewards, payout, carried, version
), moved as (
    insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, day, occurred_at, booked_at, event, event_name, correlation)
    select 'reset', c.wallet, '00000000-0000-0000-0000-000000000003', c.payout, c.wallet, c.version, f.balance - c.payout, @day, @ends, @booked_at, @event, @event_name::text, @correlation::uuid
    from closed c join figures f on f.wallet = c.wallet where c.payout > 0 order by c.wallet
), kept as (
    update accounting.accounts w set balance = w.balance - c.payout, version = c.version from closed c where w.id = c.wallet
)
select wallet, opening, fees, rewards, payout, carried, version from closed order by wallet;

-- name: ClosePart :exec
update accounting.day_parts set closed_at = @at::timestamptz where day = @day and part = @part;

-- name: LockDay :exec
-- Makes whoever finishes parts of one day finish one after the other. Closings refer to the day, so everybody who comes here shares
-- its key already: a lock that is against that would have them wait for one another in a circle.
select day from accounting.days where day = @day for no key update;

-- name: CountOpenParts :one
select count(*) from accounting.day_parts where day = @day and closed_at is null;

-- name: CloseDay :execrows
update accounting.days set status = 'closed', closed_at = @at::timestamptz where day = @day and status = 'closing';

-- name: CommitPayouts :many
-- Moves the pending payouts of wallets and days to cash and returns those that this call moved. The wallets must be locked.
with asked as (
    select unnest(@wallets::uuid[]) as wallet, unnest(@days::date[]) as day, unnest(@events::uuid[]) as event, unnest(@event_names::text[]) as event_name,
           unnest(@correlations::uuid[]) as correlation
), fresh as (
    select a.wallet, a.day, a.event, a.event_name, a.correlation, r.amount, r.occurred_at
    from asked a join accounting.transfers r on r.kind = 'reset' and r.wallet = a.wallet and r.day = a.day
    where not exists (select 1 from accounting.transfers p where p.kind = 'payout' and p.wallet = a.wallet and p.day = a.day)
), booked as (
    insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, day, occurred_at, booked_at, event, event_name, correlation)
    select 'payout', '00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004', f.amount, f.wallet,
           w.version + row_number() over (partition by f.wallet order by f.day), w.balance, f.day, f.occurred_at, @booked_at, f.event, f.event_name, f.correlation
    from fresh f join accounting.accounts w on w.id = f.wallet
    order by f.wallet, f.day
    returning wallet, version, amount, day, event
), kept as (
    update accounting.accounts w set version = w.version + b.n from (select wallet, count(*) as n from booked group by wallet) b where w.id = b.wallet
)
select wallet, version, amount, day, event from booked order by wallet, version;
