package jobs

import (
	"context"
	"encoding/json"
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
	pieces, room := members, int64(groupOfEvents)
	for _, p := range members {
		p.events, p.told = nil, nil
		room -= p.job.Args.span()
	}
	if room <= 0 {
		return pieces, nil
	}
	rows, err := tx.Query(ctx, `select id, args, metadata from `+riverJob+` where id = any(array(
			select id from `+riverJob+` where state = 'available' and queue = $1 and scheduled_at <= now() order by priority, scheduled_at, id limit $2
		)) and state = 'available' and kind = $3 and attempt = 0 and (args ->> 'last')::bigint - (args ->> 'first')::bigint < $4
		order by id limit $5 for update skip locked`, w.reaction.queue, windowOfJobs, w.reaction.kind, groupOfEvents/2, room)
	if err != nil {
		return nil, fmt.Errorf("look for more jobs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		row := &rivertype.JobRow{Kind: w.reaction.kind, Queue: w.reaction.queue}
		if err := rows.Scan(&row.ID, &row.EncodedArgs, &row.Metadata); err != nil {
			return nil, fmt.Errorf("look for more jobs: %w", err)
		}
		job := &river.Job[reactionArgs]{JobRow: row, Args: reactionArgs{kind: w.reaction.kind}}
		if err := json.Unmarshal(row.EncodedArgs, &job.Args); err != nil {
			return nil, fmt.Errorf("read job %d: %w", row.ID, err)
		}
		if room -= job.Args.span(); room < 0 {
			break
		}
		pieces = append(pieces, &piece{job: job, claimed: true})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for more jobs: %w", err)
	}
	return pieces, nil
}
