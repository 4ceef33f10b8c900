package sqltest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

func TestDatabasesAreMigratedAndSeparate(t *testing.T) {
	t.Parallel()
	one, other := sqltest.Pool(t), sqltest.Pool(t)

	_, err := one.Exec(t.Context(), "insert into log.changes (topics, at) values ('{a}', now())")
	require.NoError(t, err)

	var n int
	require.NoError(t, other.QueryRow(t.Context(), "select count(*) from log.changes").Scan(&n))
	require.Zero(t, n)
	require.NoError(t, other.QueryRow(t.Context(), "select count(*) from river.river_job").Scan(&n))
	require.Zero(t, n)
}

func TestTransactionsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	t.Run("insert", func(t *testing.T) {
		_, err := sqltest.Tx(t).Exec(t.Context(), "insert into log.changes (topics, at) values ('{a}', now())")
		require.NoError(t, err)
	})
	var n int
	require.NoError(t, sqltest.Tx(t).QueryRow(t.Context(), "select count(*) from log.changes").Scan(&n))
	require.Zero(t, n)
}

func TestATestMayEndItsTransactionItself(t *testing.T) {
	t.Parallel()
	t.Run("rollback", func(t *testing.T) {
		require.NoError(t, sqltest.Tx(t).Rollback(t.Context()))
	})
	t.Run("failed statement", func(t *testing.T) {
		_, err := sqltest.Tx(t).Exec(t.Context(), "select 1/0")
		require.Error(t, err)
	})
	t.Run("cancelled statement", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := sqltest.Tx(t).Exec(ctx, "select pg_sleep(60)")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestEmptyHasNoTables(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), sqltest.Empty(t))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var n int
	require.NoError(t, conn.QueryRow(t.Context(),
		"select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')").Scan(&n))
	require.Zero(t, n)
}

func BenchmarkPool(b *testing.B) {
	sqltest.URL(b)
	for b.Loop() {
		var one int
		require.NoError(b, sqltest.Pool(b).QueryRow(b.Context(), "select 1").Scan(&one))
	}
}

func BenchmarkURL(b *testing.B) {
	sqltest.URL(b)
	for b.Loop() {
		sqltest.URL(b)
	}
}

func BenchmarkTx(b *testing.B) {
	sqltest.Tx(b)
	for b.Loop() {
		require.NoError(b, sqltest.Tx(b).Rollback(b.Context()))
	}
}

func TestATemplateIsFilledOnceAndCopied(t *testing.T) {
	t.Parallel()
	filled := 0
	template := &sqltest.Template{Fill: func(t testing.TB, address string) {
		filled++
		conn, err := pgx.Connect(t.Context(), address)
		require.NoError(t, err)
		defer conn.Close(t.Context())
		_, err = conn.Exec(t.Context(), "insert into log.changes (topics, at) values ('{a}', now())")
		require.NoError(t, err)
	}}
	for range 2 {
		conn, err := pgx.Connect(t.Context(), template.URL(t))
		require.NoError(t, err)
		defer conn.Close(t.Context())
		var n int
		require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from log.changes").Scan(&n))
		require.Equal(t, 1, n, "what it was filled with")
		_, err = conn.Exec(t.Context(), "delete from log.changes")
		require.NoError(t, err)
	}
	require.Equal(t, 1, filled)
}
