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

const (
	// grace is how long after its end a day waits for events of its own that have not been booked.
	grace = 15 * time.Minute
	// settle is how long after its end a day waits at least, so that a command that began before midnight has ended: no
	// command may take longer.
	settle = 20 * time.Second
	// partOfDay is how many wallets are closed in one transaction.
	partOfDay = 500
)

// CloseDay begins to close the oldest business day that is due: it has ended, no older one is open, and all of its events have
// been booked or the grace period is over. It may be asked for at any time, by any number of processes. Before that it opens the
// days up to today, so that days that passed while nobody looked are closed one by one.
type CloseDay struct {
	Books Books
	// BookedUntil is the moment before which every event of the tracker has been booked.
	BookedUntil time.Time
}

// Handle stops bookings into the day and cuts it into parts; the events are one Day.Ended for each.
func (c CloseDay) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	if err := q.HoldSweep(ctx); err != nil {
		return nil, fmt.Errorf("wait for other sweeps: %w", err)
	}
	if err := c.openDays(ctx, q, tx.Now); err != nil {
		return nil, err
	}
	day, err := q.OldestDayNotClosed(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the oldest day that is not closed: %w", err)
	}
	complete := !c.BookedUntil.Before(day.Ends) && !tx.Now.Before(day.Ends.Add(settle))
	if day.Status != "open" || !complete && tx.Now.Before(day.Ends.Add(grace)) {
		return nil, nil
	}
	if err := q.HoldOpenDays(ctx); err != nil {
		return nil, fmt.Errorf("wait for bookings: %w", err)
	}
	if err := q.BeginClosing(ctx, dbsqlc.BeginClosingParams{Day: day.Day, At: tx.Now, Complete: complete}); err != nil {
		return nil, fmt.Errorf("begin to close a day: %w", err)
	}
	parts, err := q.CutDay(ctx, dbsqlc.CutDayParams{Day: day.Day, Ends: day.Ends, Size: partOfDay})
	if err != nil {
		return nil, fmt.Errorf("cut a day into parts: %w", err)
	}
	if len(parts) == 0 {
		return closed(ctx, q, tx.Now, day.Day, 1)
	}
	events := make([]domain.Event, len(parts))
	for i, part := range parts {
		events[i] = domain.Event{Subject: dayID(day.Day), Version: int64(i + 1), Data: DayEnded{
			Day: day.Day.Format(time.DateOnly), Part: part, Parts: int32(len(parts)),
		}}
	}
	return events, nil
}

// openDays opens the days of the books up to today, the first time from that of the first event on.
func (c CloseDay) openDays(ctx context.Context, q *dbsqlc.Queries, now time.Time) error {
	today := c.Books.Day(now)
	unbooked := today
	if c.BookedUntil.Before(now) {
		unbooked = c.Books.Day(c.BookedUntil)
	}
	next, err := q.NextDayToOpen(ctx, unbooked)
	if err != nil {
		return fmt.Errorf("find the next day to open: %w", err)
	}
	for day := next; !day.After(today); day = day.AddDate(0, 0, 1) {
		if err := q.OpenDay(ctx, dbsqlc.OpenDayParams{Day: day, Begins: c.Books.Begins(day), Ends: c.Books.Ends(day)}); err != nil {
			return fmt.Errorf("open a day: %w", err)
		}
	}
	return nil
}

// closed closes a day whose parts are all closed. Version is that of the event among those about the day.
func closed(ctx context.Context, q *dbsqlc.Queries, now, day time.Time, version int64) ([]domain.Event, error) {
	if _, err := q.CloseDay(ctx, dbsqlc.CloseDayParams{Day: day, At: now}); err != nil {
		return nil, fmt.Errorf("close a day: %w", err)
	}
	return []domain.Event{{Subject: dayID(day), Version: version, Data: DayClosed{Day: day.Format(time.DateOnly)}}}, nil
}
