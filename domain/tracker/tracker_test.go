package tracker_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// begin begins a transaction that is rolled back at the end of the test, at a moment that no clock shows by accident.
func begin(t testing.TB) domain.Tx {
	t.Helper()
	return domain.Tx{Tx: sqltest.Tx(t), Now: time.Date(2030, 3, 1, 9, 30, 0, 0, time.UTC)}
}

// learn makes people known to the tracker.
func learn(t testing.TB, tx domain.Tx, people ...tracker.Person) {
	t.Helper()
	events, err := tracker.LearnPeople{People: people}.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Empty(t, events, "what the tracker learns is no news to others")
}

// person is an active person of a role, in the first version.
func person(role domain.Role) tracker.Person {
	id := uuid.New()
	return tracker.Person{ID: id, Name: "Popug " + id.String()[:8], Role: role, Active: true, Version: 1}
}

// workers are n active Workers whom the tracker knows.
func workers(t testing.TB, tx domain.Tx, n int) []tracker.Person {
	t.Helper()
	all := make([]tracker.Person, n)
	for i := range all {
		all[i] = person(domain.Worker)
	}
	learn(t, tx, all...)
	return all
}

func asks(p tracker.Person) domain.Request {
	return domain.Request{By: domain.Actor{ID: p.ID, Role: p.Role}}
}

func somebody(role domain.Role) domain.Request {
	return domain.Request{By: domain.Actor{ID: uuid.New(), Role: role}}
}

// create creates a task.
func create(t testing.TB, tx domain.Tx) (id, assignee uuid.UUID) {
	t.Helper()
	cmd := &tracker.CreateTask{Request: somebody(domain.Manager), Description: "Clean the cage"}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Len(t, events, 2)
	return cmd.TaskID, events[1].Data.(tracker.TaskAssigned).Assignee
}

func find(t testing.TB, tx domain.Tx, task uuid.UUID) dbsqlc.FindTaskRow {
	t.Helper()
	row, err := dbsqlc.New(tx).FindTask(t.Context(), task)
	require.NoError(t, err)
	return row
}

// refuses requires that a command is refused with this code, and leaves the rows of tasks as they were.
func refuses(t testing.TB, tx domain.Tx, cmd domain.Command, kind domain.Kind, code string) domain.Refusal {
	t.Helper()
	before := tasks(t, tx)
	events, err := cmd.Handle(t.Context(), tx)
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code)
	require.Equal(t, kind, refusal.Kind)
	require.NotEmpty(t, refusal.Message)
	require.Empty(t, events)
	require.Equal(t, before, tasks(t, tx), "a refused command changes nothing")
	return *refusal
}

// tasks are all rows of tasks, as text.
func tasks(t testing.TB, tx domain.Tx) (rows []string) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), `select coalesce(array_agg(t::text order by t.id), '{}') from tracker.tasks t`).Scan(&rows))
	return rows
}
