package tracker_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

// inbox is everything that somebody is told in the pages.
func inbox(t testing.TB, tx domain.Tx, person uuid.UUID) []tracker.Notification {
	t.Helper()
	told, err := tracker.ListInbox(t.Context(), tx, dbsqlc.ListInboxParams{Person: person, BeforeAt: tx.Now.AddDate(1, 0, 0), Rows: 10})
	require.NoError(t, err)
	return told
}

// tell notes that tasks were given to workers.
func tell(t testing.TB, tx domain.Tx, news ...tracker.TaskNews) *tracker.NotifyOfTasks {
	t.Helper()
	cmd := &tracker.NotifyOfTasks{Kind: tracker.TaskGiven, News: news}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Empty(t, events)
	return cmd
}

func TestNobodyIsToldTheSameTwice(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	ann := person(domain.Worker)
	ann.Email = "ann@popug.example"
	learn(t, tx, ann)
	task, _ := create(t, tx)
	news := tracker.TaskNews{Cause: uuid.New(), Person: ann.ID, Task: task, By: &ann.ID}
	first := tell(t, tx, news, news)
	require.Len(t, first.Waiting, 1)
	require.Equal(t, []uuid.UUID{ann.ID}, first.People)
	again := tell(t, tx, news)
	require.Empty(t, again.Waiting)
	require.Empty(t, again.People, "and no page is told to look")

	told := inbox(t, tx, ann.ID)
	require.Len(t, told, 1)
	require.Equal(t, "Clean the cage", told[0].Task.Description)
	require.Equal(t, ann.Name, told[0].ByName)
	require.Equal(t, domain.Unread, told[0].State)
}

func TestPeopleMarkTheirOwnNotifications(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	both := workers(t, tx, 2)
	task, _ := create(t, tx)
	for _, p := range both {
		tell(t, tx, tracker.TaskNews{Cause: uuid.New(), Person: p.ID, Task: task})
	}
	anns := inbox(t, tx, both[0].ID)[0].ID
	mark := func(by tracker.Person, cmd tracker.MarkNotifications) {
		t.Helper()
		cmd.Request = asks(by)
		_, err := cmd.Handle(t.Context(), tx)
		require.NoError(t, err)
		require.Equal(t, []string{"notifications/" + by.ID.String()}, cmd.Topics())
	}
	state := func(of tracker.Person) string { return inbox(t, tx, of.ID)[0].State }

	mark(both[1], tracker.MarkNotifications{IDs: []int64{anns}, State: domain.Read})
	require.Equal(t, domain.Unread, state(both[0]), "somebody else's")
	before := tx.Now.Add(-1)
	mark(both[0], tracker.MarkNotifications{Until: &before, State: domain.Read})
	require.Equal(t, domain.Unread, state(both[0]), "it came after they looked")
	mark(both[0], tracker.MarkNotifications{Until: &tx.Now, State: domain.Read})
	require.Equal(t, domain.Read, state(both[0]))
	require.Equal(t, domain.Unread, state(both[1]))
	mark(both[0], tracker.MarkNotifications{IDs: []int64{anns}, State: domain.Unread})
	require.Equal(t, domain.Unread, state(both[0]))
}

func TestAChoiceOverAnOlderOneIsRefused(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	ann := workers(t, tx, 1)[0]
	choose := func(seen int64, off ...string) *tracker.ChooseNotifications {
		return &tracker.ChooseNotifications{Request: asks(ann), Choice: domain.NotificationChoice{Version: seen, Off: off, Language: "ru"}}
	}
	_, err := choose(0, "tasks_drawn/mail").Handle(t.Context(), tx)
	require.NoError(t, err)
	refuses(t, tx, choose(0), domain.Conflict, "notifications.changed_meanwhile")
	refuses(t, tx, choose(1, "daily_balance/mail"), domain.Invalid, "notifications.choice_unknown")
	held, err := tracker.NotificationChoice(t.Context(), tx, ann.ID)
	require.NoError(t, err)
	require.Equal(t, domain.NotificationChoice{Version: 1, Off: []string{"tasks_drawn/mail"}, Language: "ru"}, held)
	_, err = choose(1).Handle(t.Context(), tx)
	require.NoError(t, err)
	nobody, err := tracker.NotificationChoice(t.Context(), tx, uuid.New())
	require.NoError(t, err)
	require.Zero(t, nobody)
}
