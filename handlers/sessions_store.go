package handlers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/sql/dbsqlc"
)

const (
	sessionLifetime   = 12 * time.Hour
	sessionIdle       = 2 * time.Hour
	sessionTouchEvery = time.Minute
	// A session in which nobody is signed in is only the memory of an attempt to.
	sessionAnonymousLifetime = time.Hour
)

// sessionStore keeps sessions in Postgres for scs. Three things differ from the stores that come with it. Ending leaves a
// tombstone that later writes do not get past. Use is noted here, at most once a minute, because an IdleTimeout of scs
// would write the whole session at every request. And time is the program's clock, so the expiry scs works out is ignored.
type sessionStore struct {
	queries *dbsqlc.Queries
	now     func() time.Time
}

var _ scs.CtxStore = (*sessionStore)(nil)

// The database never holds a token that would let its reader in.
func tokenHash(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// FindCtx returns the data of a session that lives.
func (s *sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	hash, now := tokenHash(token), s.now()
	row, err := s.queries.FindSession(ctx, dbsqlc.FindSessionParams{TokenHash: hash, Now: now, IdleSince: now.Add(-sessionIdle)})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	if row.TouchedAt.Before(now.Add(-sessionTouchEvery)) {
		if err := s.queries.TouchSession(ctx, dbsqlc.TouchSessionParams{TokenHash: hash, Now: now}); err != nil {
			return nil, false, fmt.Errorf("touch session: %w", err)
		}
	}
	return row.Data, true, nil
}

// CommitCtx writes a session unless it has ended.
func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, _ time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	now := s.now()
	row := dbsqlc.SaveSessionParams{TokenHash: tokenHash(token), Data: data, Now: now, ExpiresAt: now.Add(sessionAnonymousLifetime)}
	if text, ok := values[sessionSubject].(string); ok {
		subject, err := uuid.Parse(text)
		if err != nil {
			return fmt.Errorf("read the subject of a session: %w", err)
		}
		row.Subject, row.ExpiresAt = &subject, now.Add(sessionLifetime)
		row.UserAgent, _ = values[sessionBrowser].(string)
	}
	if err := s.queries.SaveSession(ctx, row); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session for good.
func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	now := s.now()
	if err := s.queries.RevokeSession(ctx, dbsqlc.RevokeSessionParams{TokenHash: tokenHash(token), Now: &now}); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// person returns whose session a token names, pgx.ErrNoRows when it does not live or its person is not active.
func (s *sessionStore) person(ctx context.Context, token string) (uuid.UUID, error) {
	now := s.now()
	return s.queries.FindSessionPerson(ctx, dbsqlc.FindSessionPersonParams{
		TokenHash: tokenHash(token), Now: now, IdleSince: now.Add(-sessionIdle),
	})
}

// scs asks for these beside the ones that take a context and never calls them.

func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s *sessionStore) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}
