package jobs

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// retryPolicy says when a job that failed is tried again: within moments at first, since most failures are of a moment (a connection, a
// deadlock, a process that was killed) and money waits meanwhile; then ever more rarely. The 25 attempts of a job last for a week and a half.
type retryPolicy struct{}

const (
	firstRetry, lastRetry = 250 * time.Millisecond, 24 * time.Hour
	// swiftRetries are those that come within half a minute each. From then on what fails is down or wrong, and is given time.
	swiftRetries = 7
)

// NextRetry is about twice as long after each attempt as after the one before, and some tenths more or less, so that jobs that failed
// together do not come back together.
func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	attempt := len(job.Errors) + 1
	wait := firstRetry
	for n := 1; n < attempt && wait < lastRetry; n++ {
		wait *= 2
		if n == swiftRetries {
			wait *= 2
		}
	}
	wait = min(wait, lastRetry)
	return time.Now().UTC().Add(wait - wait/10 + rand.N(wait/5))
}
