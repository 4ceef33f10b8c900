package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain/tracker"

	"ates/sql/pgpool"
)

// concurrencies are the numbers of connections that a ceiling is tried with.
var concurrencies = []int{4, 16, 64}

// commandRows writes the rows of CreateTask without the program: its task, its events and the jobs that these cause.
type commandRows struct {
	pool        *pgxpool.Pool
	workers     []uuid.UUID
	connections int
}

// openCommandRows makes a copy of a database, to which nobody may be connected. It must be closed.
func (m *measuring) openCommandRows(ctx context.Context, of benchDatabase) (*commandRows, error) {
	db, err := m.server.copyOf(ctx, of)
	if err != nil {
		return nil, err
	}
	cfg, err := pgpool.Config(db.address)
	if err != nil {
		return nil, fmt.Errorf("read the address of a benchmark's database: %w", err)
	}
	cfg.MaxConns = int32(concurrencies[len(concurrencies)-1])
	w := &commandRows{}
	if w.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	rows, err := w.pool.Query(ctx, "select id from tracker.people where role = 'worker' and active")
	if err != nil {
		return nil, fmt.Errorf("find workers: %w", err)
	}
	if w.workers, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return nil, fmt.Errorf("find workers: %w", err)
	}
	return w, nil
}

func (w *commandRows) close() { w.pool.Close() }

// tryConcurrency finds the number of connections with which most is written.
func (w *commandRows) tryConcurrency(ctx context.Context, n int) error {
	best := 0.0
	chosen := 0
	for _, w.connections = range concurrencies {
		perSecond, err := w.write(ctx, n)
		if err != nil {
			return err
		}
		if perSecond > best {
			best, chosen = perSecond, w.connections
		}
	}
	w.connections = chosen
	return nil
}

// write writes the rows of n commands and returns how many a second it were.
func (w *commandRows) write(ctx context.Context, n int) (perSecond float64, err error) {
	commands := make(chan *pgx.Batch, n)
	for range n {
		batch, err := w.command()
		if err != nil {
			return 0, err
		}
		commands <- batch
	}
	close(commands)
	failed := make(chan error, w.connections)
	var group sync.WaitGroup
	begun := time.Now()
	for range w.connections {
		group.Go(func() {
			failed <- w.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
				for batch := range commands {
					if err := conn.SendBatch(ctx, batch).Close(); err != nil {
						return fmt.Errorf("write the rows of a command: %w", err)
					}
				}
				return nil
			})
		})
	}
	group.Wait()
	perSecond = float64(n) / time.Since(begun).Seconds()
	for range w.connections {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	return perSecond, nil
}

// The jobs have their kinds, queues and arguments as the program's have; nobody works on them.
const (
	rowOfTask    = `insert into tracker.tasks (id, description, assignee, version, created_by, created_at) values ($1, $2, $3, 2, $4, $5)`
	rowsOfEvents = `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, actor, correlation_id, causation_id, data)
		values ($1, $2, 'Task.Created', 2, $3, 'tracker', $4, 1, $5, $2, $2, $6), ($7, $2, 'Task.Assigned', 1, $3, 'tracker', $4, 2, $5, $2, $2, $8)`
	rowsOfJobs = `insert into river.river_job (kind, queue, args, max_attempts) values ('price_tasks', 'money', $1, 25), ('withdraw_money', 'money', $2, 25),
		('refresh_tasks', 'read_models', $3, 25), ('notify_given', 'notifications', $1, 25)`
)

// command is one command as the statements of a transaction, which go to the server together and end in its commit.
func (w *commandRows) command() (*pgx.Batch, error) {
	ids := make([]uuid.UUID, 4)
	for i := range ids {
		var err error
		if ids[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("draw an id: %w", err)
		}
	}
	task, created, assigned, run := ids[0], ids[1], ids[2], ids[3]
	by, to, now := w.workers[rand.IntN(len(w.workers))], w.workers[rand.IntN(len(w.workers))], time.Now().UTC()
	title := description(rand.IntN(1000))
	var texts [5][]byte
	for i, value := range []any{
		tracker.TaskCreated{TaskID: task, Number: 1, Title: title, CreatedBy: by, CreatedAt: now},
		tracker.TaskAssigned{TaskID: task, Assignee: to, Assignment: 1},
		map[string]any{"batch": run, "first": 1, "last": 1, "names": []string{"Task.Created"}},
		map[string]any{"batch": run, "first": 2, "last": 2, "names": []string{"Task.Assigned"}},
		map[string]any{"batch": run, "first": 1, "last": 2, "names": []string{"Task.Created", "Task.Assigned"}},
	} {
		var err error
		if texts[i], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("encode the rows of a command: %w", err)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(rowOfTask, task, title, to, by, now)
	batch.Queue(rowsOfEvents, created, run, now, task, by, texts[0], assigned, texts[1])
	batch.Queue(rowsOfJobs, texts[2], texts[3], texts[4])
	return batch, nil
}
