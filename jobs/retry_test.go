package jobs

import (
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
)

func TestWhatFailedIsTriedAgainSoonAndThenEverMoreRarely(t *testing.T) {
	t.Parallel()
	after := func(failures int) time.Duration {
		return time.Until(retryPolicy{}.NextRetry(&rivertype.JobRow{Errors: make([]rivertype.AttemptError, failures-1)}))
	}
	var all, before time.Duration
	for failures := 1; failures < 25; failures++ {
		wait := after(failures)
		if failures < 15 {
			require.Greater(t, wait, before, "after %d failures", failures)
		}
		require.LessOrEqual(t, wait, 27*time.Hour)
		before, all = wait, all+wait
	}
	require.Less(t, after(1), 300*time.Millisecond)
	require.Less(t, after(7), 20*time.Second)
	require.Greater(t, all, 7*24*time.Hour, "a week in which somebody can look")
}
