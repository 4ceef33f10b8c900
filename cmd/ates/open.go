package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/pgpool"
	"ates/sql/pgserver"
)

// connections is how many connections one process uses at most, unless DATABASE_URL says pool_max_conns. Beside these it holds
// two for listening.
const connections = 32

// open connects to the database, starting the private one when no other is named. The returned function closes it all.
func (d database) open(ctx context.Context) (pool *pgxpool.Pool, closeAll func(), err error) {
	closeAll = func() {}
	address := d.URL
	if address == "" {
		server, err := d.startPrivate(ctx)
		if err != nil {
			return nil, nil, err
		}
		address = server.URL()
		closeAll = func() {
			stopping, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := server.Stop(stopping); err != nil {
				slog.Error("the private Postgres did not stop as it should", "error", err)
			}
		}
	}
	if pool, err = connect(ctx, address); err != nil {
		closeAll()
		return nil, nil, err
	}
	stopServer := closeAll
	return pool, func() { pool.Close(); stopServer() }, nil
}

// private reports whether the program runs its own Postgres.
func (d database) private() bool { return d.URL == "" }

func (d database) startPrivate(ctx context.Context) (*pgserver.Server, error) {
	dir := d.Data
	if dir == "" {
		var err error
		if dir, err = pgserver.DefaultDir(); err != nil {
			return nil, fmt.Errorf("choose a data folder (ATES_DATA names one): %w", err)
		}
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Dir: dir, Log: slog.Default()})
	if err != nil {
		return nil, fmt.Errorf("start the private Postgres (DATABASE_URL would name another): %w", err)
	}
	return server, nil
}

func connect(ctx context.Context, address string) (*pgxpool.Pool, error) {
	cfg, err := pgpool.Config(address)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL cannot be read; use postgres://user:password@host:5432/database: %w", err)
	}
	if !strings.Contains(address, "pool_max_conns") {
		cfg.MaxConns = connections
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "ates"
	// A process that is stopped in the middle of a transaction, as on a machine that sleeps, must not hold its locks for ever.
	cfg.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	var version int
	if err := pool.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach Postgres at the address in DATABASE_URL: %w", err)
	}
	if version < 15_00_00 {
		pool.Close()
		return nil, fmt.Errorf("DATABASE_URL leads to Postgres %d; use 15 or newer", version/10000)
	}
	return pool, nil
}
