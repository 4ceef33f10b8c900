package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/dbsqlc"
	"ates/sql/verify"
)

// eventsHold is the check that everything in the log is an event that this program can read.
const eventsHold = "events hold to their schemas"

// checkEvents checks what was told since the last time that everything was found right, or all, at most so many places of the log. What
// the bus tells has been checked before, so what is found here was written by somebody else, or by a newer program.
func checkEvents(ctx context.Context, pool *pgxpool.Pool, all bool, most int64) (verify.Result, error) {
	result := verify.Result{Name: eventsHold, Examples: []string{}}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return result, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	q := dbsqlc.New(conn)
	if !all {
		if result.UpTo, err = q.ComparedUpTo(ctx, dbsqlc.ComparedUpToParams{Name: eventsHold, Before: endOfTime}); err != nil {
			return result, fmt.Errorf("find the last check of events: %w", err)
		}
	}
	end, err := settledPosition(ctx, conn.Conn())
	if err != nil {
		return result, err
	}
	if end-result.UpTo > most {
		end = result.UpTo + most
	}
	for result.UpTo < end {
		upTo := min(result.UpTo+windowOfEvents, end)
		rows, err := q.ReadLog(ctx, dbsqlc.ReadLogParams{After: result.UpTo, UpTo: upTo})
		if err != nil {
			return result, fmt.Errorf("read events: %w", err)
		}
		for _, row := range rows {
			result.Looked++
			var bad *badEvent
			if errors.As(check(envelope(dbsqlc.ReadEventsRow(row))), &bad) {
				result.Broken++
				if len(result.Examples) < rowsNamed {
					result.Examples = append(result.Examples, fmt.Sprintf("%s (%s): %v", bad.event.ID, bad.event.Name, bad.err))
				}
			}
		}
		result.UpTo = upTo
	}
	return result, nil
}
