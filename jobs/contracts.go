package jobs

import (
	"fmt"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// contract is what a context promises of its events: how they look, and how each of their versions is read.
type contract struct {
	*domain.Contract
	upcast func(name string, version int, data []byte) (domain.EventData, error)
}

// contractOf is the contract of whoever tells an event.
func contractOf(producer string) (contract, error) {
	switch producer {
	case auth.Producer:
		return contract{auth.Contract(), auth.Upcast}, nil
	case tracker.Producer:
		return contract{tracker.Contract(), tracker.Upcast}, nil
	case accounting.Producer:
		return contract{accounting.Contract(), accounting.Upcast}, nil
	}
	return contract{}, fmt.Errorf("it is told by %q, whom this version of the program does not know", producer)
}

// checkTold checks events that are about to be told. One that breaks its schema is a fault of the command that tells it.
func checkTold(events []domain.Envelope) error {
	for _, e := range events {
		c, err := contractOf(e.Producer)
		if err == nil {
			err = c.CheckTold(e.Name, e.Version, e.Data)
		}
		if err != nil {
			return fmt.Errorf("tell %s of %s: %w", e.Name, e.Subject, err)
		}
	}
	return nil
}

// check checks that an event holds to the schema of its version.
func check(e domain.Envelope) error {
	c, err := contractOf(e.Producer)
	if err == nil {
		err = c.CheckRead(e.Name, e.Version, e.Data)
	}
	if err != nil {
		return &badEvent{e, err}
	}
	return nil
}

// open reads an event that has been checked as it is today, in whatever version it was told.
func open[T domain.EventData](e domain.Envelope) (event T, err error) {
	c, err := contractOf(e.Producer)
	if err != nil {
		return event, &badEvent{e, err}
	}
	told, err := c.upcast(e.Name, e.Version, e.Data)
	if err != nil {
		return event, &badEvent{e, err}
	}
	event, ok := told.(T)
	if !ok {
		return event, &badEvent{e, fmt.Errorf("it is no %T", event)}
	}
	return event, nil
}

// badEvent is an event that cannot be read.
type badEvent struct {
	event domain.Envelope
	err   error
}

func (b *badEvent) Error() string {
	return fmt.Sprintf("event %s (%s version %d at position %d) cannot be read: %v", b.event.ID, b.event.Name, b.event.Version, b.event.Position, b.err)
}

func (b *badEvent) Unwrap() error { return b.err }
