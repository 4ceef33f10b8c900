// Package sqltest gives tests real databases: migrated, quick to have, and their own. Tests never skip for want of a server:
// it is the one that ATES_TEST_DATABASE_URL names, which cmd/dev sets for all packages of a run, or else a throwaway one of
// this process. Nothing but tests imports it.
package sqltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Pool returns a pool on a migrated database that nobody else uses, for tests that commit, listen or work jobs. At the end of
// the test the pool is closed, and a connection that the test still holds then fails it.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, URL(t))
}

func pool(t testing.TB, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := newPool(t.Context(), address, connections)
	require.NoError(t, err)
	return closed(t, pool)
}

// closed has a pool closed at the end of the test.
func closed(t testing.TB, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			pool.Close()
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(10 * time.Second):
			t.Error("the test has not released all its connections")
		}
	})
	return pool
}

// URL returns the address of a migrated database that nobody else uses, for tests that start whole programs.
func URL(t testing.TB) string {
	t.Helper()
	s, err := theServer()
	require.NoError(t, err)
	template, err := s.template()
	require.NoError(t, err)
	return s.create(t, template)
}

// Empty returns the address of a database without a table, for tests of the migrations themselves.
func Empty(t testing.TB) string {
	t.Helper()
	s, err := theServer()
	require.NoError(t, err)
	return s.create(t, "template0")
}

// Tx returns a transaction in a migrated database that the tests of this process share. It is rolled back at the end of the
// test. Other tests may hold transactions at the same time, so what has to be unique must be drawn at random, as ids are.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	s, err := theServer()
	require.NoError(t, err)
	pool, err := s.shared()
	require.NoError(t, err)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		conn.Release()
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		defer conn.Release()
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// The test may have ended the transaction itself, or lost its connection by cancelling a statement.
		if err := tx.Rollback(ctx); !errors.Is(err, pgx.ErrTxClosed) && !conn.Conn().IsClosed() {
			require.NoError(t, err)
		}
	})
	return tx
}
