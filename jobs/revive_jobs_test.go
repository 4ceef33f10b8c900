package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/migrations"
)

// A process of an older version works beside one of a newer: what it does not know it leaves to the other.
func TestAKindThatAProcessDoesNotKnowWaitsForOneThatDoes(t *testing.T) {
	t.Parallel()
	newer, pool := jobstest.Bus(t)
	jobstest.Workers(t, newer, 1)
	jobstest.Tasks(t, newer, 1)
	older := second(t, pool)
	older.Forget("withdraw_money")
	stop := jobstest.Work(t, older)
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from river.river_job where kind <> 'withdraw_money' and state <> 'completed'`) == 0
	}, patience, 20*time.Millisecond, "it does what it knows")
	failed, err := older.FailedJobs(t.Context(), 20)
	require.NoError(t, err)
	require.Len(t, failed, 1)
	require.Equal(t, []any{"withdraw_money", "available", 0, "no job of the kind withdraw_money is known to this version of the program; a newer one has to run"},
		[]any{failed[0].Kind, failed[0].State, failed[0].Attempt, failed[0].Error})
	failed, err = newer.FailedJobs(t.Context(), 20)
	require.NoError(t, err)
	require.Empty(t, failed, "whoever knows the kind sees a job that waits like any other")

	jobstest.Work(t, newer)
	jobstest.Idle(t, pool, patience)
	stop()
	require.Equal(t, 1, count(t, pool, `select count(*) from accounting.transfers`))
	require.Equal(t, 1, count(t, pool, `select attempt from river.river_job where kind = 'withdraw_money'`), "nobody else has tried")
}

// A program from before processes left alone what they did not know takes a job and gives it up, and gives up another that was stuck,
// since it leads. One that failed by itself stays with the admin.
func TestJobsThatWereGivenUpBecauseTheirKindWasNotKnownAreRevived(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 1)
	jobstest.Tasks(t, bus, 1)
	_, err := pool.Exec(t.Context(), `update river.river_job set max_attempts = case kind when 'withdraw_money' then 1 else 25 end, attempt = case kind when 'refresh_tasks' then 1 else 0 end,
		state = case kind when 'withdraw_money' then 'available' when 'refresh_tasks' then 'running' else 'discarded' end::river.river_job_state,
		attempted_at = case kind when 'refresh_tasks' then now() - interval '1 hour' end, finalized_at = case when kind not in ('withdraw_money', 'refresh_tasks') then now() end,
		errors = case when kind not in ('withdraw_money', 'refresh_tasks') then array['{"at": "2026-03-01T00:00:00Z", "attempt": 1, "error": "the vault is locked", "trace": ""}'::jsonb] end`)
	require.NoError(t, err)
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[otherWork]) error { return nil }))
	older, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: migrations.RiverSchema, Workers: workers, Queues: map[string]river.QueueConfig{"money": {MaxWorkers: 1}},
		JobTimeout: time.Second, RescueStuckJobsAfter: 2 * time.Second, FetchPollInterval: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	require.NoError(t, older.Start(t.Context()))
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from river.river_job where kind in ('withdraw_money', 'refresh_tasks') and state = 'discarded'`) == 2
	}, patience, 20*time.Millisecond, "it gives both up")
	require.NoError(t, older.Stop(t.Context()))
	others := count(t, pool, `select count(*) from river.river_job where state = 'discarded'`) - 2
	require.Positive(t, others)

	jobstest.Work(t, bus)
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from river.river_job where kind in ('withdraw_money', 'refresh_tasks') and state <> 'completed'`) == 0
	}, patience, 20*time.Millisecond)
	require.Equal(t, 1, count(t, pool, `select count(*) from accounting.transfers`))
	require.Equal(t, 1, count(t, pool, `select count(*) from tracker.board where version > 0`))
	require.Equal(t, others, count(t, pool, `select count(*) from river.river_job where state = 'discarded'`))
}

// otherWork is the only kind of job that the program from before knows.
type otherWork struct{}

func (otherWork) Kind() string { return "other_work" }
