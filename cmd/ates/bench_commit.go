package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// bareCommit is a connection that writes one small row in each transaction: the least that anything durable takes on a server.
type bareCommit struct{ conn *pgx.Conn }

// openBareCommit makes a database for it. It must be closed.
func (m *measuring) openBareCommit(ctx context.Context) (*bareCommit, error) {
	db, err := m.server.make(ctx, "template0")
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, db.address)
	if err != nil {
		return nil, fmt.Errorf("connect for bare commits: %w", err)
	}
	if _, err := conn.Exec(ctx, "create table bare (n int not null)"); err != nil {
		return nil, fmt.Errorf("make a table for bare commits: %w", err)
	}
	return &bareCommit{conn}, nil
}

// once returns how many milliseconds a commit takes.
func (b *bareCommit) once(ctx context.Context) (float64, error) {
	begun := time.Now()
	if _, err := b.conn.Exec(ctx, "insert into bare (n) values ($1)", 1); err != nil {
		return 0, fmt.Errorf("commit a row: %w", err)
	}
	return milliseconds(time.Since(begun)), nil
}

// often is once for n times, one after the other.
func (b *bareCommit) often(ctx context.Context, n int) (took []float64, err error) {
	for range n {
		ms, err := b.once(ctx)
		if err != nil {
			return nil, err
		}
		took = append(took, ms)
	}
	return took, nil
}

func (b *bareCommit) close(ctx context.Context) error { return b.conn.Close(ctx) }
