package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
)

// TestHostileInputIsRefusedAndLeavesNoTrace sends every route that takes input what nobody types, in each place in turn.
func TestHostileInputIsRefusedAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	a := newAttack(t)
	for _, i := range a.table {
		g := a.send(i, i.attempt(t, place{}, ""))
		what := fmt.Sprintf("%s as people send it", i.route)
		a.people[i.by].requireSound(t, g, what)
		if i.status != 0 {
			require.Equal(t, i.status, g.status, "%s: %.2000s", what, g.body)
		} else {
			require.Less(t, g.status, 400, "%s: %.2000s", what, g.body)
		}
		a.requireFormsTried(g)
	}
	jobstest.Idle(t, a.pool, time.Minute)

	before := a.kept()
	a.all(func(i input, at place, h hostile) bool { return i.refuses(at, h) })
	a.bodies()
	a.files()
	a.passkeys()
	a.headers()
	a.streams()
	after := a.kept()
	for table := range before {
		require.Equal(t, before[table], after[table], "%s: what is refused leaves no trace", table)
	}

	a.all(func(i input, at place, h hostile) bool { return !i.refuses(at, h) })
	a.twice()
	require.Positive(t, number(t, a.pool, "select count(*) from tracker.tasks where position($1 in description) > 0", injected), "text is kept as it is")
	jobstest.Idle(t, a.pool, time.Minute)
	a.lookAround()
	jobstest.RequireSoundBooks(t, a.pool)
	require.NotRegexp(t, `level=ERROR|panic|superfluous`, a.program.logged())
}
