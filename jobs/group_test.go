package jobs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// Jobs that wait together share transactions, and what they tell is one batch with the jobs that follow; still each has a run of its own. A
// bad one among them fails alone.
func TestJobsOfTheMomentShareATransactionAndABadOneHarmsNoOther(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
	jobstest.Workers(t, bus, 3)
	const tasks = 40
	var bad string
	for n := range tasks {
		create := &tracker.CreateTask{Request: domain.Request{By: jobstest.Manager()}, Description: fmt.Sprintf("Task %d", n)}
		require.NoError(t, bus.Do(t.Context(), create))
		bad = create.TaskID.String()
	}
	heal := fault{on: "insert on accounting.transfers", when: "new.task = '" + bad + "'"}.strike(t, pool)
	jobstest.Work(t, bus)
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from accounting.transfers`) == tasks-1 &&
			count(t, pool, `select count(*) from river.river_job where kind = 'withdraw_money' and errors[1]->>'error' like '%out of order%'`) == 1
	}, patience, 20*time.Millisecond, "all but one are charged, and that one says why it is not")
	heal()
	_, err := pool.Exec(t.Context(), `update river.river_job set state = 'available', scheduled_at = now() where state in ('available', 'retryable')`)
	require.NoError(t, err)
	jobstest.Idle(t, pool, patience)

	for _, kind := range []string{"price_tasks", "refresh_tasks", "notify_given", "refresh_daily_balances"} {
		runs := count(t, pool, `select count(*) from log.runs where kind = $1`, kind)
		require.GreaterOrEqual(t, runs, tasks, kind)
		jobs := count(t, pool, `select count(distinct job) from log.runs where kind = $1`, kind)
		switch kind {
		case "refresh_tasks":
			require.Less(t, jobs, runs, "those that follow work for several commands, for each of which there is a run")
		case "refresh_daily_balances": // they follow jobs of which some were tried one by one, with the bad one, and others were done together
			require.LessOrEqual(t, jobs, tasks, kind)
			require.Equal(t, tasks, runs, kind)
		default:
			require.Equal(t, tasks, jobs, "%s: a job for each command that came alone, or that failed with others", kind)
			require.Equal(t, tasks, runs, kind)
		}
		if kind != "refresh_daily_balances" { // whose jobs come one by one, after those that failed together
			require.Less(t, count(t, pool, `select count(distinct xmin::text) from log.runs where kind = $1`, kind), runs, "%s: fewer transactions than jobs", kind)
		}
	}
	require.Less(t, count(t, pool, `select count(distinct batch) from log.events where name = 'Task.Priced'`), tasks, "one batch for those that share a transaction")
	require.Zero(t, count(t, pool, `select count(*) from log.events e where e.name in ('Account.BalanceChanged', 'Task.Priced')
		and not exists (select from log.runs r where r.told = e.batch and r.correlation_id = e.correlation_id)`), "told by a run of its own command")
	require.Zero(t, count(t, pool, `select count(*) from river.river_job where args ? 'batch' and (attempt < 1 or attempted_at is null or finalized_at is null)`))
	jobstest.RequireSoundBooks(t, pool)
}
