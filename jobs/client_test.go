package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs"
	"ates/jobs/jobstest"
)

func TestAProcessWorksOnlyOnTheQueuesItIsGiven(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 1)
	jobstest.Tasks(t, bus, 1)
	require.ErrorContains(t, bus.Work(t.Context(), "gold"), `no queue "gold"`)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stopped := make(chan error, 1)
	go func() { stopped <- bus.Work(ctx, "read_models") }()
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from river.river_job where queue = 'read_models' and state <> 'completed'`) == 0
	}, patience, 20*time.Millisecond)
	stop()
	require.NoError(t, <-stopped)
	require.Equal(t, 2, count(t, pool, `select count(*) from river.river_job where queue = 'money' and state = 'available'`), "another process has to charge and price")
	require.Zero(t, count(t, pool, `select count(*) from accounting.tasks`))
	require.Equal(t, "money", figureOf(t, bus, "withdraw_money", "available").Queue, "of which the alert tells that nobody works on it")

	var rest []string
	for _, queue := range jobs.Queues() {
		if queue != "money" {
			rest = append(rest, queue)
		}
	}
	other, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	both, stopBoth := context.WithCancel(t.Context())
	defer stopBoth()
	go func() { stopped <- bus.Work(both, "money") }()
	go func() { stopped <- other.Work(both, rest...) }()
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	require.Equal(t, 1, count(t, pool, `select count(*) from accounting.transfers`), "the fee")
	stopBoth()
	require.NoError(t, <-stopped)
	require.NoError(t, <-stopped)
}
