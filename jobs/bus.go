// Package jobs runs the program's commands and carries its events. Bus runs a command and commits its changes, its events
// and the jobs that those events cause in one transaction; reactions.go says which events cause which jobs; every job is
// again a command that the bus runs. A new job is a file here and a line in reactions.go.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/trace"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/sql/pgpool"
	"ates/views"
)

// Bus runs commands. It is the only place that commits.
type Bus struct {
	pool     *pgxpool.Pool
	direct   *pgxpool.Pool
	river    *river.Client[pgx.Tx]
	notifier *notifier
	waker    *waker
	metrics  *metrics
	crew     *crew
	tracer   trace.Tracer
	flow     flow
	chores   []chore
	mail     *MailServer
	locale   views.Locale
	// publicURL is empty where mails have no links.
	publicURL string
	now       func() time.Time
	lag       func() time.Duration

	gatheringsMu sync.Mutex
	// gatherings are those of the commands that may share a transaction, by their names.
	gatherings map[string]*gathering[*asked]
}

// BusConfig is what a bus needs from outside.
type BusConfig struct {
	Pool *pgxpool.Pool
	// Direct reaches Postgres itself, to listen and to hold locks for longer than a transaction; nil is the pool, where no pooler is between.
	Direct *pgxpool.Pool
	Books  accounting.Books
	// Payouts pays people; nil is in the books only.
	Payouts accounting.PayoutProvider
	// Mail is where mails leave; nil keeps them to be read here.
	Mail *MailServer
	// Currency is the ISO 4217 code of the money in mails.
	Currency string
	// PublicURL is how people reach the program from a mail, without a slash at the end; without it mails have no links.
	PublicURL string
	// Now is the program's clock; nil is the machine's.
	Now func() time.Time
	// Lag is how long after its event a reaction happens, for a past that is lived through faster than its clock goes; nil is
	// whenever it does.
	Lag func() time.Duration
	// Tracer traces commands and jobs; nil traces nothing.
	Tracer trace.Tracer
}

// Do runs a command that a person, or the program itself, asks for. The command's answer is in its fields. A keyed command
// that the same actor has sent before is not run again: its fields get the first answer. The error is a *domain.Refusal
// when the person may not do it, and whatever the error, nothing has happened, unless Postgres could not say what became of the commit:
// then the same command with the same key may be asked for again, and has happened once in the end.
func (b *Bus) Do(ctx context.Context, cmd domain.Command) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make a command id: %w", err)
	}
	name, begun := commandName(cmd), time.Now()
	ctx, traced := span(ctx, b.tracer, name, trace.SpanKindInternal)
	events, repeated, err := b.request(ctx, id, cmd)
	took, became := time.Since(begun), outcome(repeated, err)
	if _, announced := cmd.(domain.Announcer); announced && err == nil {
		b.notifier.changed(trace.SpanContextFromContext(ctx))
	}
	traceCommand(traced, id, became, events, err)
	b.metrics.ran(name, became, took, events)
	logCommand(ctx, name, id, became, took, err)
	return err
}

// request runs a command under an id and commits it. It returns the events that it told, or that it has been asked for before.
func (b *Bus) request(ctx context.Context, id uuid.UUID, cmd domain.Command) (events []domain.Envelope, repeated bool, err error) {
	if p, ok := cmd.(prepared); ok {
		if cmd, err = p.prepare(ctx, b); err != nil {
			return nil, false, err
		}
	}
	if joint, ok := cmd.(domain.JointCommand); ok {
		return b.jointly(ctx, id, joint)
	}
	return b.alone(ctx, id, cmd)
}

// alone is request for a command in a transaction of its own.
func (b *Bus) alone(ctx context.Context, id uuid.UUID, cmd domain.Command) (events []domain.Envelope, repeated bool, err error) {
	err = b.inTx(ctx, func(tx domain.Tx) (err error) {
		told := telling{batch: id, command: id, correlation: id}
		requested, ok := cmd.(domain.RequestedCommand)
		if !ok {
			if events, err = b.run(ctx, tx, cmd, told); err != nil {
				return err
			}
			if len(events) > 0 {
				if err := b.recordClockCommand(ctx, tx, id, cmd); err != nil {
					return err
				}
			}
			return announce(ctx, tx, cmd)
		}
		told.actor = actorOf(requested)
		itself := []*asked{{ctx: ctx, id: id, cmd: requested}}
		fresh, err := recordCommands(ctx, tx, itself)
		if err != nil {
			return err
		}
		if repeated = len(fresh) == 0; repeated {
			return firstAnswer(ctx, tx, requested)
		}
		if events, err = b.run(ctx, tx, cmd, told); err != nil {
			return err
		}
		if err := announce(ctx, tx, cmd); err != nil {
			return err
		}
		return b.recordOutcomes(ctx, tx, itself)
	})
	return events, repeated, err
}

// prepared is a command that has to find something out before its transaction begins; it is what prepare returns that is run.
type prepared interface {
	domain.Command
	prepare(ctx context.Context, b *Bus) (domain.Command, error)
}

// actorOf is who asks for a command; nil is the program.
func actorOf(cmd domain.RequestedCommand) *uuid.UUID {
	by := cmd.Requested().By
	if by == auth.System {
		return nil
	}
	return &by.ID
}

// announce notes what open pages have to look at again after commands.
func announce[C domain.Command](ctx context.Context, tx domain.Tx, commands ...C) error {
	var topics []string
	for _, cmd := range commands {
		if announcer, ok := any(cmd).(domain.Announcer); ok {
			topics = append(topics, announcer.Topics()...)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	slices.Sort(topics)
	if err := dbsqlc.New(tx).RecordChange(ctx, dbsqlc.RecordChangeParams{Topics: slices.Compact(topics), At: tx.Now}); err != nil {
		return fmt.Errorf("record what changed: %w", err)
	}
	return nil
}

// logCommand tells of a command that was done or refused. Faults are logged where they are answered.
func logCommand(ctx context.Context, name string, id uuid.UUID, outcome string, took time.Duration, err error) {
	var refusal *domain.Refusal
	switch {
	case errors.As(err, &refusal):
		outcome += ": " + refusal.Code
	case err != nil:
		return
	}
	slog.InfoContext(ctx, "command", "name", name, "correlation", id, "outcome", outcome, "took", took.Round(time.Microsecond))
}

// inTx does everything that f does, or nothing of it, at one moment of the program's clock. After an error of the commit itself nobody
// knows which.
func (b *Bus) inTx(ctx context.Context, f func(domain.Tx) error) error {
	var queues []string
	err := b.pool.AcquireFunc(ctx, func(held *pgxpool.Conn) error {
		_ = pgpool.Replicated(held.Conn()) // what is known of others' commits is not about this one
		err := pgx.BeginFunc(ctx, held, func(tx pgx.Tx) error {
			ours := &busTx{Tx: tx}
			err := f(domain.Tx{Tx: ours, Now: b.moment()})
			queues = ours.queues
			return err
		})
		if err != nil {
			return err
		}
		return pgpool.Replicated(held.Conn())
	})
	if err == nil {
		b.waker.wake(queues)
	}
	return err
}

// moment is the time of the program's clock, as exact as the database keeps it.
func (b *Bus) moment() time.Time { return b.now().UTC().Truncate(time.Microsecond) }

// telling is what the events of one run of a command have in common.
type telling struct {
	// batch is what their jobs find them by: those of one batch are told at once, by runs that share a transaction.
	batch                uuid.UUID
	command, correlation uuid.UUID
	actor                *uuid.UUID
	// in is the span that their jobs follow from; nil where the context has it.
	in trace.Span
}

// run lets a command work and appends its events with their jobs. It returns the events as they stand in the log.
func (b *Bus) run(ctx context.Context, tx domain.Tx, cmd domain.Command, told telling) ([]domain.Envelope, error) {
	events, err := cmd.Handle(ctx, tx)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	return b.tell(ctx, tx, events, slices.Repeat([]telling{told}, len(events)))
}

// tell appends events, each as it is told, with the jobs that each batch of them causes, and with jobs that follow beside. It returns the
// events as they stand in the log.
func (b *Bus) tell(ctx context.Context, tx domain.Tx, events []domain.Event, tellings []telling, beside ...river.InsertManyParams) (envelopes []domain.Envelope, err error) {
	var jobs []river.InsertManyParams
	if len(events) > 0 {
		if envelopes, err = appendEvents(ctx, tx, events, tellings); err != nil {
			return nil, err
		}
		var batches []telling
		of := map[uuid.UUID][]domain.Envelope{}
		for i, e := range envelopes {
			told := tellings[i]
			if of[told.batch] == nil {
				batches = append(batches, told)
			}
			of[told.batch] = append(of[told.batch], e)
		}
		for _, told := range batches {
			caused := b.flow.jobsFor(told.batch, of[told.batch])
			if err := carryTrace(told.in, caused); err != nil {
				return nil, err
			}
			jobs = append(jobs, caused...)
		}
	}
	return envelopes, b.enqueue(ctx, tx, append(jobs, beside...))
}

// enqueue puts jobs into their queues, if there are any.
func (b *Bus) enqueue(ctx context.Context, tx domain.Tx, jobs []river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	if _, err := b.river.InsertManyTx(ctx, tx.Tx, jobs); err != nil {
		return fmt.Errorf("enqueue jobs: %w", err)
	}
	if ours, ok := tx.Tx.(*busTx); ok {
		for _, job := range jobs {
			if !slices.Contains(ours.queues, job.InsertOpts.Queue) {
				ours.queues = append(ours.queues, job.InsertOpts.Queue)
			}
		}
	}
	return nil
}

// appendEvents writes events to the log, each as it is told, and returns them as they stand there. One that breaks its schema is a fault.
func appendEvents(ctx context.Context, tx domain.Tx, events []domain.Event, tellings []telling) ([]domain.Envelope, error) {
	rows := dbsqlc.AppendEventsParams{OccurredAt: tx.Now}
	envelopes := make([]domain.Envelope, len(events))
	for i, e := range events {
		told := tellings[i]
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make an event id: %w", err)
		}
		data, err := json.Marshal(e.Data)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", e.Data.EventName(), err)
		}
		env := domain.Envelope{
			ID: id, Name: e.Data.EventName(), Version: e.Data.EventVersion(), OccurredAt: tx.Now, Producer: e.Data.Producer(),
			Subject: e.Subject, SubjectVersion: e.Version,
			Actor: told.actor, CorrelationID: told.correlation, CausationID: told.command, Data: data,
		}
		if c := e.Cause; c != nil {
			env.Actor, env.CorrelationID, env.CausationID = c.Actor, c.CorrelationID, c.ID
		}
		envelopes[i] = env

		rows.Ids = append(rows.Ids, env.ID)
		rows.Batches = append(rows.Batches, told.batch)
		rows.Names = append(rows.Names, env.Name)
		rows.Versions = append(rows.Versions, int32(env.Version))
		rows.Producers = append(rows.Producers, env.Producer)
		rows.Subjects = append(rows.Subjects, env.Subject)
		rows.SubjectVersions = append(rows.SubjectVersions, env.SubjectVersion)
		rows.Actors = append(rows.Actors, orNil(env.Actor))
		rows.CorrelationIds = append(rows.CorrelationIds, env.CorrelationID)
		rows.CausationIds = append(rows.CausationIds, env.CausationID)
		rows.Data = append(rows.Data, string(data))
	}
	// They are checked while Postgres writes them down, which takes longer: what is wrong with one undoes them all.
	checked := make(chan error, 1)
	go func() { checked <- checkTold(envelopes) }()
	positions, err := dbsqlc.New(tx).AppendEvents(ctx, rows)
	if wrong := <-checked; wrong != nil {
		return nil, wrong
	}
	if err != nil {
		return nil, fmt.Errorf("append events: %w", err)
	}
	for i, p := range positions {
		envelopes[i].Position = p
	}
	return envelopes, nil
}

// orNil is the id, or the nil UUID in place of none: lists of UUIDs travel to Postgres without holes.
func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
