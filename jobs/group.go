package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ates/domain"
)

const (
	// groupOfEvents is how many events the jobs of one transaction have at most, a few more or less.
	groupOfEvents = 500
	// windowOfJobs is how far into its queue a group looks for more jobs of its kind.
	windowOfJobs = 1000
)

// mayJoin reports whether a job is one for a group. Those of many events fill a transaction by themselves, and where time is lived
// through faster than it goes each job has a moment of its own.
func (w *reactionWorker) mayJoin(args reactionArgs) bool {
	return w.reaction.together && w.bus.lag == nil && args.span() <= groupOfEvents/2
}

// span is how many events a job has at most.
func (a reactionArgs) span() int64 { return a.Last - a.First + 1 }

// together does a job with others of the moment ("group commit"): those that River has given to workers of this process, and those that wait
// in the queue. It reports whether it is over: with nil when it is done, or with the error of one that turned out to be alone. When it is
// not over, it is to be done alone.
//
// When the transaction fails, nothing of it has happened. Then each job that River gave out is tried alone, so that a bad one harms nobody
// else, and the others wait in the queue as they did.
func (w *reactionWorker) together(ctx context.Context, p *piece) (over bool, err error) {
	now, waited := w.group.join(p)
	if !waited {
		return false, nil
	}
	if now.lead == nil {
		return now.done, nil
	}
	done := false
	defer func() { w.group.end(now, done) }() // also when the command panics
	var pieces []*piece
	err = w.commit(ctx, func(ctx context.Context, tx domain.Tx) (_ []*piece, err error) {
		pieces, err = w.gather(ctx, tx, now.members())
		return pieces, err
	})
	done = err == nil
	if len(pieces) > 1 && err != nil {
		slog.WarnContext(ctx, "jobs that failed together are tried one by one", "kind", w.reaction.kind, "jobs", len(pieces), "error", err)
		return false, nil
	}
	return len(pieces) == 1 || done, err
}

// gather returns the work of the members, as if for the first time, and that of jobs that wait in the queue: no other transaction can get
// at those until this one has ended, and when it fails they wait as before. What was tried before is left to River.
func (w *reactionWorker) gather(ctx context.Context, tx domain.Tx, members []*piece) ([]*piece, error) {
	room := int64(groupOfEvents)
	for _, p := range members {
		p.events, p.told = nil, nil
		room -= p.job.Args.span()
	}
	for tries := 0; room > 0 && tries < triesToGather; tries++ {
		waiting, clean, err := w.take(ctx, tx, room)
		if err != nil {
			return nil, fmt.Errorf("look for more jobs: %w", err)
		}
		if clean {
			return append(members, waiting...), nil
		}
	}
	return members, nil
}

// triesToGather is how often a group looks for more jobs, where others take them at the same moment.
const triesToGather = 3

// take locks jobs that wait in the queue. One that somebody else takes in the same moment is locked too, as Postgres finds its new state
// only then; whoever works on it would wait for this transaction to complete it, and this one perhaps for them. So all locks are given back
// where there is such a one: then clean is false.
func (w *reactionWorker) take(ctx context.Context, tx domain.Tx, room int64) (taken []*piece, clean bool, err error) {
	attempt, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil || !clean {
			err = errors.Join(err, attempt.Rollback(ctx))
		}
	}()
	// Only the inner conditions choose: a row that has changed since is among the answers.
	rows, err := attempt.Query(ctx, `select id, args, metadata, state = 'available' and attempt = 0 from `+riverJob+` where id = any(array(
			select id from (
				select id, kind, attempt, (args ->> 'last')::bigint - (args ->> 'first')::bigint as more from `+riverJob+`
				where state = 'available' and queue = $1 and scheduled_at <= now() order by priority, scheduled_at, id limit $2
			) next where kind = $3 and attempt = 0 and more < $4 order by id limit $5
		)) order by id for update skip locked`, w.reaction.queue, windowOfJobs, w.reaction.kind, groupOfEvents/2, room)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		row, waits := &rivertype.JobRow{Kind: w.reaction.kind, Queue: w.reaction.queue}, false
		if err := rows.Scan(&row.ID, &row.EncodedArgs, &row.Metadata, &waits); err != nil || !waits {
			return nil, false, err
		}
		job := &river.Job[reactionArgs]{JobRow: row, Args: reactionArgs{kind: w.reaction.kind}}
		if err := json.Unmarshal(row.EncodedArgs, &job.Args); err != nil {
			return nil, false, fmt.Errorf("read job %d: %w", row.ID, err)
		}
		if room -= job.Args.span(); room < 0 {
			break
		}
		taken = append(taken, &piece{job: job, claimed: true})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	return taken, true, attempt.Commit(ctx)
}
