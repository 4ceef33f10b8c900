package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// drawSeries are the figures of draws of one size: tasks a second of the program and of its ceiling, and the milliseconds of others'
// commands without a draw and during one.
type drawSeries struct {
	open                           int
	program, ceiling, calm, during []float64
	took                           []float64
}

// measureAssign draws many open tasks at once, in the program until every balance and page is current, and as set-based SQL that writes
// the same rows in one transaction. Every draw has a fresh copy of the company.
func measureAssign(ctx context.Context, m *measuring) (rows []row, err error) {
	series := make([]drawSeries, len(m.Open))
	templates := make([]benchDatabase, len(m.Open))
	for i, open := range m.Open {
		series[i].open = open
		if templates[i], err = m.server.create(ctx); err != nil {
			return nil, err
		}
		if err := m.fillOpen(ctx, templates[i], open); err != nil {
			return nil, err
		}
	}
	for round := 1; round <= m.Rounds; round++ {
		for i := range series {
			s := &series[i]
			if err := m.alone(ctx, fmt.Sprintf("round %d with %d open tasks", round, s.open)); err != nil {
				return nil, err
			}
			for _, part := range []func(context.Context, benchDatabase) error{s.drawByProgram, s.drawBySQL, s.drawAmongOthers} {
				if err := m.onCopy(ctx, templates[i], func(db benchDatabase) error { return part(ctx, db) }); err != nil {
					return nil, fmt.Errorf("draw %d tasks: %w", s.open, err)
				}
			}
			slog.InfoContext(ctx, "drawn", "open", s.open, "took", s.took[round-1], "tasks a second", s.program[round-1], "ceiling", s.ceiling[round-1],
				"others", percentile(s.calm, 99), "others meanwhile", percentile(s.during, 99))
		}
	}
	for _, s := range series {
		rows = append(rows, newRow(fmt.Sprintf("tasks drawn of %d, to the end", s.open), "1/s", s.program).against("set-based SQL", s.program, s.ceiling))
	}
	for _, s := range series {
		rows = append(rows, newRow(fmt.Sprintf("others' commands during a draw of %d", s.open), "ms", s.during).over("without one", s.calm).p99Over(s.calm))
	}
	if len(series) > 1 {
		rows = append(rows, newRow("exponent of the time over the tasks", "", []float64{exponent(series)}))
	}
	m.note("%d workers; a draw is over when every fee is booked, every read model is current and every message is noted, so that no job is left; the books were verified after each", m.Crew)
	m.note("ceiling: the same events, jobs, tasks, transfers, balances, rows of read models and messages, worked out and written by one transaction on one connection")
	m.note("others create a task every %s; without a draw for as long as with one", othersEvery)
	return rows, nil
}

// p99Over has the P99 compared with that of the ceiling, not with its median.
func (r row) p99Over(ceilings []float64) row {
	r.P99Ratio = r.P99 / percentile(ceilings, 99)
	return r
}

// exponent is the slope of the straight line through the logarithms of sizes and times that is closest to them (least squares).
func exponent(series []drawSeries) float64 {
	var sumX, sumY, sumXX, sumXY float64
	n := float64(len(series))
	for _, s := range series {
		x, y := math.Log(float64(s.open)), math.Log(percentile(s.took, 50))
		sumX, sumY, sumXX, sumXY = sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}

// fillOpen makes a company in an empty database with so many open tasks, which are all priced, charged and shown.
func (m *measuring) fillOpen(ctx context.Context, db benchDatabase, open int) (err error) {
	company, err := openCompany(ctx, db, benchDay.Add(12*time.Hour))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if err := company.hire(ctx, m.Crew); err != nil {
		return err
	}
	if err := company.inParts(ctx, open, func(n int) domain.Command { return giveTasks(n) }); err != nil {
		return fmt.Errorf("give tasks: %w", err)
	}
	if err := company.idle(ctx, 20*time.Minute); err != nil {
		return err
	}
	if _, err := company.pool.Exec(ctx, "vacuum analyze"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}

// newDraw is asked for by the program itself, in the place of a manager.
func newDraw() *tracker.AssignTasks {
	return &tracker.AssignTasks{Request: domain.Request{By: domain.Actor{ID: auth.System.ID, Role: domain.Manager}}}
}

// drawByProgram draws alone.
func (s *drawSeries) drawByProgram(ctx context.Context, db benchDatabase) (err error) {
	company, err := openCompany(ctx, db, benchDay.Add(13*time.Hour))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if err := company.idle(ctx, time.Minute); err != nil {
		return err
	}
	draw := newDraw()
	begun := time.Now()
	if err := company.bus.Do(ctx, draw); err != nil {
		return err
	}
	if err := company.idle(ctx, 20*time.Minute); err != nil {
		return err
	}
	took := time.Since(begun)
	s.took, s.program = append(s.took, took.Seconds()), append(s.program, float64(draw.Reassigned)/took.Seconds())
	return requireSound(ctx, company.pool)
}

// othersEvery is how often others send a command.
const othersEvery = 25 * time.Millisecond

// drawAmongOthers draws while others create tasks, and before that has them create tasks for as long as it took.
func (s *drawSeries) drawAmongOthers(ctx context.Context, db benchDatabase) (err error) {
	company, err := openCompany(ctx, db, benchDay.Add(13*time.Hour))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if err := company.idle(ctx, time.Minute); err != nil {
		return err
	}
	const least = time.Second
	calm, err := company.createMeanwhile(ctx, func() error {
		pauseFor(ctx, max(least, time.Duration(percentile(s.took, 50)*float64(time.Second))))
		return nil
	})
	if err != nil {
		return err
	}
	if err := company.idle(ctx, time.Minute); err != nil {
		return err
	}
	during, err := company.createMeanwhile(ctx, func() error {
		draw := newDraw()
		if err := company.bus.Do(ctx, draw); err != nil {
			return err
		}
		return until(ctx, 20*time.Minute, "the draw is booked and shown", func() (done bool, err error) {
			err = company.pool.QueryRow(ctx, `select exists (select from tracker.draws d where d.draw = $1 and d.moved = d.reassigned
				and d.moved = (select count(*) from accounting.transfers x where x.correlation = d.command))`, draw.DrawID).Scan(&done)
			return done, err
		})
	})
	if err != nil {
		return err
	}
	s.calm, s.during = append(s.calm, calm...), append(s.during, during...)
	if err := company.idle(ctx, 20*time.Minute); err != nil {
		return err
	}
	return requireSound(ctx, company.pool)
}

// createMeanwhile creates tasks now and then until something is done, and returns how many milliseconds each took.
func (c *benchCompany) createMeanwhile(ctx context.Context, do func() error) (took []float64, err error) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	for n := 0; ; n++ {
		begun := time.Now()
		create := &tracker.CreateTask{Request: domain.Request{By: domain.Actor{ID: auth.System.ID, Role: domain.Manager}, Key: uuid.NewString()}, Description: description(n)}
		if err := c.bus.Do(ctx, create); err != nil {
			return took, errors.Join(err, <-done)
		}
		took = append(took, milliseconds(time.Since(begun)))
		select {
		case err := <-done:
			return took, err
		case <-time.After(othersEvery):
		}
	}
}
