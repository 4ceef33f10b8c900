package accounting

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// The kinds of transfer.
const (
	Fee    = "fee"
	Reward = "reward"
	Reset  = "reset"
	Payout = "payout"
)

// Posting asks for one fee or reward to be booked, because of an event of the tracker.
type Posting struct {
	// Cause is the event; the transfer belongs to the business day in which it occurred.
	Cause      domain.Envelope
	TaskID     uuid.UUID
	Assignment int32
	UserID     uuid.UUID
}

// book books postings of one kind in a few statements, however many they are. What has been booked before is left alone:
// the ledger's natural keys are (task, assignment) for a fee and (task) for a reward. Tasks that Accounting has not seen get
// their price and workers it has not seen get their wallet. The events are Task.Priced and Account.BalanceChanged.
//
// Everybody who books takes the same locks in the same order, first tasks, then wallets, each by id, so that bookings
// never wait for one another in a circle.
//
// An event of a day that is closed, or about to be, is booked into the oldest open day and keeps the time at which it occurred.
func book(ctx context.Context, tx domain.Tx, books Books, kind string, postings []Posting) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	open, err := firstOpenDay(ctx, q)
	if err != nil {
		return nil, err
	}
	asked := dbsqlc.BookParams{Kind: kind, BookedAt: tx.Now}
	earliest := tx.Now
	seen := make(map[uuid.UUID]domain.Envelope, len(postings))
	causes := make(map[uuid.UUID]*domain.Envelope, len(postings))
	for i := range postings {
		p := &postings[i]
		if _, ok := seen[p.TaskID]; !ok {
			seen[p.TaskID] = p.Cause
		}
		causes[p.Cause.ID] = &p.Cause
		if p.Cause.OccurredAt.Before(earliest) {
			earliest = p.Cause.OccurredAt
		}
		asked.Tasks = append(asked.Tasks, p.TaskID)
		asked.Assignments = append(asked.Assignments, p.Assignment)
		asked.Workers = append(asked.Workers, p.UserID)
		asked.Events = append(asked.Events, p.Cause.ID)
		asked.EventNames = append(asked.EventNames, p.Cause.Name)
		asked.Correlations = append(asked.Correlations, p.Cause.CorrelationID)
		asked.Actors = append(asked.Actors, orNil(p.Cause.Actor))
		asked.OccurredAt = append(asked.OccurredAt, p.Cause.OccurredAt)
		asked.Days = append(asked.Days, later(books.Day(p.Cause.OccurredAt), open))
	}

	events, err := price(ctx, tx, books, seen)
	if err != nil {
		return nil, err
	}
	if err := q.OpenWallets(ctx, dbsqlc.OpenWalletsParams{Owners: asked.Workers, At: earliest}); err != nil {
		return nil, fmt.Errorf("open wallets: %w", err)
	}
	if err := q.LockWallets(ctx, asked.Workers); err != nil {
		return nil, fmt.Errorf("lock wallets: %w", err)
	}
	transfers, err := q.Book(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("book %ss: %w", kind, err)
	}
	for _, t := range transfers {
		events = append(events, domain.Event{Subject: t.Wallet, Version: t.Version, Cause: causes[t.Event], Data: BalanceChanged{
			UserID: t.Wallet, Kind: kind, MoneyDiff: t.Change, Balance: t.Balance, TaskID: t.Task, Assignment: t.Assignment,
			Day: t.Day.Format(time.DateOnly), OccurredAt: t.OccurredAt.UTC(),
		}})
	}
	return events, nil
}

// orNil is the id, or the nil UUID in place of none: lists of UUIDs travel to Postgres without holes.
func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
