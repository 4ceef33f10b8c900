package tracker_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
)

func TestWhoMayResolve(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// by chooses who asks, of the assignee, another Worker and the role.
		by      func(assignee, other tracker.Person) domain.Request
		refused string
	}{
		"the assignee":   {by: func(assignee, _ tracker.Person) domain.Request { return asks(assignee) }},
		"another worker": {by: func(_, other tracker.Person) domain.Request { return asks(other) }, refused: "task.not_yours"},
		"a manager":      {by: func(_, _ tracker.Person) domain.Request { return somebody(domain.Manager) }},
		"an admin":       {by: func(_, _ tracker.Person) domain.Request { return somebody(domain.Admin) }},
		"a top-manager":  {by: func(_, _ tracker.Person) domain.Request { return somebody(domain.TopManager) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := begin(t)
			assignee := workers(t, tx, 1)[0]
			task, _ := create(t, tx)
			by := c.by(assignee, workers(t, tx, 1)[0])
			cmd := &tracker.ChangeTaskStatus{Request: by, TaskID: task, Status: tracker.Resolved}
			if c.refused != "" {
				refusal := refuses(t, tx, cmd, domain.Forbidden, c.refused)
				require.Contains(t, refusal.Message, assignee.Name, "they are told whose it is")
				return
			}
			events, err := cmd.Handle(t.Context(), tx)
			require.NoError(t, err)
			require.Equal(t, []domain.Event{{Subject: task, Version: 3, Data: tracker.TaskResolved{
				TaskID: task, Assignee: assignee.ID, Assignment: 1, ResolvedBy: by.By.ID, ResolvedAt: tx.Now,
			}}}, events, "the assignee is paid, whoever resolved it")
			require.EqualValues(t, 3, cmd.Version)
			row := find(t, tx, task)
			require.Equal(t, tracker.Resolved, row.Status)
			require.Equal(t, by.By.ID, *row.ResolvedBy)
			require.Equal(t, tx.Now, row.ResolvedAt.UTC())
		})
	}
}

func TestResolvedIsFinal(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	assignee := workers(t, tx, 1)[0]
	task, _ := create(t, tx)
	resolve := func(by domain.Request) *tracker.ChangeTaskStatus {
		return &tracker.ChangeTaskStatus{Request: by, TaskID: task, Status: tracker.Resolved}
	}
	_, err := resolve(asks(assignee)).Handle(t.Context(), tx)
	require.NoError(t, err)

	refuses(t, tx, resolve(asks(assignee)), domain.Conflict, "task.resolved_already")
	refuses(t, tx, resolve(somebody(domain.Manager)), domain.Conflict, "task.resolved_already")
	refuses(t, tx, resolve(asks(workers(t, tx, 1)[0])), domain.Forbidden, "task.not_yours")
	assign := &tracker.AssignTasks{Request: somebody(domain.Manager)}
	events, err := assign.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Empty(t, events, "a resolved task is not drawn again")
	require.Zero(t, assign.Kept)
}

func TestWhoResolvesAfterAReassignmentIsToldOfIt(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	before := workers(t, tx, 1)[0]
	task, _ := create(t, tx)
	after := workers(t, tx, 1)[0]
	before.Active, before.Version = false, 2
	learn(t, tx, before)
	_, err := (&tracker.AssignTasks{Request: somebody(domain.Manager)}).Handle(t.Context(), tx)
	require.NoError(t, err)

	seen := int32(1)
	resolve := func(by domain.Request, assignment *int32) *tracker.ChangeTaskStatus {
		return &tracker.ChangeTaskStatus{Request: by, TaskID: task, Status: tracker.Resolved, Assignment: assignment}
	}
	refusal := refuses(t, tx, resolve(asks(before), &seen), domain.Conflict, "task.reassigned")
	require.Contains(t, refusal.Message, after.Name, "they are told who has it now")
	refuses(t, tx, resolve(asks(before), nil), domain.Forbidden, "task.not_yours")
	refusal = refuses(t, tx, resolve(somebody(domain.Manager), &seen), domain.Conflict, "task.reassigned_meanwhile")
	require.Contains(t, refusal.Message, after.Name)
	refuses(t, tx, resolve(asks(after), &seen), domain.Conflict, "task.reassigned_meanwhile")

	seen = 2
	events, err := resolve(asks(after), &seen).Handle(t.Context(), tx)
	require.NoError(t, err)
	resolved := events[0].Data.(tracker.TaskResolved)
	require.Equal(t, after.ID, resolved.Assignee)
	require.EqualValues(t, 2, resolved.Assignment)
	require.EqualValues(t, 4, events[0].Version)
}

func TestATaskThatIsNotThereCannotBeResolved(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	for _, role := range domain.Roles() {
		refuses(t, tx, &tracker.ChangeTaskStatus{Request: somebody(role), TaskID: uuid.New(), Status: tracker.Resolved}, domain.NotFound, "task.unknown")
	}
}

func TestNoOtherStatusCanBeAskedFor(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	assignee := workers(t, tx, 1)[0]
	task, _ := create(t, tx)
	for _, status := range []string{"", tracker.Open, "Resolved", "done"} {
		refusal := refuses(t, tx, &tracker.ChangeTaskStatus{Request: asks(assignee), TaskID: task, Status: status}, domain.Invalid, "task.status_unknown")
		require.Equal(t, "status", refusal.Field)
	}
}
