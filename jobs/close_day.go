package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/migrations"
)

// closeDay begins to close the oldest business day that is due. The clock asks for it every minute, and Day.Closed at once, so
// that days that passed while the program was off follow one another without a pause.
type closeDay struct{ books accounting.Books }

// CloseDay is the command that the clock asks for every minute, for whoever does not want to wait.
func CloseDay(books accounting.Books) domain.Command { return closeDay{books} }

// Handle finds out until when Accounting has booked and leaves the rest to it.
func (c closeDay) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	until, err := bookedUntil(ctx, tx)
	if err != nil {
		return nil, err
	}
	return accounting.CloseDay{Books: c.books, BookedUntil: until}.Handle(ctx, tx)
}

// bookedUntil is the moment before which every event has been booked: the earliest at which one occurred that a job has still to
// book, or now when there is none. It need not be the first in the log: what began before midnight may have been told after
// something that began later. Jobs that were given up do not count: they are for an admin to look at.
func bookedUntil(ctx context.Context, tx domain.Tx) (time.Time, error) {
	var until time.Time
	// The events of a job are those of one command, and so of one moment.
	err := tx.QueryRow(ctx, `select coalesce(min(e.occurred_at), $2) from `+pgx.Identifier{migrations.RiverSchema, "river_job"}.Sanitize()+` j
		join log.events e on e.position = (j.args ->> 'first')::bigint
		where j.kind = any($1) and j.state not in ('completed', 'cancelled', 'discarded')`, []string{withdrawMoneyKind, depositMoneyKind}, tx.Now).Scan(&until)
	if err != nil {
		return time.Time{}, fmt.Errorf("find the oldest event to book: %w", err)
	}
	return until, nil
}

// closeNextDay looks for the next day after each Day.Closed.
func closeNextDay(books accounting.Books) *reaction {
	return &reaction{kind: "close_next_day", queue: moneyQueue,
		command: func([]domain.Envelope) (domain.Command, error) { return closeDay{books}, nil }}
}

// resetBalance closes a part of a day for each Day.Ended.
var resetBalance = &reaction{kind: "reset_balance", queue: moneyQueue, chunk: 1,
	command: func(events []domain.Envelope) (domain.Command, error) {
		ended, err := open[accounting.DayEnded](events[0])
		if err != nil {
			return nil, err
		}
		day, err := readDay(events[0], ended.Day)
		return accounting.ResetBalance{Cause: events[0], Day: day, Part: ended.Part, Parts: ended.Parts}, err
	}}

// commitPayout pays for each Account.BalanceReset.
func commitPayout(provider accounting.PayoutProvider) *reaction {
	return &reaction{kind: "commit_payout", queue: payoutQueue,
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := accounting.CommitPayout{Provider: provider}
			for _, e := range events {
				reset, err := open[accounting.BalanceReset](e)
				if err != nil {
					return nil, err
				}
				day, err := readDay(e, reset.Day)
				if err != nil {
					return nil, err
				}
				cmd.Payouts = append(cmd.Payouts, accounting.DuePayout{
					Key: accounting.PayoutKey(reset.UserID, day), UserID: reset.UserID, Day: day, Amount: reset.Amount, Cause: e,
				})
			}
			return cmd, nil
		}}
}

// payOutDay pays what is left for each Day.Closed. A day of a large company is one file, so that may take longer than other jobs; where
// there is no file it may not, since a job that was killed is taken up again when its time is over.
func payOutDay(provider accounting.PayoutProvider) *reaction {
	var timeout time.Duration
	if _, daily := provider.(accounting.DailyProvider); daily {
		timeout = 2 * time.Minute
	}
	return &reaction{kind: "pay_out_day", queue: payoutQueue, chunk: 1, timeout: timeout,
		command: func(events []domain.Envelope) (domain.Command, error) {
			closed, err := open[accounting.DayClosed](events[0])
			if err != nil {
				return nil, err
			}
			day, err := readDay(events[0], closed.Day)
			return accounting.PayOutDay{Provider: provider, Cause: events[0], Day: day}, err
		}}
}

// readDay is the business day that an event names.
func readDay(e domain.Envelope, day string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return t, &badEvent{e, err}
	}
	return t, nil
}
