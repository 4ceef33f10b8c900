package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ates/domain"
)

const reviveJobsKind = "revive_jobs"

// reviveJobs puts jobs back into their queue that were given up by a process to which their kind meant nothing: one of an older version of
// the program that was still running. No process of this version takes such a job, but while it leads it gives up one that was
// stuck, as River has it; and those of before took what they found.
type reviveJobs struct {
	// kinds are those that this process knows.
	kinds []string
}

// prepare finds out which kinds there are.
func (reviveJobs) prepare(_ context.Context, b *Bus) (domain.Command, error) {
	return reviveJobs{b.kinds()}, nil
}

// rescued is what River's rescuer writes down of a job that it takes from a process that is gone.
const rescued = "Stuck job rescued by JobRescuer"

// Handle revives. A job that had no attempts left because others used them up gets as many as it had at first; one that failed by itself is
// left to the admin.
func (c reviveJobs) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	unknown := make([]string, len(c.kinds))
	for i, kind := range c.kinds {
		unknown[i] = (&rivertype.UnknownJobKindError{Kind: kind}).Error()
	}
	tag, err := tx.Exec(ctx, `update `+riverJob+` j set state = 'available', scheduled_at = now(), finalized_at = null,
			max_attempts = case when j.attempt < j.max_attempts then j.max_attempts else least(j.attempt + $4, 32767) end
		from unnest($1::text[], $2::text[]) k (kind, unknown)
		where j.state = 'discarded' and j.kind = k.kind and j.unique_key is null -- what the clock asks for comes again by itself
		and (j.errors[array_upper(j.errors, 1)] ->> 'error' = k.unknown
			or j.errors[array_upper(j.errors, 1)] ->> 'error' = $3 and j.attempt < j.max_attempts)`,
		c.kinds, unknown, rescued, river.MaxAttemptsDefault)
	if err != nil {
		return nil, fmt.Errorf("revive jobs: %w", err)
	}
	if n := tag.RowsAffected(); n > 0 {
		slog.InfoContext(ctx, "revived jobs that a process gave up to which their kind meant nothing", "jobs", n)
	}
	return nil, nil
}
