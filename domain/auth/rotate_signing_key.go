package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// SigningAlgorithm is the one that tokens are signed with. Its keys are made in no time and make short tokens.
const SigningAlgorithm = "ES256"

const (
	// A key signs for so long.
	signingKeyLifetime = 90 * 24 * time.Hour
	// The next one is published for so long before it signs, because there are clients that fetch keys once a day.
	signingKeyNotice = 7 * 24 * time.Hour
	// A key that was retired so long ago has nothing left to prove, and nobody should find it.
	signingKeyKept = 7 * 24 * time.Hour
)

// RotateSigningKey makes the next key when the one that signs grows old, and lets it take over when the one that signs is too
// old and the next has been published long enough (OpenID Connect Core 10.1.1). It does one step at most, and forgets keys that
// were retired long ago. The clock asks for it.
type RotateSigningKey struct{}

// Handle changes the keys. It tells nothing: nobody but the provider needs to know.
func (RotateSigningKey) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	if _, err := q.DeleteRetiredSigningKeys(ctx, tx.Now.Add(-signingKeyKept)); err != nil {
		return nil, fmt.Errorf("forget retired keys: %w", err)
	}
	current, err := q.LockSigningKey(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		// Nobody has signed yet, or somebody else has just let the next one take over.
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find signing key: %w", err)
	}
	age := tx.Now.Sub(*current.SignsFrom)
	if age < signingKeyLifetime-signingKeyNotice {
		return nil, nil
	}
	next, err := q.FindNextSigningKey(ctx)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, insertSigningKey(ctx, q, tx.Now, nil)
	case err != nil:
		return nil, fmt.Errorf("find the next signing key: %w", err)
	case age < signingKeyLifetime || tx.Now.Sub(next.CreatedAt) < signingKeyNotice:
		return nil, nil
	}
	if err := q.RetireSigningKey(ctx, dbsqlc.RetireSigningKeyParams{ID: current.ID, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("retire signing key: %w", err)
	}
	if err := q.StartSigningKey(ctx, dbsqlc.StartSigningKeyParams{ID: next.ID, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("start the next signing key: %w", err)
	}
	return nil, nil
}

// EnsureSigningKey makes the first key that signs, unless there is one. Processes that start together end up with the same.
func EnsureSigningKey(ctx context.Context, db dbsqlc.DBTX, now time.Time) error {
	return insertSigningKey(ctx, dbsqlc.New(db), now, &now)
}

func insertSigningKey(ctx context.Context, q *dbsqlc.Queries, now time.Time, signsFrom *time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode signing key: %w", err)
	}
	err = q.InsertSigningKey(ctx, dbsqlc.InsertSigningKeyParams{
		ID: rand.Text(), Algorithm: SigningAlgorithm, PrivateKey: encoded, Now: now, SignsFrom: signsFrom,
	})
	if err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	return nil
}
