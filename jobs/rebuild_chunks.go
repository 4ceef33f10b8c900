package jobs

import (
	"context"
	"errors"
	"slices"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// chunk is some events that have been read, and what the reactions are to do with them, up to the place end in the log.
type chunk struct {
	end        int64
	events     []domain.Envelope
	commands   []commandOf
	unreadable []int64
	err        error
}

// commandOf is the command that some events cause in a reaction.
type commandOf struct {
	reaction *reaction
	events   []domain.Envelope
	command  domain.Command
}

// readAhead reads the next events after a place and begins to make their commands.
func (r *rebuilding) readAhead(ctx context.Context, after, upTo int64) (<-chan chunk, error) {
	end := min(after+windowOfEvents, upTo)
	events, err := readEvents(ctx, dbsqlc.New(r.conn), r.events, after, end)
	if err != nil {
		return nil, err
	}
	ready := make(chan chunk, 1)
	go func() { ready <- r.chunk(events, end) }()
	return ready, nil
}

// chunk has each reaction make its command of some events. Those that cannot be read are left out, as they are when its jobs fail.
func (r *rebuilding) chunk(events []domain.Envelope, end int64) chunk {
	c := chunk{end: end, events: events}
	for _, reaction := range r.model.reactions {
		some := slices.DeleteFunc(slices.Clone(events), func(e domain.Envelope) bool { return !r.flow.reacts(reaction, e.Name) })
		if c.err = c.add(r.flow, reaction, some); c.err != nil {
			break
		}
	}
	return c
}

func (c *chunk) add(f flow, r *reaction, events []domain.Envelope) error {
	if len(events) == 0 {
		return nil
	}
	command, err := f.commandFor(r, events)
	var bad *badEvent
	if errors.As(err, &bad) {
		if len(events) == 1 {
			c.unreadable = append(c.unreadable, bad.event.Position)
			return nil
		}
		half := len(events) / 2
		return errors.Join(c.add(f, r, events[:half]), c.add(f, r, events[half:]))
	}
	if err != nil {
		return err
	}
	c.commands = append(c.commands, commandOf{r, events, command})
	return nil
}
