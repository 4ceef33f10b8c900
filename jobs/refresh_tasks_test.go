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
	require.NoError(t, dbsqlc.New(tx).ShareBoard(t.Context()))
	jobstest.Work(t, bus)
	jobstest.Tasks(t, bus, 2)
	waiting := `select count(*) from pg_locks where locktype = 'advisory' and not granted and mode = 'ExclusiveLock'
		and database = (select oid from pg_database where datname = current_database()) and objid = 'tracker.board'::regclass`
	require.Eventually(t, func() bool { return count(t, pool, waiting) > 0 }, patience, 20*time.Millisecond)
	require.Zero(t, count(t, pool, "select count(*) from tracker.board where number is not null"))
	require.NoError(t, tx.Commit(t.Context()))
	jobstest.Idle(t, pool, patience)
	require.Equal(t, 2, count(t, pool, "select count(*) from tracker.board where number is not null and fee is not null"))
}
