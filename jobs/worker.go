package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/trace"

	"ates/domain"
	"ates/sql/dbsqlc"
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
	// Joint means that the events are of several commands.
	Joint bool `json:"joint,omitempty"`
}

// Kind is the kind of the reaction.
func (a reactionArgs) Kind() string { return a.kind }

// reactionWorker works the jobs of every reaction: it reads the events, runs the command that they cause, and completes the
// job, all in one transaction, which jobs of the moment may share (see group.go). What makes a repeat harmless are the natural keys under
// the command, not the completion.
type reactionWorker struct {
	river.WorkerDefaults[reactionArgs]
	bus      *Bus
	reaction *reaction
	group    *gathering[*piece]
}

func newReactionWorker(b *Bus, r *reaction) *reactionWorker {
	return &reactionWorker{bus: b, reaction: r, group: &gathering[*piece]{size: func(p *piece) int64 { return p.job.Args.span() }, room: groupOfEvents}}
}

// Timeout is the reaction's.
func (w *reactionWorker) Timeout(*river.Job[reactionArgs]) time.Duration { return w.reaction.timeout }

// Work reacts, together with other jobs of the moment where the reaction may, and alone where that is not done. A job of several events
// whose command cannot be run is split into one for each, so that one bad event harms no other.
func (w *reactionWorker) Work(ctx context.Context, job *river.Job[reactionArgs]) error {
	in := trace.SpanContextFromContext(ctx)
	work, over := &piece{job: job, in: in}, false
	var err error
	if w.mayJoin(job.Args) {
		over, err = w.together(ctx, work)
	}
	if !over {
		work = &piece{job: job, in: in}
		err = w.commit(ctx, func(context.Context, domain.Tx) ([]*piece, error) { return []*piece{work}, nil })
	}
	if err != nil && job.Args.First < job.Args.Last && fault(err) {
		err = w.split(ctx, job, err)
	}
	if err != nil {
		return &failure{work.correlation(), err}
	}
	return nil
}

// piece is one job's part of a transaction.
type piece struct {
	job *river.Job[reactionArgs]
	// claimed means that River has not given the job to this worker: the transaction took it from the queue itself.
	claimed bool
	// batch is that of the events that it tells.
	batch  uuid.UUID
	events []domain.Envelope
	told   []domain.Envelope

	// in is the span of the job. Where somebody traces, command is that of its part of the command, and taken that of a job that was
	// claimed; nil otherwise.
	in             trace.SpanContext
	command, taken trace.Span
}

// correlation is the command at the beginning, the nil UUID where the events have not been read.
func (p *piece) correlation() uuid.UUID {
	if len(p.events) == 0 {
		return uuid.Nil
	}
	return p.events[0].CorrelationID
}

// commit does the work of some jobs in one transaction, or none of it.
func (w *reactionWorker) commit(ctx context.Context, choose func(context.Context, domain.Tx) ([]*piece, error)) error {
	var topics []string
	var done []*piece
	var name string
	begun := time.Now()
	err := w.bus.inTx(ctx, func(tx domain.Tx) error {
		pieces, err := choose(ctx, tx)
		if err != nil {
			return err
		}
		if err := w.read(ctx, tx, pieces); err != nil {
			return err
		}
		events := eventsOf(pieces)
		if w.bus.lag != nil {
			tx.Now = events[len(events)-1].OccurredAt.Add(w.bus.lag()).UTC().Truncate(time.Microsecond)
		}
		cmd, err := w.bus.flow.commandFor(w.reaction, events)
		if err != nil {
			return err
		}
		name = commandName(cmd)
		w.bus.beginPieces(ctx, name, pieces)
		done = pieces
		if err := w.tell(ctx, tx, cmd, pieces); err != nil {
			return err
		}
		if w.reaction.topics != nil {
			topics = w.reaction.topics(events, cmd)
		}
		if len(topics) > 0 {
			if err := dbsqlc.New(tx).RecordChange(ctx, dbsqlc.RecordChangeParams{Topics: topics, At: tx.Now}); err != nil {
				return fmt.Errorf("record what changed: %w", err)
			}
		}
		return complete(ctx, tx, pieces, w.bus.moment())
	})
	if name != "" {
		endPieces(done, outcome(false, err), err)
		w.count(name, outcome(false, err), time.Since(begun), done)
	}
	if err == nil && len(topics) > 0 {
		w.bus.notifier.changed(spansOf(done)...)
	}
	return err
}

// count counts a run of a command and what it has done for some jobs.
func (w *reactionWorker) count(name, outcome string, took time.Duration, pieces []*piece) {
	m, r := w.bus.metrics, w.reaction
	var told []domain.Envelope
	for _, p := range pieces {
		told = append(told, p.told...)
	}
	m.ran(name, outcome, took, told)
	if outcome != commandDone {
		return
	}
	now := w.bus.now()
	for _, p := range pieces {
		m.delay.WithLabelValues(r.kind, r.queue).Observe(now.Sub(p.events[0].OccurredAt).Seconds())
		if p.claimed { // the others are counted by whoever gave them out
			m.attempted(r.kind, r.queue, jobDone, took)
		}
	}
}

// eventsOf are the events of some jobs in the order of the log, each once.
func eventsOf(pieces []*piece) []domain.Envelope {
	if len(pieces) == 1 {
		return pieces[0].events
	}
	var all []domain.Envelope
	for _, p := range pieces {
		all = append(all, p.events...)
	}
	slices.SortFunc(all, func(a, b domain.Envelope) int { return cmp.Compare(a.Position, b.Position) })
	return slices.CompactFunc(all, func(a, b domain.Envelope) bool { return a.Position == b.Position })
}

// tell lets a command work, and appends its events with their jobs, as one batch but for those of jobs that somebody traces. What follows
// from one can be told from what follows from the others by the event that is its cause.
func (w *reactionWorker) tell(ctx context.Context, tx domain.Tx, cmd domain.Command, pieces []*piece) error {
	shared, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make a batch id: %w", err)
	}
	of := make(map[uuid.UUID]*piece)
	several := len(pieces) > 1
	for _, p := range pieces {
		own, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make a batch id: %w", err)
		}
		p.batch = batchOf(p.command, own, shared)
		for _, e := range p.events {
			of[e.ID] = p
			several = several || e.CorrelationID != pieces[0].events[0].CorrelationID
		}
	}
	events, err := cmd.Handle(ctx, tx)
	if err != nil {
		return err
	}
	told := make([]telling, len(events))
	owners := make([]*piece, len(events))
	for i, e := range events {
		owners[i] = pieces[0]
		if e.Cause != nil && of[e.Cause.ID] != nil {
			owners[i] = of[e.Cause.ID]
		} else if several {
			return fmt.Errorf("%s tells %s without the event that is its cause, which it must where commands share a transaction", commandName(cmd), e.Data.EventName())
		}
		p := owners[i]
		told[i] = telling{batch: p.batch, command: p.batch, correlation: p.events[0].CorrelationID, actor: p.events[0].Actor, in: p.command}
	}
	var beside []river.InsertManyParams
	if w.reaction.follow != nil {
		beside = w.reaction.follow(cmd)
	}
	envelopes, err := w.bus.tell(ctx, tx, events, told, beside...)
	if err != nil {
		return err
	}
	for i, e := range envelopes {
		owners[i].told = append(owners[i].told, e)
	}
	return nil
}

// failure is why a job failed, with the command at the beginning of it, for the log.
type failure struct {
	correlation uuid.UUID
	error
}

func (f *failure) Unwrap() error { return f.error }

// read loads the events that jobs react to.
func (w *reactionWorker) read(ctx context.Context, tx domain.Tx, pieces []*piece) error {
	asked := dbsqlc.ReadBatchesParams{}
	of := make(map[uuid.UUID][]*piece, len(pieces))
	for _, p := range pieces {
		args := p.job.Args
		asked.Batches, asked.Firsts, asked.Lasts = append(asked.Batches, args.Batch), append(asked.Firsts, args.First), append(asked.Lasts, args.Last)
		of[args.Batch] = append(of[args.Batch], p)
	}
	rows, err := dbsqlc.New(tx).ReadBatches(ctx, asked)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	others := make(map[*piece]domain.Envelope)
	for _, row := range rows {
		e := envelope(dbsqlc.ReadEventsRow{
			Position: row.Position, ID: row.ID, Name: row.Name, Version: row.Version, OccurredAt: row.OccurredAt, Producer: row.Producer, Subject: row.Subject,
			SubjectVersion: row.SubjectVersion, Actor: row.Actor, CorrelationID: row.CorrelationID, CausationID: row.CausationID, Data: row.Data,
		})
		for _, p := range of[row.Batch] {
			switch args := p.job.Args; {
			case e.Position < args.First || e.Position > args.Last:
			case slices.Contains(args.Names, e.Name) || len(args.Names) == 0 && w.bus.flow.reacts(w.reaction, e.Name):
				p.events = append(p.events, e)
			default:
				others[p] = e
			}
		}
	}
	for _, p := range pieces {
		if len(p.events) > 0 {
			continue
		}
		if e, ok := others[p]; ok {
			return &badEvent{e, errNoReaction(w.reaction)}
		}
		return fmt.Errorf("the log has no events of batch %s from %d to %d", p.job.Args.Batch, p.job.Args.First, p.job.Args.Last)
	}
	return nil
}

// split puts a job for each event in the place of a job that failed with several.
func (w *reactionWorker) split(ctx context.Context, job *river.Job[reactionArgs], cause error) error {
	err := w.bus.inTx(ctx, func(tx domain.Tx) error {
		work := &piece{job: job}
		if err := w.read(ctx, tx, []*piece{work}); err != nil {
			return err
		}
		if len(work.events) == 1 {
			return cause
		}
		single := make([]river.InsertManyParams, len(work.events))
		for i, e := range work.events {
			single[i] = river.InsertManyParams{
				Args:       &reactionArgs{kind: w.reaction.kind, Batch: job.Args.Batch, First: e.Position, Last: e.Position, Names: []string{e.Name}},
				InsertOpts: &river.InsertOpts{Queue: w.reaction.queue},
			}
		}
		if err := w.bus.enqueue(ctx, tx, single); err != nil {
			return err
		}
		// It has done nothing that its row in log.runs could tell.
		return complete(ctx, tx, []*piece{{job: job}}, w.bus.moment())
	})
	if err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// fault reports whether an error lies in the work itself, so that trying again as it is will not help: neither the context's
// end, nor the connection, nor another transaction in the way (SQLSTATE classes 08, 40, 53, 55, 57 and 58), nor a server that has
// become a standby.
func fault(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errLostJob) || pgconn.SafeToRetry(err) {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		var bad *badEvent
		return errors.As(err, &bad)
	}
	if pg.Code == pgerrcode.ReadOnlySQLTransaction {
		return false
	}
	switch pg.Code[:2] {
	case "08", "40", "53", "55", "57", "58":
		return false
	}
	return true
}
