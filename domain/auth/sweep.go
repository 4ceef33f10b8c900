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

// forgetTriesAfter is how long wrong passwords are remembered at most: by then all but the largest counts have run down.
const forgetTriesAfter = 24 * time.Hour

// SweepExpired forgets sessions, sign-ins, authorization requests, refresh tokens, challenges and links that have long expired, and old wrong passwords. The clock asks for it.
type SweepExpired struct{}

// Handle deletes the rows. It tells nothing: nobody could notice.
func (SweepExpired) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q, before := dbsqlc.New(tx), tx.Now.Add(-sweepAfter)
	for _, forget := range []func(context.Context, time.Time) (int64, error){
		q.DeleteExpiredSessions,
		q.DeleteExpiredProviderSessions,
		q.DeleteExpiredAuthorizations,
		q.DeleteExpiredPasskeyChallenges,
		q.DeleteExpiredRefreshFamilies,
		q.DeleteExpiredPasswordLinks,
	} {
		if _, err := forget(ctx, before); err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
	}
	if _, err := q.DeleteOldSignInTries(ctx, tx.Now.Add(-forgetTriesAfter)); err != nil {
		return nil, fmt.Errorf("sweep tries to sign in: %w", err)
	}
	return nil, nil
}
