package jobs_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs/jobstest"
)

// TestBooksHoldUnderRandomWork is the story of a busy hour: 200 tasks, 50 presses of Assign tasks, and resolves at random
// by their assignees and by managers, all at once.
func TestBooksHoldUnderRandomWork(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 8)
	manager := jobstest.Manager()
	jobstest.Work(t, bus)

	tasks := make([]*tracker.CreateTask, 200)
	for i := range tasks {
		tasks[i] = &tracker.CreateTask{Request: domain.Request{By: workers[i%len(workers)]}, Description: "Task " + strconv.Itoa(i)}
		require.NoError(t, bus.Do(t.Context(), tasks[i]))
	}

	var group sync.WaitGroup
	reassigned, kept := make([]int, 2), make([]int, 2)
	for g := range reassigned {
		group.Go(func() {
			for range 25 {
				assign := &tracker.AssignTasks{Request: domain.Request{By: manager}}
				if err := bus.Do(t.Context(), assign); err != nil {
					t.Errorf("assign: %v", err)
					return
				}
				reassigned[g] += assign.Reassigned
				kept[g] += assign.Kept
			}
		})
	}
	resolved := make([]int, 3)
	for g := range resolved {
		group.Go(func() {
			for range 80 {
				by := manager
				if rand.IntN(3) == 0 {
					by = workers[rand.IntN(len(workers))]
				}
				resolve := &tracker.ChangeTaskStatus{Request: domain.Request{By: by}, TaskID: tasks[rand.IntN(len(tasks))].TaskID, Status: tracker.Resolved}
				err := bus.Do(t.Context(), resolve)
				var refusal *domain.Refusal
				if err != nil && !errors.As(err, &refusal) {
					t.Errorf("resolve: %v", err)
					return
				}
				if err == nil {
					resolved[g]++
				}
			}
		})
	}
	group.Wait()
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	require.Zero(t, count(t, pool, `select count(*) from river.river_job where array_to_string(errors, ' ') like '%40P01%'`), "bookings wait for one another, and never in a circle")

	var fees, rewards int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) filter (where kind = 'fee'), count(*) filter (where kind = 'reward') from accounting.transfers`).Scan(&fees, &rewards))
	require.Equal(t, len(tasks)+reassigned[0]+reassigned[1], fees, "every assignment that was answered is charged")
	require.Equal(t, resolved[0]+resolved[1]+resolved[2], rewards, "every resolve that was answered is paid")
	require.Positive(t, rewards)
	require.Positive(t, kept[0]+kept[1])
}
