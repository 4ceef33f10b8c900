// Package pgpool says how the program's connections to Postgres are.
package pgpool

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

const (
	// connectWithin is how long a server may take to accept a connection. One that is stopped, or cut off without a word, takes for ever;
	// where the address names several servers the next one is asked then.
	connectWithin = 10 * time.Second
	// nextWithin is the same where there is a next one.
	nextWithin = 2 * time.Second
	// pingWithin is how long a connection that was idle may take to show that it lives.
	pingWithin = 3 * time.Second
	// silentAtMost is how long the machine at the other end may leave unanswered what was sent to it.
	silentAtMost = 20 * time.Second
)

// Config reads an address as pgxpool does, which may name several servers:
// postgres://user@one:5432,other:5432/database?target_session_attrs=read-write leads to the one of them that takes writes.
//
// On its connections ids travel as their 16 bytes: without that pgx would write each as text and read it again, which took a seventh of
// the program's time. A connection to a server that has fallen silent is given up, and so is one to a server that takes no writes when
// something is to be written: it has become a standby. Replicated tells of a commit that was answered too early.
func Config(address string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap())
		return nil
	}
	if cfg.PingTimeout == 0 {
		cfg.PingTimeout = pingWithin
	}
	server := &cfg.ConnConfig.Config
	if server.ConnectTimeout == 0 {
		server.ConnectTimeout = connectWithin
		if severalServers(server) {
			server.ConnectTimeout = nextWithin
		}
	}
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         givesUpOnSilence,
	}
	server.DialFunc = dialer.DialContext
	keep := server.OnPgError
	server.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		return keep(conn, err) && err.Code != pgerrcode.ReadOnlySQLTransaction
	}
	server.OnNotice = noteUnreplicated
	return cfg, nil
}

// severalServers reports whether an address names more than one. The same one stands there twice where it is asked with TLS and without.
func severalServers(server *pgconn.Config) bool {
	for _, next := range server.Fallbacks {
		if next.Host != server.Host || next.Port != server.Port {
			return true
		}
	}
	return false
}

const (
	// unreplicated is where a connection keeps the warning about its last commit.
	unreplicated = "ates: unreplicated"
	// waitsForStandby is the function of Postgres that waits until a standby has a commit. Warnings are in the server's language, and this
	// one has no code of its own, but each names the function that it comes from.
	waitsForStandby = "SyncRepWaitForLSN"
)

// noteUnreplicated notes the warning with which Postgres answers a commit that it has stopped waiting for.
func noteUnreplicated(conn *pgconn.PgConn, notice *pgconn.Notice) {
	if notice.Routine == waitsForStandby && strings.HasPrefix(notice.File, "syncrep") {
		conn.CustomData()[unreplicated] = notice
	}
}

// Replicated must be asked after each commit on which somebody relies, while the connection is still held. It is an error where Postgres
// has answered the commit as done although no synchronous standby has it: when a statement is cancelled that waits for the standby, as
// pg_cancel_backend does, Postgres reports success with no more than a warning, and when another server takes over the transaction is
// gone. The error has the code for a transaction of which nobody knows what became of it (08007), so that it is asked for again.
func Replicated(conn *pgx.Conn) error {
	data := conn.PgConn().CustomData()
	notice, ok := data[unreplicated].(*pgconn.Notice)
	if !ok {
		return nil
	}
	delete(data, unreplicated)
	return &pgconn.PgError{Severity: "ERROR", Code: pgerrcode.TransactionResolutionUnknown, Message: notice.Message, Detail: notice.Detail, Hint: notice.Hint}
}
