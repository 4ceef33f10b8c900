package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/sqltest"
)

type wakeArgs struct {
	N int `json:"n"`
}

func (wakeArgs) Kind() string { return "wake_test" }

// The channel and the payload are River's own affair, so this fails when River changes them: here nobody would poll for an hour.
func TestRiverHearsTheWaker(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	worked := make(chan int, 2)
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, job *river.Job[wakeArgs]) error {
		worked <- job.Args.N
		return nil
	}))
	working, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: migrations.RiverSchema, Workers: workers, Queues: map[string]river.QueueConfig{moneyQueue: {MaxWorkers: 1}}, FetchPollInterval: time.Hour, Logger: riverLogger(),
	})
	require.NoError(t, err)
	require.NoError(t, working.Start(t.Context()))
	defer func() { require.NoError(t, working.StopAndCancel(context.WithoutCancel(t.Context()))) }()
	inserting, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: migrations.RiverSchema, Workers: workers, FetchCooldown: neverNotify, FetchPollInterval: neverNotify, Logger: riverLogger(),
	})
	require.NoError(t, err)
	w := newWaker(pool)
	// The first River tells of itself; the second nobody but the waker.
	for n := range 2 {
		_, err := inserting.Insert(t.Context(), wakeArgs{n}, &river.InsertOpts{Queue: moneyQueue})
		require.NoError(t, err)
		w.wake([]string{moneyQueue})
		require.NoError(t, w.tell(t.Context()))
		select {
		case done := <-worked:
			require.Equal(t, n, done)
		case <-time.After(30 * time.Second):
			t.Fatal("nobody heard that there is a job")
		}
	}
}
