package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/jobs"
	books "ates/sql/verify"
)

// benchDay is the business day that is closed.
var benchDay = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// closeTimes are how long after the sweep each part of the close was over.
type closeTimes struct{ closed, settled []time.Duration }

// measureClose closes the same day again and again: in the program, with its jobs and everything that open pages and mails need, and
// as the floor, in one transaction of set-based SQL. Every round has a fresh copy of the day for each.
func measureClose(ctx context.Context, m *measuring) ([]row, error) {
	template, err := m.server.create(ctx)
	if err != nil {
		return nil, err
	}
	if err := fillDay(ctx, template, m.benchSize, benchDay); err != nil {
		return nil, err
	}
	var times closeTimes
	var all, money []time.Duration
	for round := 1; round <= m.Rounds; round++ {
		if err := m.alone(ctx, fmt.Sprintf("round %d", round)); err != nil {
			return nil, err
		}
		var byProgram, byFloor closeRows
		err := m.onCopy(ctx, template, func(db benchDatabase) (err error) {
			byProgram, err = times.add(ctx, db)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the program's close: %w", err)
		}
		for _, floor := range []struct {
			took  *[]time.Duration
			whole bool
		}{{&all, true}, {&money, false}} {
			err := m.onCopy(ctx, template, func(db benchDatabase) error {
				took, rows, err := closeByFloor(ctx, db, floor.whole)
				*floor.took = append(*floor.took, took)
				if floor.whole {
					byFloor = rows
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("the floor's close: %w", err)
			}
		}
		if byProgram != byFloor {
			return nil, fmt.Errorf("the program and the floor did not write the same rows: %+v and %+v", byProgram, byFloor)
		}
		if round == 1 {
			m.note("rows of each close: %s", byProgram)
		}
		last := func(d []time.Duration) time.Duration { return d[len(d)-1].Round(time.Millisecond) }
		slog.InfoContext(ctx, "closed", "closed after", last(times.closed), "settled after", last(times.settled), "floor, all rows", last(all), "floor, money only", last(money))
	}
	m.note("settled: every payout committed, daily balances and figures refreshed, messages noted, no job left; the books were verified after each close")
	m.note("floor: the same rows worked out and written by one transaction on one connection; money only is closings, transfers and wallets")
	closed, settled := seconds(times.closed), seconds(times.settled)
	return []row{
		newRow("sweep to settled", "s", settled).against("floor, all rows", settled, seconds(all)),
		newRow("sweep to settled", "s", settled).against("floor, money only", settled, seconds(money)),
		newRow("sweep to closed", "s", closed).against("floor, money only", closed, seconds(money)),
	}, nil
}

// onCopy does something on a copy of a database and drops it.
func (m *measuring) onCopy(ctx context.Context, template benchDatabase, do func(benchDatabase) error) error {
	db, err := m.server.copyOf(ctx, template)
	if err != nil {
		return err
	}
	return errors.Join(do(db), m.server.drop(context.WithoutCancel(ctx), db.name))
}

// add closes the day in the program, proves the books, and adds how long it took.
func (t *closeTimes) add(ctx context.Context, db benchDatabase) (rows closeRows, err error) {
	company, err := openCompany(ctx, db, benchDay.Add(23*time.Hour))
	if err != nil {
		return rows, err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	const patience = 10 * time.Minute
	if err := company.idle(ctx, patience); err != nil {
		return rows, err
	}
	morning := benchDay.Add(24*time.Hour + time.Minute)
	company.now.Store(&morning)

	begun := time.Now()
	if err := company.bus.Do(ctx, jobs.CloseDay(benchBooks())); err != nil {
		return rows, fmt.Errorf("sweep: %w", err)
	}
	err = until(ctx, patience, "the day is closed", func() (closed bool, err error) {
		err = company.pool.QueryRow(ctx, "select exists (select from accounting.days where day = $1 and status = 'closed')", benchDay).Scan(&closed)
		return closed, err
	})
	if err != nil {
		return rows, err
	}
	t.closed = append(t.closed, time.Since(begun))
	if err := company.idle(ctx, patience); err != nil {
		return rows, err
	}
	t.settled = append(t.settled, time.Since(begun))
	if err := requireSound(ctx, company.pool); err != nil {
		return rows, err
	}
	return countCloseRows(ctx, company.pool)
}

// requireSound is an error unless everything that must hold of the books does.
func requireSound(ctx context.Context, db books.Beginner) error {
	results, err := books.Run(ctx, db)
	if err != nil {
		return err
	}
	for _, r := range results {
		if !r.OK() {
			return fmt.Errorf("the books are not sound: %s (%d of %d): %v", r.Name, r.Broken, r.Looked, r.Examples)
		}
	}
	return nil
}

// closeRows are the rows that a close leaves. They say that the program and the floor did the same.
type closeRows struct {
	Closings, Resets, Payouts, Moved, Events, Balances, Messages, Told int64
}

func (r closeRows) String() string {
	return fmt.Sprintf("%d closings, %d resets, %d payouts (together %d minor units), %d events, %d daily balances, %d messages",
		r.Closings, r.Resets, r.Payouts, r.Moved, r.Events, r.Balances, r.Messages)
}

func countCloseRows(ctx context.Context, pool *pgxpool.Pool) (closeRows, error) {
	rows, err := pool.Query(ctx, `select
		(select count(*) from accounting.closings where day = $1) as closings,
		(select count(*) from accounting.transfers where day = $1 and kind = 'reset') as resets,
		(select count(*) from accounting.transfers where day = $1 and kind = 'payout') as payouts,
		(select coalesce(sum(amount), 0) from accounting.transfers where day = $1 and kind = 'payout')::bigint as moved,
		(select count(*) from log.events where name in ('Account.BalanceReset', 'Account.PayoutCommitted')) as events,
		(select count(*) from accounting.daily_balances where day = $1 and closed) as balances,
		(select count(*) from accounting.messages where day = $1) as messages,
		(select below_zero from accounting.daily_figures where day = $1) as told`, benchDay)
	if err != nil {
		return closeRows{}, fmt.Errorf("count the rows of the close: %w", err)
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[closeRows])
}
