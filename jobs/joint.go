package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"ates/domain"
)

const (
	// commandsAtOnce is how many commands share a transaction at most.
	commandsAtOnce = 100
	// jointTimeout is how long such a transaction may take. It does not end with the request of whoever leads it, who is not alone in it.
	jointTimeout = 10 * time.Second
)

// asked is a command that somebody has asked for, and that may share a transaction with others of the moment when it is a
// domain.JointCommand.
type asked struct {
	ctx    context.Context
	id     uuid.UUID
	cmd    domain.RequestedCommand
	events []domain.Envelope
	// over means that it has been committed, with its events and its answer, or that nobody knows whether it has, which err then says.
	over bool
	err  error
}

// jointly runs a command together with others of its kind that are asked for at the same moment, or alone: when there are none, when it
// has been asked for before, and when one of the group is refused, since then nothing of the group has happened.
func (b *Bus) jointly(ctx context.Context, id uuid.UUID, cmd domain.JointCommand) (events []domain.Envelope, repeated bool, err error) {
	a := &asked{ctx: ctx, id: id, cmd: cmd}
	g := b.gatheringOf(commandName(cmd))
	if now, ok := g.join(a); ok && now.lead != nil {
		defer func() { g.end(now, true) }() // also when the command panics
		if all := now.members(); len(all) > 1 {
			b.commitJointly(ctx, all)
		}
	}
	if a.over {
		return a.events, false, a.err
	}
	return b.alone(ctx, id, cmd)
}

// gatheringOf is where commands of a name gather.
func (b *Bus) gatheringOf(name string) *gathering[*asked] {
	b.gatheringsMu.Lock()
	defer b.gatheringsMu.Unlock()
	if b.gatherings == nil {
		b.gatherings = map[string]*gathering[*asked]{}
	}
	g := b.gatherings[name]
	if g == nil {
		g = &gathering[*asked]{size: func(*asked) int64 { return 1 }, room: commandsAtOnce}
		b.gatherings[name] = g
	}
	return g
}

// commitJointly does what commands of a kind ask for in one transaction. Those that have been asked for before are left out. Where it is
// certain that nothing has happened, the commands are as they were.
func (b *Bus) commitJointly(ctx context.Context, all []*asked) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jointTimeout)
	defer cancel()
	before := make([]reflect.Value, len(all))
	for i, a := range all {
		before[i] = reflect.New(reflect.TypeOf(a.cmd).Elem()).Elem()
		before[i].Set(reflect.ValueOf(a.cmd).Elem())
	}
	defer func() { // also when the command panics
		for i, a := range all {
			if !a.over {
				reflect.ValueOf(a.cmd).Elem().Set(before[i])
			}
		}
	}()
	var fresh []*asked
	handled := false
	err := b.inTx(ctx, func(tx domain.Tx) (err error) {
		if fresh, err = recordCommands(ctx, tx, all); err != nil || len(fresh) == 0 {
			return err
		}
		commands := make([]domain.RequestedCommand, len(fresh))
		for i, a := range fresh {
			commands[i] = a.cmd
		}
		events, err := fresh[0].cmd.(domain.JointCommand).HandleJointly(ctx, tx, commands)
		if err != nil {
			return err
		}
		if err := b.tellJointly(ctx, tx, fresh, events); err != nil {
			return err
		}
		if err := announce(ctx, tx, commands...); err != nil {
			return err
		}
		err = b.recordOutcomes(ctx, tx, fresh)
		handled = err == nil
		return err
	})
	if err == nil || handled {
		// An error of the commit itself leaves open what became of it: to try again could do it twice.
		for _, a := range fresh {
			a.over, a.err = true, err
		}
		return
	}
	slog.InfoContext(ctx, "commands that were not done together are tried one by one", "name", commandName(all[0].cmd), "commands", len(all), "because", err)
}

// tellJointly appends the events of commands with the jobs that they cause, as one batch but for those of commands that somebody traces.
func (b *Bus) tellJointly(ctx context.Context, tx domain.Tx, all []*asked, events [][]domain.Event) error {
	shared, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make a batch id: %w", err)
	}
	var told []telling
	for i, a := range all {
		in := trace.SpanFromContext(a.ctx)
		t := telling{batch: batchOf(in, a.id, shared), command: a.id, correlation: a.id, actor: actorOf(a.cmd), in: in}
		told = append(told, slices.Repeat([]telling{t}, len(events[i]))...)
	}
	envelopes, err := b.tell(ctx, tx, slices.Concat(events...), told)
	if err != nil {
		return err
	}
	for i, a := range all {
		a.events, envelopes = envelopes[:len(events[i])], envelopes[len(events[i]):]
	}
	return nil
}
