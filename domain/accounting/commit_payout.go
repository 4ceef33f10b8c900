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
	// Key names the payout for ever: the worker and the day, as PayoutKey writes them.
	Key    string
	UserID uuid.UUID
	Day    time.Time
	Amount int64
	Cause  domain.Envelope
}

// DailyProvider is a provider that is asked once for all payouts of a day, after the day is closed. Others are asked for each part of
// a day that has been closed.
type DailyProvider interface {
	PayoutProvider
	PaysByDay()
}

// PayoutKey names the payout of a worker for a day.
func PayoutKey(worker uuid.UUID, day time.Time) string {
	return worker.String() + "/" + day.Format(time.DateOnly)
}

// InBooks is the provider that pays nobody: the payout is a line in the books, for whoever pays people otherwise.
type InBooks struct{}

// Pay does nothing.
func (InBooks) Pay(context.Context, domain.Tx, []DuePayout) error { return nil }

// CommitPayout has pending payouts paid and moves them to cash, once for each worker and day. It is a reaction to
// Account.BalanceReset, and leaves the work to PayOutDay where the provider pays by the day.
type CommitPayout struct {
	Provider PayoutProvider
	Payouts  []DuePayout
}

// Handle pays and books; the events are one Account.PayoutCommitted for each payout that had not been booked.
func (c CommitPayout) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if _, daily := c.Provider.(DailyProvider); daily {
		return nil, nil
	}
	return commitPayouts(ctx, tx, c.Provider, c.Payouts)
}

// PayOutDay is CommitPayout for all that a closed day left pending, whoever was to pay it. It is a reaction to Day.Closed.
type PayOutDay struct {
	Provider PayoutProvider
	Cause    domain.Envelope
	Day      time.Time
}

// Handle pays and books; the events are one Account.PayoutCommitted for each payout that had not been booked.
func (c PayOutDay) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	pending, err := dbsqlc.New(tx).ListPendingPayouts(ctx, c.Day)
	if err != nil {
		return nil, fmt.Errorf("list pending payouts: %w", err)
	}
	payouts := make([]DuePayout, len(pending))
	for i, p := range pending {
		payouts[i] = DuePayout{Key: PayoutKey(p.Wallet, c.Day), UserID: p.Wallet, Day: c.Day, Amount: p.Amount, Cause: c.Cause}
	}
	return commitPayouts(ctx, tx, c.Provider, payouts)
}

// commitPayouts pays what is due and has not been paid, and books it.
func commitPayouts(ctx context.Context, tx domain.Tx, provider PayoutProvider, payouts []DuePayout) ([]domain.Event, error) {
	var asked dbsqlc.CommitPayoutsParams
	due := make(map[string]DuePayout, len(payouts))
	for _, p := range payouts {
		if p.Amount == 0 {
			continue
		}
		due[p.Key] = p
		asked.Wallets = append(asked.Wallets, p.UserID)
		asked.Days = append(asked.Days, p.Day)
		asked.Events = append(asked.Events, p.Cause.ID)
		asked.EventNames = append(asked.EventNames, p.Cause.Name)
		asked.Correlations = append(asked.Correlations, p.Cause.CorrelationID)
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
		payout := due[PayoutKey(b.Wallet, b.Day)]
		paid = append(paid, payout)
		events = append(events, domain.Event{Subject: b.Wallet, Version: b.Version, Cause: &payout.Cause, Data: PayoutCommitted{
			UserID: b.Wallet, Day: b.Day.Format(time.DateOnly), Amount: b.Amount,
		}})
	}
	if len(paid) == 0 {
		return nil, nil
	}
	// Last, so that nothing of ours can fail once somebody has been paid, short of the commit itself.
	if err := provider.Pay(ctx, tx, paid); err != nil {
		return nil, fmt.Errorf("pay %d people: %w", len(paid), err)
	}
	return events, nil
}
