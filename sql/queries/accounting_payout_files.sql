-- name: ListPendingPayouts :many
-- What a closed day moved to payouts pending and nobody has been paid yet.
select r.wallet, r.amount from accounting.transfers r
where r.kind = 'reset' and r.day = @day
  and not exists (select 1 from accounting.transfers p where p.kind = 'payout' and p.wallet = r.wallet and p.day = r.day)
order by r.wallet;

-- name: ListPayees :many
-- The names of people, as far as Accounting knows them.
select id, name from accounting.people where id = any(@ids::uuid[]) order by id;

-- name: WritePayoutFile :exec
-- Keeps the file of a day. There is one for a day, and it never changes.
insert into accounting.payout_files (day, message_id, payouts, amount, content, written_at)
values (@day, @message_id, @payouts, @amount, @content, @written_at);

-- name: FindPayoutFile :one
select message_id, content from accounting.payout_files where day = @day;
