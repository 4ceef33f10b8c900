package auth_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// However many processes look at the keys at once, and however late, exactly one key signs, and none that was not published for a
// week before.
func TestKeysRotateOneStepAtATime(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	q := dbsqlc.New(pool)
	now := time.Now().UTC().Truncate(time.Microsecond)
	rotate := func() {
		t.Helper()
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				errs[i] = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
					_, err := auth.RotateSigningKey{}.Handle(t.Context(), domain.Tx{Tx: tx, Now: now})
					return err
				})
			})
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	signing := func() string {
		t.Helper()
		key, err := q.FindSigningKey(t.Context())
		require.NoError(t, err)
		return key.ID
	}
	rotate() // nobody has signed yet
	_, err := q.FindSigningKey(t.Context())
	require.ErrorIs(t, err, pgx.ErrNoRows)

	require.NoError(t, auth.EnsureSigningKey(t.Context(), pool, now))
	first := signing()
	require.NoError(t, auth.EnsureSigningKey(t.Context(), pool, now))
	require.Equal(t, first, signing())

	// The program was off for a year. The old key signs for one more week.
	now = now.AddDate(1, 0, 0)
	require.NoError(t, auth.EnsureSigningKey(t.Context(), pool, now))
	rotate()
	next, err := q.FindNextSigningKey(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, signing())
	now = now.Add(7*24*time.Hour - time.Second)
	rotate()
	require.Equal(t, first, signing())
	now = now.Add(time.Second)
	rotate()
	require.Equal(t, next.ID, signing())
	_, err = q.FindNextSigningKey(t.Context())
	require.ErrorIs(t, err, pgx.ErrNoRows)
}
