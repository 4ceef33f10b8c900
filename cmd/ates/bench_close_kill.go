package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// killsOfClose is how often processes are killed in one close at most.
const killsOfClose = 4

// measureCloseKill closes a day in processes of their own that are killed at random points and started again, over and over on fresh
// copies of the same day, and proves after each close that everybody was paid what they had, once.
func measureCloseKill(ctx context.Context, m *measuring) ([]row, error) {
	// The processes have the machine's clock, so the day is one that is over.
	day := benchBooks().Day(time.Now()).AddDate(0, 0, -m.DaysOff)
	template, err := m.server.create(ctx)
	if err != nil {
		return nil, err
	}
	if err := fillDay(ctx, template, m.benchSize, day); err != nil {
		return nil, err
	}
	if err := forgetSweeps(ctx, template); err != nil {
		return nil, err
	}
	var recovered []float64
	for left := m.Kills; left > 0; {
		err := m.onCopy(ctx, template, func(db benchDatabase) error {
			// The first close is the short form: its first kill comes after the sweep, since otherwise the next sweep is a tick of
			// the clock, a minute or more later, and the others come quickly, before stuck jobs are taken up again.
			killed, took, err := m.closeUnderFire(ctx, db, day, min(left, killsOfClose), len(recovered) == 0)
			left -= killed
			recovered = append(recovered, took.Seconds())
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	m.note("%d kills over %d closes of %d days, %d at once: after each close every wallet had been closed once for each day, paid what it had once, and told once; the books were verified",
		m.Kills, len(recovered), m.DaysOff, m.Processes)
	m.note("jobs that were running when their process was killed are taken up again when they have been stuck for 12 seconds")
	return []row{newRow("last kill to settled", "s", recovered)}, nil
}

// forgetSweeps lets the first process that starts on a copy sweep at once: the clock asks for one sweep a minute, and the one that
// opened the day may just have been.
func forgetSweeps(ctx context.Context, db benchDatabase) error {
	pool, err := connect(ctx, db.address)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "delete from river.river_job where kind = 'close_day'"); err != nil {
		return fmt.Errorf("forget sweeps: %w", err)
	}
	return nil
}

// closeUnderFire lets processes close all days, kills some of them at random points until then, and returns how many, and how long
// after the last kill the close was over.
func (m *measuring) closeUnderFire(ctx context.Context, db benchDatabase, day time.Time, kills int, short bool) (killed int, took time.Duration, err error) {
	pool, err := connect(ctx, db.address)
	if err != nil {
		return killed, 0, err
	}
	defer pool.Close()
	target, err := expectClose(ctx, pool, day, m.DaysOff)
	if err != nil {
		return killed, 0, err
	}
	crew := make([]*benchProgram, m.Processes)
	defer func() {
		for _, v := range crew {
			v.kill()
		}
		if err != nil {
			err = fmt.Errorf("%w; the processes said: %s", err, crew)
		}
	}()
	for i := range crew {
		if crew[i], err = startProgram(db, nil, "--web=false"); err != nil {
			return killed, 0, err
		}
	}
	const patience = 5 * time.Minute
	for reached := (closeProgress{}); killed < kills && reached != target.closeProgress; killed++ {
		wait := target.awaitProgress
		if short && killed > 0 || !short && rand.IntN(3) == 0 {
			wait = awaitMoment
		}
		if err := wait(ctx, pool); err != nil {
			return killed, 0, err
		}
		i := rand.IntN(len(crew))
		crew[i].kill()
		if reached, err = countProgress(ctx, pool, day); err != nil {
			return killed, 0, err
		}
		slog.InfoContext(ctx, "killed", "kill", killed+1, "of", kills, "closings", reached.closings, "payouts", reached.payouts, "messages", reached.messages, "of all", target.sum())
		if crew[i], err = startProgram(db, nil, "--web=false"); err != nil {
			return killed, 0, err
		}
	}
	begun := time.Now()
	err = until(ctx, patience, "the close is settled", func() (bool, error) {
		reached, err := countProgress(ctx, pool, day)
		if err != nil || reached != target.closeProgress {
			return false, err
		}
		// A chore that was killed stays as it is until its time is over.
		reactions, _, err := jobsLeft(ctx, pool)
		return reactions == 0, err
	})
	if err != nil {
		return killed, 0, err
	}
	took = time.Since(begun)
	slog.InfoContext(ctx, "settled", "after the last kill", took.Round(time.Millisecond))
	return killed, took, target.prove(ctx, pool)
}

// awaitMoment waits for a random moment of the first second of a process, in which it starts, takes up work or waits.
func awaitMoment(ctx context.Context, _ *pgxpool.Pool) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(time.Second)):
		return nil
	}
}
