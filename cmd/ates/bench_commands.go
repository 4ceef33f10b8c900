package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// measureCommands has people create tasks in the program, by HTTP, until everything that these set off is booked and shown, and in turn
// writes the rows of the commands alone straight into a copy of the same database.
func measureCommands(ctx context.Context, m *measuring) (rows []row, err error) {
	db, err := m.companyWith(ctx, m.Clients, time.Now())
	if err != nil {
		return nil, err
	}
	ceiling, err := m.openCommandRows(ctx, db)
	if err != nil {
		return nil, err
	}
	defer ceiling.close()
	in, err := m.install(ctx, db, m.Clients, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()

	// Connections, plans and caches are made by the first.
	few := max(m.Clients, m.Commands/5)
	if _, err := in.process(ctx, few); err != nil {
		return nil, err
	}
	if err := ceiling.tryConcurrency(ctx, few); err != nil {
		return nil, err
	}
	var whole, answering, ceilings, answers []float64
	for round := 1; round <= m.Rounds; round++ {
		if err := m.alone(ctx, fmt.Sprintf("round %d", round)); err != nil {
			return nil, err
		}
		waits := watchWaits(ctx, in.pool)
		p, err := in.process(ctx, m.Commands)
		said := waits()
		if err != nil {
			return nil, err
		}
		if round == 1 {
			m.note("connections to Postgres in the first round: %s", said)
		}
		most, err := ceiling.write(ctx, m.Commands)
		if err != nil {
			return nil, err
		}
		whole, answering, ceilings, answers = append(whole, p.perSecond), append(answering, p.answering), append(ceilings, most), append(answers, p.answers...)
		slog.InfoContext(ctx, "measured", "commands a second", fmt.Sprintf("%.0f", p.perSecond), "ceiling", fmt.Sprintf("%.0f", most))
	}
	if err := requireSound(ctx, in.pool); err != nil {
		return nil, err
	}
	m.note("%d people sent %d commands in each round, to %d processes; at its end no job was left, and the books were verified after the last", m.Clients, m.Commands, m.Processes)
	m.note("ceiling: the task, the two events and the four jobs of one command, a durable transaction and a round trip each, on %d connections, the best of %v", ceiling.connections, concurrencies)
	return []row{
		newRow("commands with all their effects", "1/s", whole).against("rows of the commands", whole, ceilings),
		newRow("commands answered", "1/s", answering).against("rows of the commands", answering, ceilings),
		newRow("a command until its answer", "ms", answers),
	}, nil
}
