-- name: ListPendingPayouts :many
-- What a closed day moved to payouts pending and nobody has been paid yet. It reads the day's rows once, whatever the planner knows of
-- them: just after the close its statistics say that there are none, and a lookup for each would be planned as one for a few.
select wallet, max(amount)::bigint as amount from accounting.transfers
where day = @day and kind in ('reset', 'payout')
group by wallet having bool_and(kind = 'reset')
order by wallet;

-- name: ListPayees :many
-- The names of people, as far as Accounting knows them.
select id, name from accounting.people where id = any(@ids::uuid[]) order by id;

-- name: WritePayoutFile :exec
-- Keeps the file of a day. There is one for a day, and it never changes.
insert into accounting.payout_files (day, message_id, payouts, amount, content, written_at)
values (@day, @message_id, @payouts, @amount, @content, @written_at);

-- name: FindPayoutFile :one
select message_id, content from accounting.payout_files where day = @day;
