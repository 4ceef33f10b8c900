package accounting

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// PayoutProvider pays people outside the books. It is called in the transaction that books the payouts and may be called again for
// the same ones, whose Key is then the same: whoever moves real money must pay a key once. An error leaves the money pending.
type PayoutProvider interface {
	Pay(ctx context.Context, tx domain.Tx, payouts []DuePayout) error
}

// DuePayout is an amount of minor units that somebody is to be paid for a day.
type DuePayout struct {
	// Key names the payout for ever: the worker and the day.
	Key    string
	UserID uuid.UUID
	Day    time.Time
	Amount int64
	Cause  domain.Envelope
}

// InBooks is the provider that pays nobody: the payout is a line in the books, for whoever pays people otherwise.
type InBooks struct{}

// Pay does nothing.
func (InBooks) Pay(context.Context, domain.Tx, []DuePayout) error { return nil }

// CommitPayout has pending payouts paid and moves them to cash, once for each worker and day. It is a reaction to
// Account.BalanceReset.
type CommitPayout struct {
	Provider PayoutProvider
	Payouts  []DuePayout
}

// Handle pays and books; the events are one Account.PayoutCommitted for each payout that had not been booked.
func (c CommitPayout) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	var asked dbsqlc.CommitPayoutsParams
	due := make(map[uuid.UUID]DuePayout, len(c.Payouts))
	for _, p := range c.Payouts {
		if p.Amount == 0 {
			continue
		}
		due[p.Cause.ID] = p
		asked.Wallets = append(asked.Wallets, p.UserID)
		asked.Days = append(asked.Days, p.Day)
		asked.Events = append(asked.Events, p.Cause.ID)
	}
	if len(due) == 0 {
		return nil, nil
	}
	q := dbsqlc.New(tx)
	if err := q.LockWallets(ctx, asked.Wallets); err != nil {
		return nil, fmt.Errorf("lock wallets: %w", err)
	}
	asked.BookedAt = tx.Now
	booked, err := q.CommitPayouts(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("book payouts: %w", err)
	}
	paid := make([]DuePayout, 0, len(booked))
	events := make([]domain.Event, 0, len(booked))
	for _, b := range booked {
		payout := due[b.Event]
		paid = append(paid, payout)
		events = append(events, domain.Event{Subject: b.Wallet, Version: b.Version, Cause: &payout.Cause, Data: PayoutCommitted{
			UserID: b.Wallet, Day: b.Day.Format(time.DateOnly), Amount: b.Amount,
		}})
	}
	if len(paid) == 0 {
		return nil, nil
	}
	// Last, so that nothing of ours can fail once somebody has been paid, short of the commit itself.
	if err := c.Provider.Pay(ctx, tx, paid); err != nil {
		return nil, fmt.Errorf("pay %d people: %w", len(paid), err)
	}
	return events, nil
}
