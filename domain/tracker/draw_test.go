package tracker_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
)

const (
	drawn = 20_000
	flock = 8
)

// The quantiles of the chi-squared distribution that one fair draw in a thousand exceeds, by degrees of freedom (NIST/SEMATECH
// e-Handbook of Statistical Methods, 1.3.6.7.4).
const (
	chiSquared7  = 24.322
	chiSquared56 = 94.461
	chiSquared63 = 103.442
)

// measure is how far a sample of draws is from what was expected, and how far a fair one may be.
type measure struct {
	what                string
	deviation, quantile float64
}

// requireFair requires every measure of a sample below its quantile. A fair draw is above it once in a thousand, so it gets a
// second chance: a false alarm is one in a million, and an unfair draw is as far above it the second time.
func requireFair(t *testing.T, sample func() []measure) {
	t.Helper()
	if !slices.ContainsFunc(sample(), func(m measure) bool { return m.deviation >= m.quantile }) {
		return
	}
	for _, m := range sample() {
		require.Less(t, m.deviation, m.quantile, m.what)
	}
}

// deviation is Pearson's chi-squared: how far counts are from what was expected of each.
func deviation(counts []int, expected float64) (sum float64) {
	for _, n := range counts {
		sum += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return sum
}

// places gives each worker a place in a row of counts.
func places(people []tracker.Person) map[uuid.UUID]int {
	at := map[uuid.UUID]int{}
	for i, p := range people {
		at[p.ID] = i
	}
	return at
}

func TestNewTasksAreDrawnFairly(t *testing.T) {
	t.Parallel()
	requireFair(t, func() []measure {
		tx := begin(t)
		at := places(workers(t, tx, flock))
		counts := make([]int, flock)
		for range drawn {
			_, assignee := create(t, tx)
			counts[at[assignee]]++
		}
		return []measure{{"each worker's share of new tasks", deviation(counts, drawn/flock), chiSquared7}}
	})
}

// One press draws for each task anew: its draw depends neither on that of the task before it nor on who had it.
func TestOnePressDrawsForEachTaskAlone(t *testing.T) {
	t.Parallel()
	requireFair(t, func() []measure {
		tx := begin(t)
		at := places(workers(t, tx, flock))
		// The tasks are put there in one statement, all in turn: how they are created is another test.
		_, err := tx.Exec(t.Context(), `insert into tracker.tasks (id, description, assignee, version, created_by, created_at)
			select gen_random_uuid(), 'Task', w.ids[1 + n % $2::int], 2, w.ids[1], $1
			from generate_series(1, $3::int) n, (select array_agg(id order by id) as ids from tracker.people) w`, tx.Now, flock, drawn)
		require.NoError(t, err)
		cmd := &tracker.AssignTasks{Request: somebody(domain.Manager)}
		events, err := cmd.Handle(t.Context(), tx)
		require.NoError(t, err)
		require.Equal(t, drawn, cmd.Reassigned+cmd.Kept)
		require.Len(t, events, cmd.Reassigned+1)
		events = events[:cmd.Reassigned]

		shared, paired, moved := make([]int, flock), make([]int, flock*flock), make([]int, flock*flock)
		had := map[uuid.UUID]int{}
		for _, e := range events {
			data := e.Data.(tracker.TaskAssigned)
			moved[at[*data.Previous]*flock+at[data.Assignee]]++
			had[*data.Previous]++
		}
		// Kept tasks tell no event: they are the rest of what each worker had.
		for id, place := range at {
			moved[place*flock+place] = drawn/flock - had[id]
		}
		rows, err := tx.Query(t.Context(), `select assignee from tracker.tasks order by id`)
		require.NoError(t, err)
		defer rows.Close()
		before := -1
		for rows.Next() {
			var assignee uuid.UUID
			require.NoError(t, rows.Scan(&assignee))
			place := at[assignee]
			shared[place]++
			if before < 0 {
				before = place
				continue
			}
			paired[before*flock+place]++
			before = -1
		}
		require.NoError(t, rows.Err())
		return []measure{
			{"each worker's share of one press", deviation(shared, drawn/flock), chiSquared7},
			{"the draws of two tasks that follow one another", deviation(paired, drawn/2./flock/flock), chiSquared63},
			{"a task's draw and who had it", deviation(moved, drawn/flock/flock), chiSquared56},
		}
	})
}
