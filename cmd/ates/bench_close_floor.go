package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The floor of a close: the statements that write what the program's close writes, in one transaction and without anything between
// them. Ids of events count upwards as the program's do, so that their index is filled from one side.
const (
	// floorFigures works out what the close is about.
	floorFigures = `create temp table closing on commit drop as
		select f.*, greatest(0, -f.fees + f.rewards) as payout, least(0, -f.fees + f.rewards) as carried,
		       ('01900000-0000-7000-8000-' || lpad(to_hex(row_number() over (order by f.wallet)), 12, '0'))::uuid as reset_event,
		       ('01900000-0000-7000-8001-' || lpad(to_hex(row_number() over (order by f.wallet)), 12, '0'))::uuid as payout_event
		from (select w.id as wallet, w.version, w.balance, coalesce(s.fees, 0) as fees, coalesce(s.rewards, 0) as rewards, coalesce(s.entries, 0) as entries
		      from accounting.accounts w
		      left join (select wallet, coalesce(sum(amount) filter (where kind = 'fee'), 0)::bigint as fees,
		                        coalesce(sum(amount) filter (where kind = 'reward'), 0)::bigint as rewards, count(*) as entries
		                 from accounting.transfers where day = $1 group by wallet) s on s.wallet = w.id
		      where w.kind = 'wallet') f
		order by f.wallet`
	floorClosings = `insert into accounting.closings (wallet, day, opening, fees, rewards, payout, carried, version)
		select wallet, $1, 0, fees, rewards, payout, carried, version + 1 from closing order by wallet`
	floorResets = `insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, day, occurred_at, booked_at, event, event_name, correlation)
		select 'reset', wallet, '00000000-0000-0000-0000-000000000003', payout, wallet, version + 1, balance - payout, $1, $2, $2, $3, 'Day.Ended', $3
		from closing where payout > 0 order by wallet`
	floorPayouts = `insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, day, occurred_at, booked_at, event, event_name, correlation)
		select 'payout', '00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004', payout, wallet, version + 2, balance - payout, $1, $2, $2,
		       reset_event, 'Account.BalanceReset', $3
		from closing where payout > 0 order by wallet`
	floorWallets = `update accounting.accounts w set balance = w.balance - c.payout, version = c.version + case when c.payout > 0 then 2 else 1 end
		from closing c where w.id = c.wallet`
	floorEvents = `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		select $3, $3, 'Day.Ended', 1, $2, 'accounting', $3, 1, $3, $3, jsonb_build_object('day', $1, 'part', 1, 'parts', 1)
		union all
		select reset_event, $3, 'Account.BalanceReset', 1, $2, 'accounting', wallet, version + 1, $3, $3,
		       jsonb_build_object('user_id', wallet, 'day', $1, 'opening', 0, 'fees', fees, 'rewards', rewards, 'amount', payout, 'carried_over', carried)
		from closing
		union all
		select payout_event, $3, 'Account.PayoutCommitted', 1, $2, 'accounting', wallet, version + 2, $3, reset_event,
		       jsonb_build_object('user_id', wallet, 'day', $1, 'amount', payout)
		from closing where payout > 0`
	floorBalances = `insert into accounting.daily_balances as d (worker, day, fees, rewards, payout, paid, entries, closed, version)
		select wallet, $1, fees, rewards, payout, payout, entries + case when payout > 0 then 2 else 0 end, true, version + case when payout > 0 then 2 else 1 end
		from closing order by wallet
		on conflict (worker, day) do update set payout = excluded.payout, paid = excluded.paid, entries = excluded.entries, closed = true, version = excluded.version`
	floorFiguresOfDay = `insert into accounting.daily_figures as f (day, fees, rewards, below_zero)
		select $1, sum(fees), sum(rewards), count(*) filter (where carried < 0) from closing
		on conflict (day) do update set fees = excluded.fees, rewards = excluded.rewards, below_zero = excluded.below_zero`
	floorMessages = `insert into accounting.messages (cause, channel, person, day, opening, fees, rewards, payout, carried, state, noted_at, since)
		select case when payout > 0 then payout_event else reset_event end, c.channel, wallet, $1, 0, fees, rewards, payout, carried, c.state, $2, $2
		from closing cross join (values ('inbox', 'unread'), ('mail', 'kept')) c (channel, state) order by wallet`
	floorDay = `update accounting.days set status = 'closed', begun_at = $2, closed_at = $2, complete = true where day = $1`
)

// closeByFloor closes the day in one transaction: the whole of it, or closings, transfers and wallets alone.
func closeByFloor(ctx context.Context, db benchDatabase, whole bool) (took time.Duration, rows closeRows, err error) {
	pool, err := connect(ctx, db.address)
	if err != nil {
		return 0, rows, err
	}
	defer pool.Close()
	statements := []string{floorFigures, floorClosings, floorResets, floorPayouts, floorWallets}
	if whole {
		statements = append(statements, floorEvents, floorBalances, floorFiguresOfDay, floorMessages, floorDay)
	}
	values := strings.NewReplacer("$1", "date '"+benchDay.Format(time.DateOnly)+"'", "$2", "timestamptz '"+benchDay.AddDate(0, 0, 1).Format(time.RFC3339)+"'",
		"$3", "uuid '"+uuid.NewString()+"'")
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return 0, rows, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()

	begun := time.Now()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range statements {
			// Written into the text, since not every statement has all three.
			if _, err := tx.Exec(ctx, values.Replace(sql)); err != nil {
				return fmt.Errorf("%.60s: %w", sql, err)
			}
		}
		return nil
	})
	took = time.Since(begun)
	if err != nil || !whole {
		return took, rows, err
	}
	if err := requireSound(ctx, pool); err != nil {
		return took, rows, err
	}
	rows, err = countCloseRows(ctx, pool)
	return took, rows, err
}
