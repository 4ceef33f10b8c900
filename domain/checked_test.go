package domain

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestWhatIsReadAgainIsCheckedOnceAndOnlyWhatIsTheSame(t *testing.T) {
	t.Parallel()
	const schema = `{"type": "object", "required": ["fee"], "properties": {"fee": {"type": "integer"}}}`
	c, err := NewContract(fstest.MapFS{"Task.Priced.v1.json": {Data: []byte(schema)}, "Task.Priced.v2.json": {Data: []byte(`{"type": "object", "required": ["price"]}`)}})
	require.NoError(t, err)
	right, wrong := []byte(`{"fee": 1}`), []byte(`{"fee": "1"}`)
	require.NoError(t, c.CheckRead("Task.Priced", 1, right))

	// Without its schemas a contract can only remember.
	schemas := c.read
	c.read = nil
	require.NoError(t, c.CheckRead("Task.Priced", 1, right))
	require.ErrorIs(t, c.CheckRead("Task.Priced", 1, wrong), ErrUnknownEvent)
	c.read = schemas
	for range 2 {
		require.ErrorContains(t, c.CheckRead("Task.Priced", 1, wrong), "fee")
		require.ErrorContains(t, c.CheckRead("Task.Priced", 2, right), "price", "of another version")
	}
}

func TestTheLatestOfWhatWasCheckedAreRemembered(t *testing.T) {
	t.Parallel()
	var c checked
	nth := func(i int) held { return held{digest: sha256.Sum256([]byte(strconv.Itoa(i)))} }
	for i := range 3 * remembered {
		c.add(nth(i))
	}
	for i := range remembered {
		require.True(t, c.has(nth(3*remembered-1-i)))
	}
	require.False(t, c.has(nth(0)))
	require.LessOrEqual(t, len(c.young)+len(c.old), 2*remembered)
}
