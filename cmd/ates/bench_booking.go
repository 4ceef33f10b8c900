package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ates/domain"
)

// backlogs are the ways in which a backlog of events comes about. Each makes the jobs that wait, from the events of the log.
var backlogs = []struct{ what, jobs string }{
	{"of single commands, a job each", `insert into river.river_job (kind, queue, args, max_attempts)
		select 'withdraw_money', 'money', jsonb_build_object('batch', batch, 'first', position, 'last', position, 'names', array['Task.Assigned']), 25
		from log.events where name = 'Task.Assigned' order by position`},
	{"of draws, a job for 500", `insert into river.river_job (kind, queue, args, max_attempts)
		select 'withdraw_money', 'money', jsonb_build_object('batch', batch, 'first', min(position), 'last', max(position), 'names', array['Task.Assigned']), 25
		from (select batch, position, (row_number() over (partition by batch order by position) - 1) / 500 as part from log.events where name = 'Task.Assigned') e
		group by batch, part order by min(position)`},
}

// measureBooking lets jobs apply a backlog of assignments to the ledger, and in turn has the same transfers and balances written by
// set-based SQL.
func measureBooking(ctx context.Context, m *measuring) ([]row, error) {
	template, err := m.server.create(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.fillBacklog(ctx, template); err != nil {
		return nil, err
	}
	figures := make([][]float64, len(backlogs))
	var ceilings []float64
	for round := 1; round <= m.Rounds; round++ {
		if err := m.alone(ctx, fmt.Sprintf("round %d", round)); err != nil {
			return nil, err
		}
		for i, b := range backlogs {
			err := m.onCopy(ctx, template, func(db benchDatabase) error {
				perSecond, waits, err := m.bookByJobs(ctx, db, b.jobs)
				figures[i] = append(figures[i], perSecond)
				if round == 1 {
					m.note("connections to Postgres in the first round, events %s: %s", b.what, waits)
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("events %s: %w", b.what, err)
			}
		}
		err := m.onCopy(ctx, template, func(db benchDatabase) error {
			perSecond, err := m.bookBySQL(ctx, db)
			ceilings = append(ceilings, perSecond)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the ceiling: %w", err)
		}
		slog.InfoContext(ctx, "booked", "round", round, "single", figures[0][round-1], "draws", figures[1][round-1], "ceiling", ceilings[round-1])
	}
	m.note("%d events, each a fee of one of %d workers; the jobs also tell Account.BalanceChanged and put the jobs that follow into the queue, which nobody works on here", m.Backlog, m.Crew)
	m.note("ceiling: the transfers and balances alone, in sets of %d, a durable transaction each, on %d connections that share no worker, the best of %v", bookedAtOnce, m.bookers, bookers)
	rows := make([]row, len(backlogs))
	for i, b := range backlogs {
		rows[i] = newRow("postings of events "+b.what, "1/s", figures[i]).against("set-based SQL", figures[i], ceilings)
	}
	return rows, nil
}

// fillBacklog makes a company whose tasks are all priced and shown and charged to nobody.
func (m *measuring) fillBacklog(ctx context.Context, db benchDatabase) (err error) {
	company, err := openCompany(ctx, db, benchDay.Add(12*time.Hour))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	const patience = 20 * time.Minute
	if err := company.hire(ctx, m.Crew); err != nil {
		return err
	}
	if err := company.rest(); err != nil {
		return err
	}
	if err := company.inParts(ctx, m.Backlog, func(n int) domain.Command { return giveTasks(n) }); err != nil {
		return fmt.Errorf("give tasks: %w", err)
	}
	if _, err := company.pool.Exec(ctx, "delete from river.river_job where kind = 'withdraw_money'"); err != nil {
		return fmt.Errorf("take the jobs away: %w", err)
	}
	company.work(ctx)
	if err := company.idle(ctx, patience); err != nil {
		return err
	}
	if err := company.rest(); err != nil {
		return err
	}
	// Whoever is not charged has no wallet yet, which comes with the first fee of each.
	_, err = company.pool.Exec(ctx, `insert into accounting.accounts (id, kind, opened_at) select id, 'wallet', $1::timestamptz from tracker.people where role = 'worker' on conflict do nothing`, benchDay)
	if err != nil {
		return fmt.Errorf("open wallets: %w", err)
	}
	_, err = company.pool.Exec(ctx, "vacuum analyze")
	return err
}

// bookByJobs has the backlog booked by jobs, and returns how many postings a second it were and what connections were at.
func (m *measuring) bookByJobs(ctx context.Context, db benchDatabase, jobs string) (perSecond float64, waits string, err error) {
	company, err := foundCompany(ctx, db, benchDay.Add(13*time.Hour))
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	for _, sql := range []string{"delete from river.river_job", jobs, "vacuum analyze river.river_job"} {
		if _, err := company.pool.Exec(ctx, sql); err != nil {
			return 0, "", fmt.Errorf("put the jobs into the queue: %w", err)
		}
	}
	watched := watchWaits(ctx, company.pool)
	begun := time.Now()
	company.work(ctx, "money")
	err = until(ctx, 30*time.Minute, "everything is booked", func() (done bool, err error) {
		err = company.pool.QueryRow(ctx, `select not exists (select from river.river_job where queue = 'money' and state = 'available')
			and not exists (select from river.river_job where queue = 'money' and state <> 'completed')`).Scan(&done)
		return done, err
	})
	perSecond = float64(m.Backlog) / time.Since(begun).Seconds()
	waits = watched()
	if err != nil {
		return 0, "", err
	}
	if err := company.rest(); err != nil {
		return 0, "", err
	}
	return perSecond, waits, requireBooked(ctx, company.pool, m.Backlog)
}
