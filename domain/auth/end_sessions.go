package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// EndSessions signs a person out of their own sessions, at once and for good: of the one named by Session, else of all but Keep,
// which is nil to keep none. Whichever end, no browser of theirs is let in again without showing who sits there; with all of
// them goes what other programs may ask for in the person's name. It refuses a session that is not theirs or has ended.
type EndSessions struct {
	domain.Request
	Session uuid.UUID `json:"session"`
	Keep    uuid.UUID `json:"keep"`

	// Ended is the answer: how many sessions that were.
	Ended int64
}

// Handle ends the sessions. It tells nothing: sessions are nobody else's business.
func (c *EndSessions) Handle(ctx context.Context, tx domain.Tx) (_ []domain.Event, err error) {
	q := dbsqlc.New(tx)
	if c.Session != uuid.Nil {
		c.Ended, err = q.RevokeOneSession(ctx, dbsqlc.RevokeOneSessionParams{ID: c.Session, Subject: c.By.ID, Now: &tx.Now})
	} else {
		c.Ended, err = q.RevokeOtherSessions(ctx, dbsqlc.RevokeOtherSessionsParams{Keep: c.Keep, Subject: c.By.ID, Now: &tx.Now})
	}
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	if c.Session != uuid.Nil && c.Ended == 0 {
		return nil, &domain.Refusal{Kind: domain.NotFound, Code: "auth.session_ended", Message: "This session has ended already."}
	}
	if err := q.EndProviderSessionsOfAccount(ctx, dbsqlc.EndProviderSessionsOfAccountParams{AccountID: c.By.ID, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("sign out at the provider: %w", err)
	}
	if c.Session == uuid.Nil {
		if err := q.EndRefreshFamiliesOfAccount(ctx, dbsqlc.EndRefreshFamiliesOfAccountParams{AccountID: c.By.ID, Now: tx.Now}); err != nil {
			return nil, fmt.Errorf("end refresh tokens: %w", err)
		}
	}
	return nil, nil
}

// Topics has the person's streams look whether they may go on.
func (c *EndSessions) Topics() []string { return []string{PersonTopic(c.By.ID)} }

// endSessions signs a person out of everything: every session of theirs, every browser, and every program that may ask in their name.
func endSessions(ctx context.Context, q *dbsqlc.Queries, person uuid.UUID, now time.Time) error {
	if err := q.RevokeSessionsOfSubject(ctx, dbsqlc.RevokeSessionsOfSubjectParams{Subject: person, Now: &now}); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	if err := q.EndProviderSessionsOfAccount(ctx, dbsqlc.EndProviderSessionsOfAccountParams{AccountID: person, Now: now}); err != nil {
		return fmt.Errorf("sign out at the provider: %w", err)
	}
	if err := q.EndRefreshFamiliesOfAccount(ctx, dbsqlc.EndRefreshFamiliesOfAccountParams{AccountID: person, Now: now}); err != nil {
		return fmt.Errorf("end refresh tokens: %w", err)
	}
	return nil
}
