package tracker_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
)

// What is known of people in the end must not depend on how it was heard.
func TestOfEachPersonTheHighestVersionStays(t *testing.T) {
	t.Parallel()
	ann, bob := uuid.New(), uuid.New()
	said := []tracker.Person{
		{ID: ann, Name: "Ann", Role: domain.Worker, Active: true, Version: 1},
		{ID: bob, Name: "Bob", Role: domain.Worker, Active: true, Version: 1},
		{ID: ann, Name: "Anna", Role: domain.Worker, Active: false, Version: 2},
		{ID: ann, Name: "Anna", Role: domain.Manager, Active: true, Version: 3},
		{ID: bob, Name: "Bob", Role: domain.Worker, Active: false, Version: 2},
	}
	want := []tracker.Person{said[3], said[4]}
	for name, calls := range map[string][][]int{
		"all at once":                {{0, 1, 2, 3, 4}},
		"all at once, backwards":     {{4, 3, 2, 1, 0}},
		"one by one":                 {{0}, {1}, {2}, {3}, {4}},
		"one by one, backwards":      {{4}, {3}, {2}, {1}, {0}},
		"twice":                      {{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}},
		"twice in the same call":     {{0, 0, 3, 3, 4, 4, 3}},
		"only the last":              {{3, 4}},
		"the last first, then older": {{3, 4}, {2, 1}, {0}},
	} {
		// One after the other: they write the same people, and their transactions would wait for one another in a circle.
		t.Run(name, func(t *testing.T) {
			tx := begin(t)
			for _, call := range calls {
				var people []tracker.Person
				for _, i := range call {
					people = append(people, said[i])
				}
				learn(t, tx, people...)
			}
			require.ElementsMatch(t, want, known(t, tx))
		})
	}
}

func TestNobodyToLearnIsNothing(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	learn(t, tx)
	require.Empty(t, known(t, tx))
}

func known(t testing.TB, tx domain.Tx) (people []tracker.Person) {
	t.Helper()
	rows, err := tx.Query(t.Context(), `select id, name, role, active, version from tracker.people`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var p tracker.Person
		require.NoError(t, rows.Scan(&p.ID, &p.Name, &p.Role, &p.Active, &p.Version))
		people = append(people, p)
	}
	require.NoError(t, rows.Err())
	return people
}
