package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// atOnce has the bus do commands at the same moment.
func atOnce[C domain.Command](t *testing.T, bus *jobs.Bus, commands []C) []error {
	t.Helper()
	errs, start := make([]error, len(commands)), make(chan struct{})
	var group sync.WaitGroup
	for i, cmd := range commands {
		group.Go(func() {
			<-start
			errs[i] = bus.Do(t.Context(), cmd)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// Commands that are asked for together share transactions and jobs, and still each has its own record, answer and events, and what it set off
// can be told. One that is refused or was sent before is answered as if it were alone.
func TestCommandsOfTheMomentShareATransactionAndEachHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	by := jobstest.Workers(t, bus, 3)[0]
	const tasks = 60
	form := func(n int) *tracker.CreateTask {
		return &tracker.CreateTask{Request: domain.Request{By: by, Key: fmt.Sprintf("form-%d", n)}, Description: fmt.Sprintf("Task %d", n)}
	}
	first := make([]*tracker.CreateTask, tasks)
	for n := range first {
		first[n] = form(n)
	}
	for _, err := range atOnce(t, bus, first) {
		require.NoError(t, err)
	}
	ids := map[uuid.UUID]bool{}
	for n, cmd := range first {
		ids[cmd.TaskID] = true
		require.Equal(t, 1, count(t, pool, `select count(*) from tracker.tasks where id = $1 and number = $2 and description = $3`, cmd.TaskID, cmd.Number, fmt.Sprintf("Task %d", n)))
		require.Equal(t, 1, count(t, pool, `select count(*) from log.commands where key = $1 and outcome ->> 'TaskID' = $2 and done_at >= occurred_at and
			input ->> 'TaskID' = '00000000-0000-0000-0000-000000000000'`, cmd.Key, cmd.TaskID))
	}
	require.Len(t, ids, tasks)
	require.Less(t, count(t, pool, `select count(distinct xmin::text) from log.commands where name = 'tracker.CreateTask'`), tasks, "fewer transactions than commands")
	require.Equal(t, tasks, count(t, pool, `select count(*) from log.commands c where 2 = (select count(*) from log.events e
		where e.correlation_id = c.id and e.causation_id = c.id and e.actor = $1 and e.subject = (c.outcome ->> 'TaskID')::uuid)`, by.ID), "each told its own")
	for _, kind := range []string{"price_tasks", "withdraw_money", "refresh_tasks", "notify_given"} {
		require.Less(t, count(t, pool, `select count(*) from river.river_job where kind = $1`, kind), tasks, "fewer jobs than commands: %s", kind)
	}
	var asked []uuid.UUID
	require.NoError(t, pool.QueryRow(t.Context(), `select array_agg(id) from log.commands where name = 'tracker.CreateTask'`).Scan(&asked))
	waiting, err := bus.CountJobs(t.Context(), asked)
	require.NoError(t, err)
	for _, id := range asked {
		require.Equal(t, jobs.JobCounts{Open: 4}, waiting[id], "each knows the four jobs that work for it")
	}

	empty := form(tasks)
	empty.Description = " "
	second := []*tracker.CreateTask{empty}
	for n := range tasks / 2 {
		second = append(second, form(n), form(tasks+1+n))
	}
	errs := atOnce(t, bus, second)
	refused(t, errs[0], domain.Invalid, "task.description_empty")
	for i, err := range errs[1:] {
		require.NoError(t, err)
		if n := i / 2; i%2 == 0 {
			require.Equal(t, first[n], second[1+i], "the first answer again")
		}
	}
	require.Equal(t, tasks+tasks/2, count(t, pool, `select count(*) from tracker.tasks`))
	require.Equal(t, tasks+tasks/2, count(t, pool, `select count(*) from log.commands where name = 'tracker.CreateTask'`), "what is refused leaves no record")

	jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	for _, kind := range []string{"price_tasks", "withdraw_money", "notify_given"} {
		require.Equal(t, tasks+tasks/2, count(t, pool, `select count(*) from log.commands c where 1 = (select count(*) from log.runs r where r.correlation_id = c.id and r.kind = $1
			and r.events = 1 and exists (select from log.events e where e.batch = r.batch and e.correlation_id = c.id and e.position between r.first and r.last))`, kind), "%s: a run for each command", kind)
	}
	require.Zero(t, count(t, pool, `select count(*) from log.events e where e.name in ('Account.BalanceChanged', 'Task.Priced')
		and not exists (select from log.runs r where r.told = e.batch and r.correlation_id = e.correlation_id)`), "told by a run for its own command")
}

// Whether a commit that failed has happened is nobody's to guess: whoever was in it is told, and nothing is tried a second time.
func TestNobodyOfAFailedCommitIsTriedAgain(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	by := jobstest.Workers(t, bus, 3)[0]
	fault{on: "insert on tracker.tasks", when: "new.description = 'Task 7'", atCommit: true}.strike(t, pool)
	const tasks = 60
	all := make([]*tracker.CreateTask, tasks)
	for n := range all {
		all[n] = &tracker.CreateTask{Request: domain.Request{By: by, Key: fmt.Sprintf("form-%d", n)}, Description: fmt.Sprintf("Task %d", n)}
	}
	failed := 0
	for n, err := range atOnce(t, bus, all) {
		made := count(t, pool, `select count(*) from tracker.tasks where description = $1`, fmt.Sprintf("Task %d", n))
		if err != nil {
			failed++
			require.Zero(t, made)
			require.Zero(t, count(t, pool, `select count(*) from log.commands where key = $1`, fmt.Sprintf("form-%d", n)))
		} else {
			require.Equal(t, 1, made)
		}
	}
	require.Greater(t, failed, 1, "those who shared the commit with the one that broke it")
}

// sloppy is a command that leaves its own fields changed when its group fails.
type sloppy struct {
	domain.Request
	ID     string
	Result string
}

func (c *sloppy) Handle(context.Context, domain.Tx) ([]domain.Event, error) {
	c.Result += c.ID + " done"
	return nil, nil
}

func (c *sloppy) Requested() domain.Request { return c.Request }

func (c *sloppy) HandleJointly(_ context.Context, _ domain.Tx, all []domain.RequestedCommand) ([][]domain.Event, error) {
	for _, other := range all {
		other.(*sloppy).Result = "half done"
	}
	return nil, errors.New("not together")
}

func TestCommandsThatFailTogetherAreAsTheyWereWhenEachIsTriedAlone(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	by := jobstest.Workers(t, bus, 1)[0]
	all := make([]*sloppy, 30)
	for n := range all {
		all[n] = &sloppy{Request: domain.Request{By: by}, ID: fmt.Sprint(n)}
	}
	for n, err := range atOnce(t, bus, all) {
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(n)+" done", all[n].Result)
	}
	require.Equal(t, len(all), count(t, pool, `select count(*) from log.commands where name = 'jobs_test.sloppy'`))
}
