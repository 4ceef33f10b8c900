package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever leads a group may hang, in a transaction or as a process that was stopped; the others go on by themselves.
func TestNobodyWaitsForLongForAGroupThatHangs(t *testing.T) {
	t.Parallel()
	g := &gathering[int]{size: func(int) int64 { return 1 }, room: 10}
	first, ok := g.join(1)
	require.True(t, ok)
	require.Equal(t, []int{1}, first.members())

	begun := time.Now()
	_, ok = g.join(2) // while the first is at work
	require.False(t, ok, "it is done alone")
	require.GreaterOrEqual(t, time.Since(begun), longestWait)

	g.end(first, true)
	next, ok := g.join(3)
	require.True(t, ok)
	require.Equal(t, []int{3}, next.members(), "who has gone on alone is in no group any more")
	g.end(next, true)
}
