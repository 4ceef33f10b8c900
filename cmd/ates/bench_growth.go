package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// grown is a company with books of some length, in which everything is measured.
type grown struct {
	events  int
	in      *installation
	clicks  *clicker
	company *benchCompany
	tour    *pageTour

	commands []float64
	// clicked are the clicks at each of growthLoads.
	clicked []clicked
}

// growthLoads are the shares of the rate of the shortest books at which clicks are followed in all of them.
var growthLoads = []float64{0, 0.25}

// measureGrowth measures commands, clicks and all pages in companies that are alike but for how long their books are, in turn.
func measureGrowth(ctx context.Context, m *measuring) (rows []row, err error) {
	var all []*grown
	defer func() {
		for _, g := range all {
			err = errors.Join(err, g.close(context.WithoutCancel(ctx)))
		}
	}()
	for _, events := range m.lengths() {
		g, err := m.grow(ctx, events)
		all = append(all, g)
		if err != nil {
			return nil, err
		}
	}
	for round := 1; round <= m.Rounds; round++ {
		for _, g := range all {
			if err := m.alone(ctx, fmt.Sprintf("round %d with %d events", round, g.events)); err != nil {
				return nil, err
			}
			if err := g.measure(ctx, m, all[0]); err != nil {
				return nil, fmt.Errorf("with %d events: %w", g.events, err)
			}
			slog.InfoContext(ctx, "measured", "events", g.events, "commands a second", g.commands[round-1], "click to event", percentile(g.clicked[0].event, 50))
		}
	}
	for _, g := range all {
		if err := requireSound(ctx, g.in.pool); err != nil {
			return nil, fmt.Errorf("with %d events: %w", g.events, err)
		}
	}
	short := all[0]
	for _, g := range all[1:] {
		rows = append(rows, g.beside(short)...)
	}
	m.note("the shortest books had %d events at the beginning; each row is beside the same in these, so that 1 is no difference; commands are better when there are more of them", short.events)
	m.note("books are written by set-based SQL through the database's own constraints and triggers, with a last day by commands and jobs; all were verified before and after")
	return rows, nil
}

// lengths are how many events the books have.
func (s benchSize) lengths() []int {
	all := []int{s.Shortest}
	for n := s.Shortest * 100; n < s.Longest; n *= 10 {
		all = append(all, n)
	}
	return append(all, s.Longest)
}

// grow makes a company with so many events, about, and lets people in.
func (m *measuring) grow(ctx context.Context, events int) (g *grown, err error) {
	g = &grown{clicked: make([]clicked, len(growthLoads))}
	db, err := m.server.create(ctx)
	if err != nil {
		return g, err
	}
	if err := m.fillGrown(ctx, db, events); err != nil {
		return g, err
	}
	if g.in, err = m.install(ctx, db, m.Clients, time.Until(pagesNow)); err != nil {
		return g, err
	}
	if g.events, err = countEvents(ctx, g.in.pool); err != nil {
		return g, err
	}
	if g.clicks, err = m.openClicker(ctx, g.in, m.Clicks*m.Rounds*len(growthLoads)); err != nil {
		return g, err
	}
	// The pages are those of this process; its jobs are the installation's.
	if g.company, err = foundCompany(ctx, db, pagesNow); err != nil {
		return g, err
	}
	g.tour, err = m.openTour(ctx, g.company)
	return g, err
}

func (m *measuring) fillGrown(ctx context.Context, db benchDatabase, events int) (err error) {
	company, err := openCompany(ctx, db, pagesFirst)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if err := fillPast(ctx, company, m.ofEvents(events)); err != nil {
		return err
	}
	if err := company.register(ctx, m.Clients); err != nil {
		return err
	}
	if err := company.seedTasks(ctx); err != nil {
		return err
	}
	if _, err := company.pool.Exec(ctx, "vacuum analyze"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}

// measure is one round.
func (g *grown) measure(ctx context.Context, m *measuring, short *grown) error {
	p, err := g.in.process(ctx, m.Commands)
	if err != nil {
		return err
	}
	g.commands = append(g.commands, p.perSecond)
	for i, share := range growthLoads {
		found, _, err := g.clicks.click(ctx, m.Clicks, share*percentile(short.commands, 50))
		if err != nil {
			return err
		}
		g.clicked[i].event, g.clicked[i].fragment = append(g.clicked[i].event, found.event...), append(g.clicked[i].fragment, found.fragment...)
		if err := g.in.settled(ctx); err != nil {
			return err
		}
	}
	for range max(1, m.Requests/m.Rounds) {
		if err := g.tour.goRound(ctx); err != nil {
			return err
		}
	}
	return nil
}

// beside are all figures beside those of the shortest books.
func (g *grown) beside(short *grown) []row {
	with := fmt.Sprintf(" with %d events", g.events)
	beside := fmt.Sprintf("with %d", short.events)
	rows := []row{newRow("commands with all their effects"+with, "1/s", g.commands).against(beside, g.commands, short.commands)}
	for i, share := range growthLoads {
		rows = append(rows,
			newRow(fmt.Sprintf("click to event at %.0f%%%s", share*100, with), "ms", g.clicked[i].event).over(beside, short.clicked[i].event),
			newRow(fmt.Sprintf("click to fragment at %.0f%%%s", share*100, with), "ms", g.clicked[i].fragment).over(beside, short.clicked[i].fragment))
	}
	for i, p := range g.tour.pages {
		for j, q := range short.tour.pages {
			if p.String() == q.String() {
				rows = append(rows, newRow(p.String()+with, "ms", g.tour.times[i]).over(beside, short.tour.times[j]))
			}
		}
	}
	return rows
}

func (g *grown) close(ctx context.Context) (err error) {
	if g.tour != nil {
		err = errors.Join(err, g.tour.close())
	}
	if g.company != nil {
		err = errors.Join(err, g.company.close())
	}
	if g.clicks != nil {
		err = errors.Join(err, g.clicks.close(ctx))
	}
	if g.in != nil {
		err = errors.Join(err, g.in.close())
	}
	return err
}
