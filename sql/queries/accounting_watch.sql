-- name: WatchDays :one
-- How many business days have ended and are not closed, and which is the last that is closed and when it ended: the epoch when none is.
select (select count(*) from accounting.days n where n.status <> 'closed' and n.ends <= @now::timestamptz)::int as overdue,
       coalesce(max(c.day), 'epoch')::date as closed, coalesce(max(c.ends), 'epoch')::timestamptz as closed_until
from (select day, ends from accounting.days where status = 'closed' order by day desc limit 1) c;

-- name: CountOpenPayouts :many
-- How many payouts of each day after one were promised when it was closed and have not been made.
select day, (count(*) filter (where kind = 'reset') - count(*) filter (where kind = 'payout'))::int as payouts
from accounting.transfers where kind in ('reset', 'payout') and day > @after
group by day order by day;
