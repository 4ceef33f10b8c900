package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
)

// errLostJob means that a job was rescued and given to another worker while this one was at it.
var errLostJob = errors.New("job is no longer ours")

// complete completes jobs in the transaction of their work, and only while each is this worker's: River's own completion does not look who
// completes. The error must reach River, which would otherwise complete the other worker's attempt. In the same statement what they have
// done is written to log.runs.
func complete(ctx context.Context, tx domain.Tx, pieces []*piece, at time.Time) error {
	n := len(pieces)
	ids, attempts, attemptedAt, claimed := make([]int64, n), make([]int, n), make([]time.Time, n), make([]bool, n)
	for i, p := range pieces {
		ids[i], attempts[i], claimed[i] = p.job.ID, p.job.Attempt, p.claimed
		if p.job.AttemptedAt != nil {
			attemptedAt[i] = *p.job.AttemptedAt
		}
	}
	did, err := runsOf(pieces)
	if err != nil {
		return err
	}
	var ours int
	err = tx.QueryRow(ctx, `with asked as (
			select unnest($1::bigint[]) as id, unnest($2::int[]) as attempt, unnest($3::timestamptz[]) as attempted_at, unnest($4::boolean[]) as claimed
		), ours as (
			update `+riverJob+` j set state = 'completed', finalized_at = clock_timestamp(), attempt = greatest(j.attempt, 1::smallint), attempted_at = coalesce(j.attempted_at, clock_timestamp())
			from asked a where j.id = a.id
				and case when a.claimed then j.state = 'available' else j.state = 'running' and j.attempt = a.attempt and j.attempted_at = a.attempted_at end
			returning j.id, j.kind, j.queue, j.attempt
		), did as (
			select unnest($5::bigint[]) as job, unnest($6::uuid[]) as id, unnest($7::uuid[]) as told, unnest($8::int[]) as events, unnest($9::uuid[]) as batch,
				unnest($10::bigint[]) as first, unnest($11::bigint[]) as last, unnest($12::uuid[]) as correlation, unnest($13::timestamptz[]) as occurred_at
		), kept as (
			insert into log.runs (id, job, kind, queue, attempt, events, batch, first, last, told, correlation_id, occurred_at, began_at, ended_at)
			select d.id, d.job, o.kind, o.queue, o.attempt, d.events, d.batch, d.first, d.last, d.told, d.correlation, d.occurred_at, $14, $15 from did d join ours o on o.id = d.job
		)
		select count(*) from ours`,
		ids, attempts, attemptedAt, claimed,
		did.jobs, did.ids, did.told, did.events, did.batches, did.firsts, did.lasts, did.correlations, did.occurredAt, tx.Now, at).Scan(&ours)
	if err != nil {
		return fmt.Errorf("complete jobs: %w", err)
	}
	if ours != n {
		return errLostJob
	}
	return nil
}

// runs are the rows of log.runs for some jobs.
type runs struct {
	jobs                             []int64
	ids, told, batches, correlations []uuid.UUID
	events                           []int
	firsts, lasts                    []int64
	occurredAt                       []time.Time
}

// runsOf are the runs of jobs: one for each job and command at the beginning of its events.
func runsOf(pieces []*piece) (r runs, err error) {
	for _, p := range pieces {
		of := map[uuid.UUID]int{}
		for _, e := range p.events {
			if at, ok := of[e.CorrelationID]; ok {
				r.events[at]++
				continue
			}
			id, err := uuid.NewV7()
			if err != nil {
				return r, fmt.Errorf("make the id of a run: %w", err)
			}
			of[e.CorrelationID] = len(r.ids)
			r.ids, r.jobs, r.told = append(r.ids, id), append(r.jobs, p.job.ID), append(r.told, p.batch)
			r.batches, r.firsts, r.lasts = append(r.batches, p.job.Args.Batch), append(r.firsts, p.job.Args.First), append(r.lasts, p.job.Args.Last)
			r.events, r.correlations, r.occurredAt = append(r.events, 1), append(r.correlations, e.CorrelationID), append(r.occurredAt, e.OccurredAt)
		}
	}
	return r, nil
}
