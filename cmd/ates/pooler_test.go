package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// TestBehindAPooler goes by way of PgBouncer, which lends connections for a transaction, for all but what belongs to a connection.
// With ATES_TEST_POOLER=1 the other tests do so too.
func TestBehindAPooler(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pooled := sqltest.Pooler(t, database, "ignore_startup_parameters = idle_in_transaction_session_timeout")
	p := start(t, []string{"DATABASE_URL=" + pooled, "DATABASE_DIRECT_URL=" + database, "ATES_DEMO=1"})
	manager, worker := signIn(t, p.address, "manager"), signIn(t, p.address, "worker")
	events := worker.stream("0")
	await(t, events, "hello")
	createTask(t, manager, "By way of a pooler")
	await(t, events, "tasks/")
	_, board := worker.get("/tasks?q=pooler")
	require.Contains(t, board, "By way of a pooler</a>")
	status, _ := manager.get("/accounting")
	require.Equal(t, http.StatusOK, status)
	pool := dial(t, database)
	jobstest.Idle(t, pool, time.Minute)
	jobstest.RequireSoundBooks(t, pool)

}

func TestAPoolerThatWouldLoseNotificationsIsFoundAtTheStart(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	_, err := connect(t.Context(), sqltest.Pooler(t, database))
	require.ErrorContains(t, err, "DATABASE_URL leads to a pooler")

	direct, err := connect(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(direct.Close)
	pooled, err := connect(t.Context(), sqltest.Pooler(t, database, "ignore_startup_parameters = idle_in_transaction_session_timeout"))
	require.NoError(t, err, "it keeps to itself what it is")
	t.Cleanup(pooled.Close)
	const never, enough = 100 * time.Millisecond, 30 * time.Second
	require.ErrorContains(t, (&postgres{pool: pooled, direct: pooled}).hears(t.Context(), never), "name Postgres itself with DATABASE_DIRECT_URL")
	require.ErrorContains(t, (&postgres{pool: direct, direct: pooled}).hears(t.Context(), never), "did not come back by way of DATABASE_DIRECT_URL")
	require.NoError(t, (&postgres{pool: pooled, direct: direct}).hears(t.Context(), enough))
}
