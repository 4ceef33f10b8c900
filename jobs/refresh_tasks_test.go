package jobs_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/dbsqlc"
)

// Groups of different processes that change rows of several tasks, by one statement after the other, would wait for each other in a circle.
func TestOneTransactionAtATimeChangesTheBoardInSeveralSteps(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 1)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	shared, err := dbsqlc.New(tx).ShareBoard(t.Context())
	require.NoError(t, err)
	require.True(t, shared)
	jobstest.Work(t, bus)
	jobstest.Tasks(t, bus, 2)
	require.Eventually(t, func() bool {
		return count(t, pool, "select count(*) from river.river_job where kind = 'refresh_tasks' and state = 'running'") > 0
	}, patience, time.Millisecond)
	time.Sleep(300 * time.Millisecond) // it would be done long since
	require.Zero(t, count(t, pool, "select count(*) from tracker.board where number is not null"))
	require.NoError(t, tx.Commit(t.Context()))
	jobstest.Idle(t, pool, patience)
	require.Equal(t, 2, count(t, pool, "select count(*) from tracker.board where number is not null and fee is not null"))
}
