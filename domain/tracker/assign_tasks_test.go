package tracker_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

func TestAssignTasksMovesSomeTasksAndKeepsTheOthers(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 3)
	before := map[uuid.UUID]dbsqlc.FindTaskRow{}
	for range 60 {
		task, _ := create(t, tx)
		before[task] = find(t, tx, task)
	}
	for _, role := range []domain.Role{domain.Manager, domain.Admin} {
		cmd := &tracker.AssignTasks{Request: somebody(role)}
		events, err := cmd.Handle(t.Context(), tx)
		require.NoError(t, err)
		require.Len(t, events, cmd.Reassigned+1, "one event for each task that moved, and one for the draw")
		draw := events[cmd.Reassigned]
		require.Equal(t, tracker.TasksDrawn{DrawID: cmd.DrawID, DrawnBy: cmd.By.ID, DrawnAt: tx.Now, Open: len(before), Workers: 3,
			Reassigned: cmd.Reassigned, Kept: cmd.Kept}, draw.Data)
		require.Equal(t, cmd.DrawID, draw.Subject)
		events = events[:cmd.Reassigned]
		require.Equal(t, len(before), cmd.Reassigned+cmd.Kept)
		require.Positive(t, cmd.Reassigned)
		require.Positive(t, cmd.Kept, "the current assignee is drawn like the others")

		moved := map[uuid.UUID]bool{}
		for _, e := range events {
			data := e.Data.(tracker.TaskAssigned)
			was, is := before[e.Subject], find(t, tx, e.Subject)
			require.NotEqual(t, was.Assignee, is.Assignee)
			require.Equal(t, tracker.TaskAssigned{TaskID: e.Subject, Assignee: is.Assignee, Previous: &was.Assignee, Assignment: was.Assignment + 1}, data)
			require.Equal(t, is.Assignment, data.Assignment)
			require.EqualValues(t, data.Assignment+1, e.Version, "one event for the creation and one for each assignment")
			require.Equal(t, tracker.Open, is.Status)
			require.False(t, moved[e.Subject])
			moved[e.Subject] = true
		}
		for task, was := range before {
			if !moved[task] {
				require.Equal(t, was, find(t, tx, task), "a task that is kept does not change")
			}
			before[task] = find(t, tx, task)
		}
	}
}

func TestOneWorkerMayGetAllTasks(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 1)
	for range 3 {
		create(t, tx)
	}
	cmd := &tracker.AssignTasks{Request: somebody(domain.Manager)}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Len(t, events, 1, "drawn again for one's own task is no event of the task")
	require.IsType(t, tracker.TasksDrawn{}, events[0].Data)
	require.Equal(t, 3, cmd.Kept)
	require.Zero(t, cmd.Reassigned)
}

func TestOnlyManagersAndAdminsMayAssign(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	worker := workers(t, tx, 2)[0]
	create(t, tx)
	refuses(t, tx, &tracker.AssignTasks{Request: asks(worker)}, domain.Forbidden, "task.may_not_assign")
	refuses(t, tx, &tracker.AssignTasks{Request: somebody(domain.TopManager)}, domain.Forbidden, "task.may_not_assign")
	refuses(t, tx, &tracker.AssignTasks{}, domain.Forbidden, "task.may_not_assign")
}

func TestWithoutAnActiveWorkerNothingIsAssigned(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	refuses(t, tx, &tracker.AssignTasks{Request: somebody(domain.Admin)}, domain.Conflict, "task.no_workers")

	worker := workers(t, tx, 1)[0]
	create(t, tx)
	worker.Active, worker.Version = false, 2
	learn(t, tx, worker)
	cmd := &tracker.AssignTasks{Request: somebody(domain.Admin)}
	refuses(t, tx, cmd, domain.Conflict, "task.no_workers")
	require.Zero(t, cmd.Kept)
}

func TestWithNothingToDrawNothingHappens(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 2)
	cmd := &tracker.AssignTasks{Request: somebody(domain.Manager)}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Empty(t, events)
	require.Zero(t, cmd.Reassigned+cmd.Kept)
}

func TestWhoIsNoActiveWorkerAnyMoreIsNotDrawn(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*tracker.Person){
		"deactivated":     func(p *tracker.Person) { p.Active = false },
		"made a manager":  func(p *tracker.Person) { p.Role = domain.Manager },
		"made an unknown": func(p *tracker.Person) { p.Role = "Worker" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := begin(t)
			leaving := workers(t, tx, 1)[0]
			for range 20 {
				create(t, tx)
			}
			staying := workers(t, tx, 1)[0]
			leave(&leaving)
			leaving.Version = 2
			learn(t, tx, leaving)
			require.Equal(t, map[uuid.UUID]int{leaving.ID: 20}, assignees(t, tx), "their open tasks stay until the next draw")

			cmd := &tracker.AssignTasks{Request: somebody(domain.Manager)}
			_, err := cmd.Handle(t.Context(), tx)
			require.NoError(t, err)
			for range 20 {
				create(t, tx)
			}
			require.Equal(t, map[uuid.UUID]int{staying.ID: 40}, assignees(t, tx))
		})
	}
}

// assignees are how many open tasks are with each person.
func assignees(t testing.TB, tx domain.Tx) map[uuid.UUID]int {
	t.Helper()
	rows, err := tx.Query(t.Context(), `select assignee, count(*) from tracker.tasks where status = 'open' group by assignee`)
	require.NoError(t, err)
	defer rows.Close()
	counts := map[uuid.UUID]int{}
	for rows.Next() {
		var who uuid.UUID
		var n int
		require.NoError(t, rows.Scan(&who, &n))
		counts[who] = n
	}
	require.NoError(t, rows.Err())
	return counts
}
