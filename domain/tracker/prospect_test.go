package tracker_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

func TestADrawIsOutdatedWhenItWouldBeAnotherMatter(t *testing.T) {
	t.Parallel()
	one, other := uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		seen, now tracker.Prospect
		outdated  bool
	}{
		"nothing changed":                     {tracker.Prospect{Open: 18, Workers: 8, LastDraw: one}, tracker.Prospect{Open: 18, Workers: 8, LastDraw: one}, false},
		"somebody drew":                       {tracker.Prospect{Open: 18, Workers: 8, LastDraw: one}, tracker.Prospect{Open: 18, Workers: 8, LastDraw: other}, true},
		"somebody drew for the first time":    {tracker.Prospect{Open: 18, Workers: 8}, tracker.Prospect{Open: 18, Workers: 8, LastDraw: one}, true},
		"somebody drew again after a warning": {tracker.Prospect{Open: 18, Workers: 8, LastDraw: one, Warned: true}, tracker.Prospect{Open: 18, Workers: 8, LastDraw: other}, false},
		"two new tasks among few":             {tracker.Prospect{Open: 3, Workers: 8}, tracker.Prospect{Open: 5, Workers: 8}, false},
		"three new tasks among few":           {tracker.Prospect{Open: 3, Workers: 8}, tracker.Prospect{Open: 6, Workers: 8}, true},
		"a tenth more":                        {tracker.Prospect{Open: 10_000, Workers: 200}, tracker.Prospect{Open: 11_000, Workers: 200}, false},
		"over a tenth more":                   {tracker.Prospect{Open: 10_000, Workers: 200}, tracker.Prospect{Open: 11_001, Workers: 200}, true},
		"over a tenth more after a warning":   {tracker.Prospect{Open: 100, Workers: 8, Warned: true}, tracker.Prospect{Open: 111, Workers: 8}, true},
		"a busy minute":                       {tracker.Prospect{Open: 10_000, Workers: 200, LastTask: 70_000}, tracker.Prospect{Open: 9_970, Workers: 200, LastTask: 70_090}, false},
		"most are resolved":                   {tracker.Prospect{Open: 18, Workers: 8}, tracker.Prospect{Open: 1, Workers: 8}, false},
		"one worker less of few":              {tracker.Prospect{Open: 18, Workers: 8}, tracker.Prospect{Open: 18, Workers: 7}, true},
		"one worker more of few":              {tracker.Prospect{Open: 18, Workers: 8}, tracker.Prospect{Open: 18, Workers: 9}, true},
		"one worker less of many":             {tracker.Prospect{Open: 18, Workers: 200}, tracker.Prospect{Open: 18, Workers: 199}, false},
		"many workers less of many":           {tracker.Prospect{Open: 18, Workers: 200}, tracker.Prospect{Open: 18, Workers: 179}, true},
	} {
		require.Equal(t, c.outdated, c.seen.Outdated(c.now), name)
	}
}

func TestWhoeverDrawsOnAnOldLookIsRefusedOnce(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	workers(t, tx, 3)
	for range 10 {
		create(t, tx)
	}
	look := func(warned bool) *tracker.Prospect {
		row, err := dbsqlc.New(tx).FindProspect(t.Context())
		require.NoError(t, err)
		seen := tracker.ProspectOf(row)
		seen.Warned = warned
		return &seen
	}
	seen := look(false)
	require.Equal(t, 10, seen.Open)
	require.Equal(t, 3, seen.Workers)
	require.Equal(t, uuid.Nil, seen.LastDraw)

	first := &tracker.AssignTasks{Request: somebody(domain.Manager), Seen: seen}
	_, err := first.Handle(t.Context(), tx)
	require.NoError(t, err, "nothing has changed")
	require.Equal(t, first.DrawID, look(false).LastDraw)

	refuses(t, tx, &tracker.AssignTasks{Request: somebody(domain.Admin), Seen: seen}, domain.Conflict, "task.draw_outdated")
	again := look(true)
	other := &tracker.AssignTasks{Request: somebody(domain.Manager)}
	_, err = other.Handle(t.Context(), tx)
	require.NoError(t, err, "who was shown nothing cannot have seen anything else")
	second := &tracker.AssignTasks{Request: somebody(domain.Admin), Seen: again}
	_, err = second.Handle(t.Context(), tx)
	require.NoError(t, err, "who has been warned gets a turn, though somebody else has drawn once more")

	row, err := dbsqlc.New(tx).FindProspect(t.Context())
	require.NoError(t, err)
	require.Equal(t, second.DrawID, *row.Draw)
	require.Equal(t, second.By.ID, *row.DrawnBy)
	require.True(t, tx.Now.Equal(*row.DrawnAt))
	require.EqualValues(t, second.Reassigned, *row.Reassigned)
	require.EqualValues(t, second.Kept, *row.Kept)
}
