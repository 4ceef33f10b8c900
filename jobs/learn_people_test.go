package jobs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs/jobstest"
)

// What happens to a person at the Auth-Service reaches the others by events alone, and from then on decides who is drawn.
func TestPeopleReachTheOtherContextsByEvents(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	system := domain.Request{By: auth.System}
	register := func(login string) *auth.RegisterPerson {
		return &auth.RegisterPerson{Request: system, Login: login, Name: "Popug " + login, Email: login + "@popug.example", Role: domain.Worker, Password: "correct horse"}
	}
	ann, bob, eve := register("ann"), register("bob"), register("eve")
	for _, cmd := range []domain.Command{ann, bob, eve} {
		require.NoError(t, bus.Do(t.Context(), cmd))
	}
	for _, cmd := range []domain.Command{
		&auth.UpdatePerson{Request: system, Person: ann.ID, Name: "Anna", Email: "anna@popug.example"},
		&auth.ChangeRole{Request: system, Person: bob.ID, Role: domain.Manager},
		&auth.DeactivatePerson{Request: system, Person: eve.ID},
		&auth.DeactivatePerson{Request: system, Person: ann.ID},
		&auth.ReactivatePerson{Request: system, Person: ann.ID},
	} {
		require.NoError(t, bus.Do(t.Context(), cmd))
	}
	// The news may arrive in any order.
	_, err := pool.Exec(t.Context(), `update river.river_job set scheduled_at = now() - random() * interval '1 hour'`)
	require.NoError(t, err)
	jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)

	for _, context := range []string{"tracker", "accounting"} {
		require.Equal(t, 3, count(t, pool, `select count(*) from `+context+`.people c join auth.accounts a using (id, name, role, version)
			where c.active = (a.status = 'active')`), "%s knows what Auth knows", context)
	}
	require.Equal(t, 3, count(t, pool, `select count(*) from accounting.people c join auth.accounts a using (id, email)`))
	require.Equal(t, 3, count(t, pool, `select count(*) from accounting.accounts where kind = 'wallet'`), "who was a Worker keeps the wallet")

	for _, task := range jobstest.Tasks(t, bus, 10) {
		require.Equal(t, 1, count(t, pool, `select count(*) from tracker.tasks where id = $1 and assignee = $2`, task.TaskID, ann.ID), "the only active Worker")
	}
	before := jobstest.Rows(t, pool)
	require.NoError(t, bus.Do(t.Context(), &auth.DeactivatePerson{Request: system, Person: ann.ID}))
	jobstest.Idle(t, pool, patience)
	var refusal *domain.Refusal
	require.ErrorAs(t, bus.Do(t.Context(), &tracker.AssignTasks{Request: domain.Request{By: jobstest.Manager()}}), &refusal)
	require.Equal(t, "task.no_workers", refusal.Code)
	require.Equal(t, before["tracker.tasks"], jobstest.Rows(t, pool)["tracker.tasks"], "open tasks stay until somebody can be drawn")
}
