package accounting

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ResetBalance closes one part of a business day: what the day left positive in a wallet moves to payouts pending, what it left
// negative is carried into the next. It is a reaction to Day.Ended and acts once for each part.
type ResetBalance struct {
	Cause domain.Envelope
	Day   time.Time
	Part  int32
	Parts int32
}

// Handle closes the wallets of the part; the events are one Account.BalanceReset for each, and Day.Closed with the last part.
func (c ResetBalance) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	part, err := q.LockDayPart(ctx, dbsqlc.LockDayPartParams{Day: c.Day, Part: c.Part})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock a part of the day: %w", err)
	}
	if err := q.LockWalletsFrom(ctx, dbsqlc.LockWalletsFromParams(part)); err != nil {
		return nil, fmt.Errorf("lock wallets: %w", err)
	}
	wallets, err := q.ResetBalances(ctx, dbsqlc.ResetBalancesParams{
		Day: c.Day, DayBefore: c.Day.AddDate(0, 0, -1), First: part.First, Last: part.Last, Ends: part.Ends, BookedAt: tx.Now,
		Event: c.Cause.ID, EventName: c.Cause.Name, Correlation: c.Cause.CorrelationID,
	})
	if err != nil {
		return nil, fmt.Errorf("reset balances: %w", err)
	}
	events := make([]domain.Event, 0, len(wallets)+1)
	for _, w := range wallets {
		events = append(events, domain.Event{Subject: w.Wallet, Version: w.Version, Cause: &c.Cause, Data: BalanceReset{
			UserID: w.Wallet, Day: c.Day.Format(time.DateOnly), Opening: w.Opening, Fees: w.Fees, Rewards: w.Rewards,
			Amount: w.Payout, CarriedOver: w.Carried,
		}})
	}
	if err := q.ClosePart(ctx, dbsqlc.ClosePartParams{Day: c.Day, Part: c.Part, At: tx.Now}); err != nil {
		return nil, fmt.Errorf("close a part of the day: %w", err)
	}
	if err := q.LockDay(ctx, c.Day); err != nil {
		return nil, fmt.Errorf("wait for other parts: %w", err)
	}
	open, err := q.CountOpenParts(ctx, c.Day)
	if err != nil {
		return nil, fmt.Errorf("count the parts that are left: %w", err)
	}
	if open == 0 {
		last, err := closed(ctx, q, tx.Now, c.Day, int64(c.Parts)+1)
		if err != nil {
			return nil, err
		}
		last[0].Cause = &c.Cause
		events = append(events, last...)
	}
	return events, nil
}
