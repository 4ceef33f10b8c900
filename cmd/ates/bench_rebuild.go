package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// measureRebuild makes all read models anew from a long log, in a process of its own, beside how long commands and jobs take to produce as
// many events, which is measured on a part of them.
func measureRebuild(ctx context.Context, m *measuring) (rows []row, err error) {
	db, err := m.server.create(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := connect(ctx, db.address)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := m.alone(ctx, "the events of commands"); err != nil {
		return nil, err
	}
	produced, err := m.produce(ctx, db)
	if err != nil {
		return nil, err
	}
	events, err := countEvents(ctx, pool)
	if err != nil {
		return nil, err
	}
	before, err := digestReadModels(ctx, pool)
	if err != nil {
		return nil, err
	}
	var perSecond, first, most []float64
	for round := 1; round <= m.Rounds; round++ {
		if err := m.alone(ctx, fmt.Sprintf("round %d", round)); err != nil {
			return nil, err
		}
		made, err := rebuildAll(ctx, db)
		if err != nil {
			return nil, err
		}
		after, err := digestReadModels(ctx, pool)
		if err != nil {
			return nil, err
		}
		if after != before {
			return nil, fmt.Errorf("the read models are not what they were: %s, and before %s", after, before)
		}
		perSecond = append(perSecond, float64(events)/made.took.Seconds())
		first, most = append(first, float64(made.first)/1e6), append(most, float64(made.most)/1e6)
		slog.InfoContext(ctx, "rebuilt", "round", round, "events", events, "took", made.took.Round(time.Millisecond))
	}
	if err := requireSound(ctx, pool); err != nil {
		return nil, err
	}
	m.note("%d events; what commands produced were %d of them, by %d commands, until everything was booked and shown; after each rebuild the rows were the same as before, and the books were verified at the end", events, produced.events, 2*m.Commands)
	m.note("memory is that of the rebuilding process, at its highest, and in the first tenth of the time")
	return []row{
		newRow("events rebuilt", "1/s", perSecond).over("events produced by commands", []float64{produced.perSecond}),
		newRow("memory of the process", "MB", most).against("in the first tenth", most, first),
	}, nil
}

// production is how many events commands produced, and how many a second.
type production struct {
	events    int
	perSecond float64
}

// produce fills a database with a past, and has commands create tasks and resolve them.
func (m *measuring) produce(ctx context.Context, db benchDatabase) (p production, err error) {
	company, err := openCompany(ctx, db, pagesFirst)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if err := fillPast(ctx, company, m.ofEvents(m.Events)); err != nil {
		return p, err
	}
	before, err := countEvents(ctx, company.pool)
	if err != nil {
		return p, err
	}
	numbers := make([]int, m.Commands)
	for i := range numbers {
		numbers[i] = i
	}
	by := domain.Actor{ID: auth.System.ID, Role: domain.Manager}
	defer quietly(ctx)()
	begun := time.Now()
	err = inParallel(ctx, numbers, func(n int) error {
		create := &tracker.CreateTask{Request: domain.Request{By: by, Key: uuid.NewString()}, Description: description(n)}
		if err := company.bus.Do(ctx, create); err != nil {
			return err
		}
		return company.bus.Do(ctx, &tracker.ChangeTaskStatus{Request: domain.Request{By: by, Key: uuid.NewString()}, TaskID: create.TaskID, Status: tracker.Resolved})
	})
	if err != nil {
		return p, fmt.Errorf("produce events: %w", err)
	}
	if err := company.idle(ctx, 20*time.Minute); err != nil {
		return p, err
	}
	took := time.Since(begun)
	after, err := countEvents(ctx, company.pool)
	p.events, p.perSecond = after-before, float64(after-before)/took.Seconds()
	return p, err
}

func countEvents(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	if err := pool.QueryRow(ctx, "select count(*) from log.events").Scan(&n); err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}

// digestReadModels is the same for the same rows of the read models.
func digestReadModels(ctx context.Context, pool *pgxpool.Pool) (digest string, err error) {
	sum := "''"
	for _, table := range []string{
		"tracker.board", "tracker.board_words", "tracker.history", "tracker.draws", "tracker.draw_shares", "accounting.daily_balances", "accounting.daily_figures",
	} {
		sum += fmt.Sprintf(" || (select '%s ' || count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) || '; ' from %s t)", table, table)
	}
	if err := pool.QueryRow(ctx, "select "+sum).Scan(&digest); err != nil {
		return "", fmt.Errorf("compare read models: %w", err)
	}
	return digest, nil
}

// rebuilt is how long a rebuild took, and how many bytes of memory its process had, at the highest and in the first tenth of that time.
type rebuilt struct {
	took        time.Duration
	first, most int64
}

// rebuildAll runs "ates rebuild" and looks at its memory all the time.
func rebuildAll(ctx context.Context, db benchDatabase) (r rebuilt, err error) {
	program, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find the program: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, "rebuild") //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), "DATABASE_URL="+db.address, "DATABASE_DIRECT_URL=", "DATABASE_REPLICA_URL=")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return r, fmt.Errorf("start a rebuild: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	const pause = 20 * time.Millisecond
	var sizes []int64
	for {
		select {
		case err := <-ended:
			r.took = time.Since(begun)
			if err != nil {
				return r, fmt.Errorf("rebuild: %w: %s", err, said.String())
			}
			for i, size := range sizes {
				r.most = max(r.most, size)
				if i <= len(sizes)/10 {
					r.first = max(r.first, size)
				}
			}
			if r.first == 0 {
				return r, errors.New("the memory of a process cannot be looked at here")
			}
			return r, nil
		case <-time.After(pause):
			sizes = append(sizes, statusOf(cmd.Process.Pid, "VmRSS"))
		}
	}
}
