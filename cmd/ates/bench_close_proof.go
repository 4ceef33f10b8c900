package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/dbsqlc"
	books "ates/sql/verify"
)

// closeProgress is how far a close has come.
type closeProgress struct{ closings, payouts, messages int }

func (p closeProgress) sum() int { return p.closings + p.payouts + p.messages }

func countProgress(ctx context.Context, pool *pgxpool.Pool, day time.Time) (p closeProgress, err error) {
	err = pool.QueryRow(ctx, `select (select count(*) from accounting.closings where day >= $1),
		(select count(*) from accounting.transfers where kind = 'payout' and day >= $1),
		(select count(*) from accounting.messages where day >= $1)`, day).Scan(&p.closings, &p.payouts, &p.messages)
	if err != nil {
		return p, fmt.Errorf("see how far the close has come: %w", err)
	}
	return p, nil
}

// expectedClose is what a close has to come to, worked out from the wallets before it begins.
type expectedClose struct {
	closeProgress
	day      time.Time
	days     int
	balances map[uuid.UUID]int64
}

// expectClose expects the close of a day in which everything was booked, and of those after it, in which nothing was.
func expectClose(ctx context.Context, pool *pgxpool.Pool, day time.Time, days int) (*expectedClose, error) {
	e := &expectedClose{day: day, days: days}
	var err error
	if e.balances, err = readBalances(ctx, pool, "select id, balance from accounting.accounts where kind = 'wallet'"); err != nil {
		return nil, err
	}
	const channels = 2 // in the pages and by mail
	e.closings, e.messages = len(e.balances)*days, len(e.balances)*days*channels
	for _, balance := range e.balances {
		if balance > 0 {
			e.payouts++
		}
	}
	if e.payouts == 0 {
		return nil, fmt.Errorf("of %d workers nobody has anything to be paid; use more --entries", len(e.balances))
	}
	return e, nil
}

func readBalances(ctx context.Context, db dbsqlc.DBTX, query string, args ...any) (map[uuid.UUID]int64, error) {
	balances := map[uuid.UUID]int64{}
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	var wallet uuid.UUID
	var balance int64
	_, err = pgx.ForEachRow(rows, []any{&wallet, &balance}, func() error {
		if _, twice := balances[wallet]; twice {
			return fmt.Errorf("%s is there twice", wallet)
		}
		balances[wallet] = balance
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	return balances, nil
}

// awaitProgress waits until the close has come to a random point between here and shortly before its end, and then for some moments,
// so that what is going on just then is not always the same.
func (e *expectedClose) awaitProgress(ctx context.Context, pool *pgxpool.Pool) error {
	reached, err := countProgress(ctx, pool, e.day)
	if err != nil {
		return err
	}
	point := reached.sum() + rand.IntN(max(1, (e.sum()-reached.sum())*3/4))
	err = until(ctx, 5*time.Minute, "the close goes on", func() (bool, error) {
		reached, err := countProgress(ctx, pool, e.day)
		return reached.sum() > point || reached == e.closeProgress, err
	})
	if err != nil {
		return err
	}
	const moments = 60 * time.Millisecond
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(moments)):
		return nil
	}
}

// prover is what prove needs of a pool or a transaction.
type prover interface {
	dbsqlc.DBTX
	books.Beginner
}

// prove is an error unless every wallet was closed once for each day, paid what it had, once, and told of it once.
func (e *expectedClose) prove(ctx context.Context, db prover) error {
	paid, err := readBalances(ctx, db, "select wallet, amount from accounting.transfers where kind = 'payout'")
	if err != nil {
		return fmt.Errorf("payouts: %w", err)
	}
	reset, err := readBalances(ctx, db, "select wallet, amount from accounting.transfers where kind = 'reset'")
	if err != nil {
		return fmt.Errorf("resets: %w", err)
	}
	after, err := readBalances(ctx, db, "select id, balance from accounting.accounts where kind = 'wallet'")
	if err != nil {
		return err
	}
	var positive int64
	for wallet, had := range e.balances {
		due, left := max(0, had), min(0, had)
		positive += due
		if paid[wallet] != due || reset[wallet] != due || after[wallet] != left {
			return fmt.Errorf("%s had %d, and was reset by %d, paid %d and left with %d", wallet, had, reset[wallet], paid[wallet], after[wallet])
		}
	}
	for _, check := range []struct {
		what     string
		query    string
		expected int64
	}{
		{"paid and pending", `select coalesce(sum(amount), 0) from accounting.entries
			where account in ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004')`, positive},
		{"pending", `select coalesce(sum(amount), 0) from accounting.entries where account = '00000000-0000-0000-0000-000000000003'`, 0},
		{"days closed", `select count(*) from accounting.days where status = 'closed'`, int64(e.days)},
		{"events that a day is closed", `select count(*) from log.events where name = 'Day.Closed'`, int64(e.days)},
		{"days closed out of order", `select count(*) from (select closed_at, lead(closed_at) over (order by day) as next from accounting.days where status = 'closed') d where next < closed_at`, 0},
		{"wallets closed for a day", `select count(distinct (wallet, day)) from accounting.closings`, int64(e.closings)},
		{"events of a reset", `select count(*) from log.events where name = 'Account.BalanceReset'`, int64(e.closings)},
		{"workers and days with an event of a reset", `select count(distinct (subject, data ->> 'day')) from log.events where name = 'Account.BalanceReset'`, int64(e.closings)},
		{"events of a payout", `select count(*) from log.events where name = 'Account.PayoutCommitted'`, int64(e.payouts)},
		{"workers, days and channels with a message", `select count(distinct (person, day, channel)) from accounting.messages`, int64(e.messages)},
		{"wallets above zero at a cut", `select count(*) from accounting.closings where carried > 0`, 0},
		{"wallets above zero", `select count(*) from accounting.accounts where balance > 0`, 0},
	} {
		var found int64
		if err := db.QueryRow(ctx, check.query).Scan(&found); err != nil {
			return fmt.Errorf("count %s: %w", check.what, err)
		}
		if found != check.expected {
			return fmt.Errorf("%s: %d, expected %d", check.what, found, check.expected)
		}
	}
	return requireSound(ctx, db)
}
