package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"ates/domain"
	"ates/sql/dbsqlc"
	"ates/sql/migrations"
)

// reactionArgs name the events that a job reacts to: those of one batch and of some names, from one position in the log to another.
type reactionArgs struct {
	kind  string
	Batch uuid.UUID `json:"batch"`
	First int64     `json:"first"`
	Last  int64     `json:"last"`
	// Names are said by whoever puts the job into the queue, since a newer program may have a kind of job react to more events than this
	// one, which must not leave them out. Jobs of before have none: theirs are those that the flow gives to their kind.
	Names []string `json:"names,omitempty"`
}

// Kind is the kind of the reaction.
func (a reactionArgs) Kind() string { return a.kind }

// reactionWorker works the jobs of every reaction: it reads the events, runs the command that they cause, and completes the
// job, all in one transaction. What makes a repeat harmless are the natural keys under the command, not the completion.
type reactionWorker struct {
	river.WorkerDefaults[reactionArgs]
	bus      *Bus
	reaction *reaction
}

// Timeout is the reaction's.
func (w *reactionWorker) Timeout(*river.Job[reactionArgs]) time.Duration { return w.reaction.timeout }

// Work reacts. A job of several events whose command cannot be run is split into one for each, so that one bad event harms
// no other.
func (w *reactionWorker) Work(ctx context.Context, job *river.Job[reactionArgs]) error {
	var topics []string
	var correlation uuid.UUID
	err := w.bus.inTx(ctx, func(tx domain.Tx) error {
		events, err := w.read(ctx, tx, job.Args)
		if err != nil {
			return err
		}
		correlation = events[0].CorrelationID
		if w.bus.lag != nil {
			tx.Now = events[len(events)-1].OccurredAt.Add(w.bus.lag()).UTC().Truncate(time.Microsecond)
		}
		cmd, err := w.bus.flow.commandFor(w.reaction, events)
		if err != nil {
			return err
		}
		run, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make a command id: %w", err)
		}
		if _, err := w.bus.run(ctx, tx, cmd, telling{command: run, correlation: correlation, actor: events[0].Actor}); err != nil {
			return err
		}
		if w.reaction.follow != nil {
			if jobs := w.reaction.follow(cmd); len(jobs) > 0 {
				if _, err := w.bus.river.InsertManyTx(ctx, tx.Tx, jobs); err != nil {
					return fmt.Errorf("enqueue jobs: %w", err)
				}
			}
		}
		if w.reaction.topics != nil {
			topics = w.reaction.topics(events, cmd)
		}
		if len(topics) > 0 {
			if err := dbsqlc.New(tx).RecordChange(ctx, dbsqlc.RecordChangeParams{Topics: topics, At: tx.Now}); err != nil {
				return fmt.Errorf("record what changed: %w", err)
			}
		}
		return complete(ctx, tx, job, &done{run, len(events), events[0], w.bus.moment()})
	})
	if err != nil {
		if job.Args.First < job.Args.Last && fault(err) {
			err = w.split(ctx, job, err)
		}
		if err != nil {
			return &failure{correlation, err}
		}
		return nil
	}
	if len(topics) > 0 {
		w.bus.notifier.changed()
	}
	return nil
}

// failure is why a job failed, with the command at the beginning of it, for the log.
type failure struct {
	correlation uuid.UUID
	error
}

func (f *failure) Unwrap() error { return f.error }

// read loads the events that a job reacts to.
func (w *reactionWorker) read(ctx context.Context, tx domain.Tx, args reactionArgs) ([]domain.Envelope, error) {
	rows, err := dbsqlc.New(tx).ReadBatch(ctx, dbsqlc.ReadBatchParams{Batch: args.Batch, First: args.First, Last: args.Last})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	events := make([]domain.Envelope, 0, len(rows))
	for _, e := range rows {
		if slices.Contains(args.Names, e.Name) || len(args.Names) == 0 && w.bus.flow.reacts(w.reaction, e.Name) {
			events = append(events, envelope(e))
		}
	}
	switch {
	case len(events) > 0:
		return events, nil
	case len(rows) > 0:
		return nil, &badEvent{envelope(rows[0]), errNoReaction(w.reaction)}
	default:
		return nil, fmt.Errorf("the log has no events of batch %s from %d to %d", args.Batch, args.First, args.Last)
	}
}

// split puts a job for each event in the place of a job that failed with several.
func (w *reactionWorker) split(ctx context.Context, job *river.Job[reactionArgs], cause error) error {
	err := w.bus.inTx(ctx, func(tx domain.Tx) error {
		events, err := w.read(ctx, tx, job.Args)
		if err != nil {
			return err
		}
		if len(events) == 1 {
			return cause
		}
		single := make([]river.InsertManyParams, len(events))
		for i, e := range events {
			single[i] = river.InsertManyParams{
				Args:       &reactionArgs{kind: w.reaction.kind, Batch: job.Args.Batch, First: e.Position, Last: e.Position, Names: []string{e.Name}},
				InsertOpts: &river.InsertOpts{Queue: w.reaction.queue},
			}
		}
		if _, err := w.bus.river.InsertManyTx(ctx, tx.Tx, single); err != nil {
			return fmt.Errorf("enqueue jobs: %w", err)
		}
		return complete(ctx, tx, job, nil)
	})
	if err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// fault reports whether an error lies in the work itself, so that trying again as it is will not help: neither the context's
// end, nor the connection, nor another transaction in the way (SQLSTATE classes 08, 40, 53, 55, 57 and 58).
func fault(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errLostJob) || pgconn.SafeToRetry(err) {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		var bad *badEvent
		return errors.As(err, &bad)
	}
	switch pg.Code[:2] {
	case "08", "40", "53", "55", "57", "58":
		return false
	}
	return true
}

// errLostJob means that a job was rescued and given to another worker while this one was at it.
var errLostJob = errors.New("job is no longer ours")

// done is the work that a job has done, for its row in log.runs.
type done struct {
	run    uuid.UUID
	events int
	// first is the first event that it reacted to.
	first domain.Envelope
	at    time.Time
}

// complete completes a job in the transaction of its work, and only while it is this worker's: River's own completion does
// not look who completes. The error must reach River, which would otherwise complete the other worker's attempt. With what it has
// done it leaves its row, in the statement that is needed anyway.
func complete(ctx context.Context, tx domain.Tx, job *river.Job[reactionArgs], work *done) error {
	if work == nil {
		work = &done{}
	}
	var ours bool
	err := tx.QueryRow(ctx, `with ours as (
			select id, kind, queue, attempt from `+pgx.Identifier{migrations.RiverSchema, "river_job"}.Sanitize()+`
			where id = $1 and state = 'running' and attempt = $2 and attempted_at = $3 for update
		), kept as (
			insert into log.runs (id, job, kind, queue, attempt, events, batch, first, last, correlation_id, occurred_at, began_at, ended_at)
			select $4, id, kind, queue, attempt, $5, $6, $7, $8, $9, $10, $11, $12 from ours where $5 > 0
		)
		select exists (select from ours)`,
		job.ID, job.Attempt, job.AttemptedAt,
		work.run, work.events, job.Args.Batch, job.Args.First, job.Args.Last, work.first.CorrelationID, work.first.OccurredAt, tx.Now, work.at).Scan(&ours)
	if err != nil {
		return fmt.Errorf("look whose job it is: %w", err)
	}
	if !ours {
		return errLostJob
	}
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx.Tx, job); err != nil {
		return fmt.Errorf("complete job: %w", err)
	}
	return nil
}
