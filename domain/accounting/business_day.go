package accounting

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/sql/dbsqlc"
)

// Day is the business day to which a moment belongs, as midnight UTC of that calendar date. A business day is the half-open
// interval from midnight to the next midnight in the books' zone, so it has 23 or 25 hours when the clocks change.
func (b Books) Day(moment time.Time) time.Time {
	y, m, d := moment.In(b.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Begins is the first moment of a business day, to the second. Where the clocks skip midnight that is the moment after the skip.
func (b Books) Begins(day time.Time) time.Time {
	const zones = 36 * 60 * 60 // no zone is further from UTC, in seconds
	from := day.Unix() - zones
	after := sort.Search(2*zones, func(s int) bool { return !b.Day(time.Unix(from+int64(s), 0)).Before(day) })
	return time.Unix(from+int64(after), 0).UTC()
}

// Ends is the first moment that is no part of a business day any more.
func (b Books) Ends(day time.Time) time.Time { return b.Begins(day.AddDate(0, 0, 1)) }

// dayID is the subject of the events about a business day: always the same for the same date.
func dayID(day time.Time) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("ates:day:"+day.Format(time.DateOnly)))
}

// firstOpenDay is the oldest day that takes bookings, and keeps it from beginning to close until the transaction ends. It is the
// zero time before the books were opened, when every day takes them.
func firstOpenDay(ctx context.Context, q *dbsqlc.Queries) (time.Time, error) {
	if err := q.ShareOpenDays(ctx); err != nil {
		return time.Time{}, fmt.Errorf("keep days open: %w", err)
	}
	day, err := q.FirstOpenDay(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("find the oldest open day: %w", err)
	}
	return day, nil
}

// later is the later of two days.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
