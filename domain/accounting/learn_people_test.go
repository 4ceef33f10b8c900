package accounting_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
)

// What is known of people in the end, and who has a wallet, must not depend on how it was heard.
func TestOfEachPersonTheHighestVersionStays(t *testing.T) {
	t.Parallel()
	ann, bob, eve := uuid.New(), uuid.New(), uuid.New()
	said := []accounting.Person{
		{ID: ann, Name: "Ann", Email: "ann@popug.example", Role: domain.Worker, Active: true, Version: 1},
		{ID: bob, Name: "Bob", Email: "bob@popug.example", Role: domain.Manager, Active: true, Version: 1},
		{ID: ann, Name: "Anna", Email: "anna@popug.example", Role: domain.Manager, Active: true, Version: 2},
		{ID: bob, Name: "Bob", Email: "bob@popug.example", Role: domain.Worker, Active: false, Version: 2},
		{ID: eve, Name: "Eve", Email: "eve@popug.example", Role: domain.TopManager, Active: true, Version: 1},
	}
	for name, calls := range map[string][][]int{
		"all at once":            {{0, 1, 2, 3, 4}},
		"all at once, backwards": {{4, 3, 2, 1, 0}},
		"one by one":             {{0}, {1}, {2}, {3}, {4}},
		"one by one, backwards":  {{4}, {3}, {2}, {1}, {0}},
		"twice":                  {{0, 1, 2, 3, 4}, {3, 0, 4, 2, 1}},
		"twice in the same call": {{0, 0, 2, 2, 3, 1, 3, 4, 4, 0}},
	} {
		// One after the other: they write the same people, and their transactions would wait for one another in a circle.
		t.Run(name, func(t *testing.T) {
			tx := begin(t)
			for _, call := range calls {
				var people []accounting.Person
				for _, i := range call {
					people = append(people, said[i])
				}
				require.Empty(t, run(t, tx, accounting.LearnPeople{People: people}))
			}
			require.ElementsMatch(t, []accounting.Person{said[2], said[3], said[4]}, known(t, tx))

			var owners []uuid.UUID
			require.NoError(t, tx.QueryRow(t.Context(), `select array_agg(id) from accounting.accounts where kind = 'wallet'`).Scan(&owners))
			require.ElementsMatch(t, []uuid.UUID{ann, bob}, owners, "who is or was a Worker has one wallet, nobody else has one")
		})
	}
}

func TestAWalletOutlivesTheRoleOfItsOwner(t *testing.T) {
	t.Parallel()
	tx, ann := begin(t), uuid.New()
	run(t, tx, accounting.LearnPeople{People: []accounting.Person{{ID: ann, Name: "Ann", Role: domain.Worker, Active: true, Version: 1}}})
	withdraw(t, tx, posting(uuid.New(), ann, 1))
	balance, version := wallet(t, tx, ann)
	require.Negative(t, balance)
	for v, role := range []domain.Role{domain.Manager, domain.Worker} {
		run(t, tx, accounting.LearnPeople{People: []accounting.Person{{ID: ann, Name: "Ann", Role: role, Active: false, Version: int64(v) + 2}}})
		gotBalance, gotVersion := wallet(t, tx, ann)
		require.Equal(t, balance, gotBalance)
		require.Equal(t, version, gotVersion)
	}
	require.Len(t, deposit(t, tx, posting(uuid.New(), ann, 1)), 2, "and is still paid")
}

func known(t testing.TB, tx domain.Tx) (people []accounting.Person) {
	t.Helper()
	rows, err := tx.Query(t.Context(), `select id, name, email, role, active, version from accounting.people`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var p accounting.Person
		require.NoError(t, rows.Scan(&p.ID, &p.Name, &p.Email, &p.Role, &p.Active, &p.Version))
		people = append(people, p)
	}
	require.NoError(t, rows.Err())
	return people
}
