package pgpool

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Open makes a pool. Where its address names several servers and asks for the one that takes writes, the pool lets go of all connections
// that it has as soon as one leads to another server than those before: the others lead to what was the primary, which may say nothing
// any more, so that whoever got one of them would wait for it.
func Open(ctx context.Context, cfg *pgxpool.Config) (*pgxpool.Pool, error) {
	if !asksForPrimary(cfg) {
		return pgxpool.NewWithConfig(ctx, cfg)
	}
	p := &primary{}
	connected := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		p.found(conn)
		return connected(ctx, conn)
	}
	cfg.BeforeClose = p.leave
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	p.pool.Store(pool)
	return pool, err
}

func asksForPrimary(cfg *pgxpool.Config) bool {
	address := cfg.ConnString()
	return severalServers(&cfg.ConnConfig.Config) &&
		(strings.Contains(address, "target_session_attrs=read-write") || strings.Contains(address, "target_session_attrs=primary"))
}

// primary is the server to which a pool has connected last.
type primary struct {
	pool    atomic.Pointer[pgxpool.Pool]
	address atomic.Pointer[string]
}

func addressOf(conn *pgx.Conn) string { return conn.PgConn().Conn().RemoteAddr().String() }

func (p *primary) found(conn *pgx.Conn) {
	now := addressOf(conn)
	before := p.address.Swap(&now)
	if pool := p.pool.Load(); pool != nil && before != nil && *before != now {
		pool.Reset()
	}
}

// leave ends a connection to another server without waiting for its answer: its place in the pool is wanted.
func (p *primary) leave(conn *pgx.Conn) {
	if now := p.address.Load(); now != nil && *now != addressOf(conn) {
		_ = conn.PgConn().Conn().Close() // the connection is closed next, and finds it gone
	}
}
