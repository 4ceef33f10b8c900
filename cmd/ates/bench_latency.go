package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// loads are the shares of the rate that can be kept up at which clicks are looked at.
var loads = []float64{0, 0.25, 0.5}

// measureLatency follows clicks to the pages of others, while others create tasks at a share of the rate at which the program can follow,
// which is found out first.
func measureLatency(ctx context.Context, m *measuring) (rows []row, err error) {
	db, err := m.companyWith(ctx, m.Clients, time.Now())
	if err != nil {
		return nil, err
	}
	in, err := m.install(ctx, db, m.Clients, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if _, err := in.process(ctx, max(m.Clients, m.Commands/5)); err != nil {
		return nil, err
	}
	if err := m.alone(ctx, "the search for the rate"); err != nil {
		return nil, err
	}
	rate, err := in.process(ctx, m.Commands)
	if err != nil {
		return nil, err
	}
	c, err := m.openClicker(ctx, in, m.Clicks*m.Rounds*len(loads))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close(context.WithoutCancel(ctx))) }()

	found := make([]clicked, len(loads))
	reached := make([][]float64, len(loads))
	var idle []float64
	for round := 1; round <= m.Rounds; round++ {
		if err := m.alone(ctx, fmt.Sprintf("round %d", round)); err != nil {
			return nil, err
		}
		commits, err := c.commits.often(ctx, m.Clicks)
		if err != nil {
			return nil, err
		}
		idle = append(idle, commits...)
		for i, share := range loads {
			got, load, err := c.click(ctx, m.Clicks, share*rate.perSecond)
			if err != nil {
				return nil, err
			}
			if err := in.settled(ctx); err != nil {
				return nil, err
			}
			f := &found[i]
			f.event, f.fragment, f.commit = append(f.event, got.event...), append(f.fragment, got.fragment...), append(f.commit, got.commit...)
			reached[i] = append(reached[i], load)
			slog.InfoContext(ctx, "clicked", "load", share, "event", fmt.Sprintf("%.1f ms", percentile(got.event, 50)), "commit", fmt.Sprintf("%.2f ms", percentile(got.commit, 50)))
		}
	}
	if err := requireSound(ctx, in.pool); err != nil {
		return nil, err
	}
	for i, share := range loads {
		at := fmt.Sprintf(" at %.0f%%", share*100)
		if share > 0 {
			m.note("%.0f%% of the rate are %.1f commands a second, of which %.1f were sent", share*100, share*rate.perSecond, percentile(reached[i], 50))
		}
		event, fragment := newRow("click to event"+at, "ms", found[i].event), newRow("click to fragment"+at, "ms", found[i].fragment)
		rows = append(rows, event.over("bare commit, idle", idle), event.over("bare commit, meanwhile", found[i].commit),
			fragment.over("bare commit, idle", idle), fragment.over("bare commit, meanwhile", found[i].commit))
	}
	m.note("a click resolves a task by HTTP with a session; its event is read from the stream of somebody else's page, who then fetches the part of the page that shows the task")
	return rows, nil
}
