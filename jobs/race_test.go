package jobs_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs/jobstest"
	"ates/sql/dbsqlc"
)

// held is an open task as its assignee sees it.
type held struct {
	Task, Assignee uuid.UUID
	Assignment     int32
}

func openTasks(t testing.TB, pool *pgxpool.Pool) []held {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select id, assignee, assignment from tracker.tasks where status = 'open' order by random()`)
	require.NoError(t, err)
	tasks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[held])
	require.NoError(t, err)
	return tasks
}

// TestOfAResolveAndAReassignmentOneWins lets every assignee of 100 open tasks resolve while a manager has all of them drawn
// anew, ten times over.
func TestOfAResolveAndAReassignmentOneWins(t *testing.T) {
	t.Parallel()
	const rounds, open = 10, 100
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 8)
	jobstest.Work(t, bus)
	manager := jobstest.Manager()

	var resolvedFirst, reassignedFirst int
	for range rounds {
		jobstest.Tasks(t, bus, open-count(t, pool, `select count(*) from tracker.tasks where status = 'open'`))
		tasks := openTasks(t, pool)
		errs := make([]error, len(tasks))
		press := &tracker.AssignTasks{Request: domain.Request{By: manager}}
		pressed, when := make(chan struct{}), rand.IntN(open/2)

		var group sync.WaitGroup
		next := make(chan int)
		group.Go(func() {
			defer close(next)
			for i := range tasks {
				if i == when {
					close(pressed)
				}
				next <- i
			}
		})
		var pressErr error
		group.Go(func() {
			<-pressed
			pressErr = bus.Do(t.Context(), press)
		})
		for range 4 {
			group.Go(func() {
				for i := range next {
					task := tasks[i]
					errs[i] = bus.Do(t.Context(), &tracker.ChangeTaskStatus{
						Request: domain.Request{By: domain.Actor{ID: task.Assignee, Role: domain.Worker}},
						TaskID:  task.Task, Status: tracker.Resolved, Assignment: &task.Assignment,
					})
				}
			})
		}
		group.Wait()
		require.NoError(t, pressErr)

		told := 0
		for i, task := range tasks {
			now, err := dbsqlc.New(pool).FindTask(t.Context(), task.Task)
			require.NoError(t, err)
			if errs[i] == nil {
				require.Equal(t, tracker.Resolved, now.Status)
				require.Equal(t, task.Assignee, now.Assignee, "who resolved it is who is paid")
				require.Equal(t, task.Assignment, now.Assignment, "and was not charged for it again, nor anybody else")
				resolvedFirst++
				continue
			}
			refusal := refused(t, errs[i], domain.Conflict, "task.reassigned")
			require.Contains(t, refusal.Message, now.AssigneeName, "the loser is told who has it now")
			require.Equal(t, tracker.Open, now.Status)
			require.NotEqual(t, task.Assignee, now.Assignee)
			require.Equal(t, task.Assignment+1, now.Assignment)
			told++
		}
		require.Equal(t, press.Reassigned, told, "what the manager is told has moved is what assignees are told has moved")
		reassignedFirst += told
	}
	require.Equal(t, rounds*open, resolvedFirst+reassignedFirst)
	require.Positive(t, resolvedFirst)
	require.Positive(t, reassignedFirst, "the race has been one")

	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	require.Equal(t, resolvedFirst, count(t, pool, `select count(*) from accounting.transfers where kind = 'reward'`))
}

// Two managers who press at the same moment draw one after the other: what each is told adds up, and each task's history is a
// chain without a gap.
func TestPressesAtTheSameMomentFollowOneAnother(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 4)
	jobstest.Tasks(t, bus, 50)
	presses := make([]*tracker.AssignTasks, 12)
	errs := make([]error, len(presses))
	var group sync.WaitGroup
	for i := range presses {
		presses[i] = &tracker.AssignTasks{Request: domain.Request{By: jobstest.Manager()}}
		group.Go(func() { errs[i] = bus.Do(t.Context(), presses[i]) })
	}
	group.Wait()
	told := 50
	for i, press := range presses {
		require.NoError(t, errs[i])
		require.Equal(t, 50, press.Reassigned+press.Kept)
		told += press.Reassigned
	}
	require.Len(t, readLog(t, pool, "Task.Assigned"), told)
	require.Zero(t, count(t, pool, `select count(*) from (
		select data->>'previous' as previous, lag(data->>'assignee') over task as holder, (data->>'assignment')::int as assignment, row_number() over task as nth
		from log.events where name = 'Task.Assigned' window task as (partition by subject order by subject_version)) e
		where previous is distinct from holder or assignment <> nth`), "each takes a task from whom the one before gave it")
	require.Zero(t, count(t, pool, `select count(*) from tracker.tasks t where version <> (select max(subject_version) from log.events e where e.subject = t.id)
		or version <> (select count(*) from log.events e where e.subject = t.id)`), "versions have no gap")
}
