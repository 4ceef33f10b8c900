package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/pgpool"
	"ates/sql/pgserver"
)

// connections is how many connections one process uses at most, unless DATABASE_URL says pool_max_conns. Beside these it holds
// two for listening.
const connections = 32

// postgres is the database as a process reaches it.
type postgres struct {
	// pool is for whatever needs a connection for no longer than a transaction; a pooler may be between.
	pool *pgxpool.Pool
	// direct reaches Postgres itself, for what belongs to a connection: LISTEN, and locks that are held for longer than a transaction.
	// It is the pool where no pooler is between.
	direct *pgxpool.Pool
	// standby is a copy of the database that follows it, nil where there is none. It may be down.
	standby *pgxpool.Pool
	server  *pgserver.Server // the private one, if it is
}

// open connects to the database, starting the private one when no other is named. It must be closed.
func (d database) open(ctx context.Context) (db *postgres, err error) {
	db = &postgres{}
	defer func() {
		if err != nil {
			db.close()
		}
	}()
	switch {
	case d.private() && d.Direct != "":
		return db, errors.New("DATABASE_DIRECT_URL is set, but DATABASE_URL names no database; set both or none")
	case d.private() && d.Replica != "":
		return db, errors.New("DATABASE_REPLICA_URL is set, but DATABASE_URL names no database; set both or none")
	case d.private():
		if db.server, err = d.startPrivate(ctx); err != nil {
			return db, err
		}
		db.pool, err = connect(ctx, db.server.URL())
		db.direct = db.pool
		return db, err
	case d.Direct == "":
		db.pool, err = connect(ctx, d.URL)
		db.direct = db.pool
	default:
		if db.direct, err = (way{variable: "DATABASE_DIRECT_URL", address: d.Direct}).connect(ctx); err != nil {
			return db, err
		}
		db.pool, err = way{variable: "DATABASE_URL", address: d.URL, pooled: true}.connect(ctx)
	}
	if err == nil && d.Replica != "" {
		db.standby, err = d.openStandby(ctx)
	}
	if err != nil {
		return db, err
	}
	return db, db.hears(ctx, heardWithin)
}

// close ends all connections, and the private Postgres.
func (db *postgres) close() {
	if db.pool != nil {
		db.pool.Close()
	}
	if db.direct != nil {
		db.direct.Close()
	}
	if db.standby != nil {
		db.standby.Close()
	}
	if db.server != nil {
		stopping, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := db.server.Stop(stopping); err != nil {
			slog.Error("the private Postgres did not stop as it should", "error", err)
		}
	}
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

// way is an address of the database and the variable that names it.
type way struct {
	variable, address string
	// pooled says that a pooler is between, which lends a connection for a transaction: what is set or prepared on a connection
	// stays with a stranger.
	pooled bool
}

// connect connects to Postgres itself.
func connect(ctx context.Context, address string) (*pgxpool.Pool, error) {
	return way{variable: "DATABASE_URL", address: address}.connect(ctx)
}

func (w way) config() (*pgxpool.Config, error) {
	cfg, err := pgpool.Config(w.address)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read; use postgres://user:password@host:5432/database: %w", w.variable, err)
	}
	if !strings.Contains(w.address, "pool_max_conns") {
		cfg.MaxConns = connections
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "ates"
	if w.pooled {
		if !strings.Contains(w.address, "default_query_exec_mode") {
			// What a statement takes and answers is remembered here, and nothing of it on a connection.
			cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		}
	} else {
		// A process that is stopped in the middle of a transaction, as on a machine that sleeps, must not hold its locks for ever.
		// A pooler has a setting of its own for that and refuses this one.
		cfg.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	}
	return cfg, nil
}

// openStandby makes the pool of the standby without connecting: it may be down.
func (d database) openStandby(ctx context.Context) (*pgxpool.Pool, error) {
	cfg, err := way{variable: "DATABASE_REPLICA_URL", address: d.Replica}.config()
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

func (w way) connect(ctx context.Context) (*pgxpool.Pool, error) {
	cfg, err := w.config()
	if err != nil {
		return nil, err
	}
	pool, err := pgpool.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	var version int
	if err := pool.QueryRow(ctx, "select current_setting('server_version_num')::int", pgx.QueryExecModeExec).Scan(&version); err != nil {
		pool.Close()
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == pgerrcode.ProtocolViolation && strings.Contains(refused.Message, "startup parameter") {
			return nil, fmt.Errorf("%s leads to a pooler (it says: %s); name Postgres itself with DATABASE_DIRECT_URL, and the pooler with DATABASE_URL", w.variable, refused.Message)
		}
		return nil, fmt.Errorf("reach Postgres at the address in %s: %w", w.variable, err)
	}
	if version < 15_00_00 {
		pool.Close()
		return nil, fmt.Errorf("%s leads to Postgres %d; use 15 or newer", w.variable, version/10000)
	}
	return pool, nil
}

// heardWithin is how long a notification may take when everybody is busy.
const heardWithin = 15 * time.Second

// hears makes sure that a notification which is sent by way of the pool is heard by way of direct. A pooler that lends connections for a
// transaction takes a LISTEN and loses it without a word, so that pages would stand still and jobs come late.
func (db *postgres) hears(ctx context.Context, within time.Duration) error {
	variable := "DATABASE_URL"
	if db.direct != db.pool {
		variable = "DATABASE_DIRECT_URL"
	}
	conn, err := pgx.ConnectConfig(ctx, db.direct.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect at the address in %s: %w", variable, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	const channel = "ates_heard"
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return fmt.Errorf("listen at the address in %s, which must be that of a primary: %w", variable, err)
	}
	if _, err := db.pool.Exec(ctx, "notify "+channel); err != nil {
		return fmt.Errorf("send a notification by way of DATABASE_URL: %w", err)
	}
	waiting, stop := context.WithTimeout(ctx, within)
	defer stop()
	_, err = conn.WaitForNotification(waiting)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("wait for a notification at the address in %s: %w", variable, err)
	case variable == "DATABASE_URL":
		return errors.New("a notification did not come back by way of DATABASE_URL, so it leads to a pooler that lends connections for a transaction; name Postgres itself with DATABASE_DIRECT_URL")
	}
	return errors.New("a notification that was sent by way of DATABASE_URL did not come back by way of DATABASE_DIRECT_URL; it must lead to the same database, and to Postgres itself rather than to a pooler")
}
