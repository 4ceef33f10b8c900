package jobs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// parts say how a read model falls apart into rows that can be made anew by themselves: each event belongs to one part, and the rows
// of a part are the doing of its events.
type parts interface {
	// of is the part of an event e, as SQL, and column the type of the columns that name it.
	of() string
	column() string
	// valid says whether something can be a part at all; an event of one that cannot be is unreadable, and so in no row.
	valid(part string) bool
	// list are the parts of the events after one position up to another.
	list(ctx context.Context, q *dbsqlc.Queries, names []string, after, upTo int64) ([]string, error)
	// read hands over all events of some parts up to a position, some at a time. before finds the place in the log up to which
	// the model had been compared at a moment.
	read(ctx context.Context, q *dbsqlc.Queries, names, parts []string, upTo int64, before func(time.Time) (int64, error), each func([]domain.Envelope) error) error
}

// windowOfEvents is how many places of the log are read at a time: enough for set-based SQL to pay, and few enough to be held in memory.
const windowOfEvents = 5000

// bySubject is the division of read models whose rows belong to what their events happened to.
type bySubject struct{}

func (bySubject) of() string     { return "e.subject::text" }
func (bySubject) column() string { return "uuid" }

func (bySubject) valid(part string) bool { return uuid.Validate(part) == nil }

func (bySubject) list(ctx context.Context, q *dbsqlc.Queries, names []string, after, upTo int64) ([]string, error) {
	subjects, err := q.ListSubjects(ctx, dbsqlc.ListSubjectsParams{Names: names, After: after, UpTo: upTo})
	if err != nil {
		return nil, fmt.Errorf("list what events tell of: %w", err)
	}
	listed := make([]string, len(subjects))
	for i, s := range subjects {
		listed[i] = s.String()
	}
	return listed, nil
}

func (bySubject) read(ctx context.Context, q *dbsqlc.Queries, names, parts []string, upTo int64, _ func(time.Time) (int64, error), each func([]domain.Envelope) error) error {
	const atOnce = 1000
	for some := range slices.Chunk(parts, atOnce) {
		asked := dbsqlc.ReadEventsOfSubjectsParams{Names: names, UpTo: upTo}
		for _, part := range some {
			subject, err := uuid.Parse(part)
			if err != nil {
				return fmt.Errorf("read the id of a part: %w", err)
			}
			asked.Subjects = append(asked.Subjects, subject)
		}
		rows, err := q.ReadEventsOfSubjects(ctx, asked)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		events := make([]domain.Envelope, len(rows))
		for i, row := range rows {
			events[i] = envelope(dbsqlc.ReadEventsRow(row))
		}
		if err := each(events); err != nil {
			return err
		}
	}
	return nil
}

// byDay is the division of read models whose rows belong to the business day that their events are about.
type byDay struct{}

func (byDay) of() string     { return "e.data ->> 'day'" }
func (byDay) column() string { return "date" }

func (byDay) valid(part string) bool {
	_, err := time.Parse(time.DateOnly, part)
	return err == nil
}

func (d byDay) list(ctx context.Context, q *dbsqlc.Queries, names []string, after, upTo int64) ([]string, error) {
	days, err := q.ListDays(ctx, dbsqlc.ListDaysParams{Names: names, After: after, UpTo: upTo})
	if err != nil {
		return nil, fmt.Errorf("list what days events are about: %w", err)
	}
	return slices.DeleteFunc(days, func(day string) bool { return !d.valid(day) }), nil
}

func (byDay) read(ctx context.Context, q *dbsqlc.Queries, names, parts []string, upTo int64, before func(time.Time) (int64, error), each func([]domain.Envelope) error) error {
	first, err := time.Parse(time.DateOnly, slices.Min(parts))
	if err != nil {
		return fmt.Errorf("read the day of a part: %w", err)
	}
	// Nothing is told of a day before it begins, so what had been told a week earlier need not be read. A week is more than
	// time zones and clocks are apart.
	at, err := before(first.AddDate(0, 0, -7))
	if err != nil {
		return err
	}
	for at < upTo {
		end := min(at+windowOfEvents, upTo)
		rows, err := q.ReadEventsOfDays(ctx, dbsqlc.ReadEventsOfDaysParams{Names: names, Days: parts, After: at, UpTo: end})
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		events := make([]domain.Envelope, len(rows))
		for i, row := range rows {
			events[i] = envelope(dbsqlc.ReadEventsRow(row))
		}
		if err := each(events); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// readEvents reads the events of some names after one position up to another.
func readEvents(ctx context.Context, q *dbsqlc.Queries, names []string, after, upTo int64) ([]domain.Envelope, error) {
	rows, err := q.ReadEvents(ctx, dbsqlc.ReadEventsParams{Names: names, After: after, UpTo: upTo})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	events := make([]domain.Envelope, len(rows))
	for i, row := range rows {
		events[i] = envelope(row)
	}
	return events, nil
}

// theEnd is a position after that of any event.
const theEnd = math.MaxInt64

// envelope is an event as reactions get it.
func envelope(e dbsqlc.ReadEventsRow) domain.Envelope {
	return domain.Envelope{
		Position: e.Position, ID: e.ID, Name: e.Name, Version: int(e.Version), OccurredAt: e.OccurredAt, Producer: e.Producer,
		Subject: e.Subject, SubjectVersion: e.SubjectVersion, Actor: e.Actor,
		CorrelationID: e.CorrelationID, CausationID: e.CausationID, Data: e.Data,
	}
}
