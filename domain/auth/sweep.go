package auth

import (
	"context"
	"fmt"
	"time"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// sweepAfter is how long what has expired is kept. It outlasts any request, so no request in flight can miss the
// tombstone of its session, and any access token, which needs the row of its authorization.
const sweepAfter = time.Hour

// SweepExpired forgets sessions, sign-ins, authorization requests and links that have long expired. The clock asks for it.
type SweepExpired struct{}

// Handle deletes the rows. It tells nothing: nobody could notice.
func (SweepExpired) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q, before := dbsqlc.New(tx), tx.Now.Add(-sweepAfter)
	for _, forget := range []func(context.Context, time.Time) (int64, error){
		q.DeleteExpiredSessions,
		q.DeleteExpiredProviderSessions,
		q.DeleteExpiredAuthorizations,
		q.DeleteExpiredPasswordLinks,
	} {
		if _, err := forget(ctx, before); err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
	}
	return nil, nil
}
