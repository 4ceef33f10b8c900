package sqltest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/pgpool"
)

// Pooled reports whether the tests are to go by way of a pooler: whole programs and the buses of jobstest.
func Pooled() bool { return os.Getenv("ATES_TEST_POOLER") == "1" }

// poolerSettings are those of the operations' page, with so few connections that they have to be shared.
const poolerSettings = `[databases]
* = %s
[pgbouncer]
unix_socket_dir = %s
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 6
max_client_conn = 1000
idle_transaction_timeout = 60
logfile = %s
%s
`

// Pooler runs a PgBouncer of this test's, in transaction mode, and returns the address of a database by way of it. More settings may be
// given as lines of its file.
func Pooler(t testing.TB, address string, settings ...string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil { // it is among the programs of administrators
		program, err = exec.LookPath("/usr/sbin/pgbouncer")
	}
	require.NoError(t, err, "install the package pgbouncer")
	server, err := pgx.ParseConfig(address)
	require.NoError(t, err)

	// Not the folder of the test, whose path may be too long for a socket.
	dir, err := os.MkdirTemp("", "ates-pooler-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command(program, filepath.Join(dir, "pgbouncer.ini"))
	behind := fmt.Sprintf("host=%s port=%d user=%s", server.Host, server.Port, server.User)
	if server.Password != "" {
		behind += " password=" + server.Password
	}
	content := fmt.Sprintf(poolerSettings, behind, dir, filepath.Join(dir, "log"), strings.Join(settings, "\n"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(content), 0o644))
	if os.Geteuid() == 0 {
		// It does not run as root, and only its owner may use the socket of a private server.
		var owner syscall.Stat_t
		require.NoError(t, syscall.Stat(server.Host, &owner), "as root the tests need a server at a socket")
		require.NoError(t, os.Chown(dir, int(owner.Uid), int(owner.Gid)))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	pooled := (&url.URL{Scheme: "postgres", User: url.User(server.User), Path: "/" + server.Database,
		RawQuery: url.Values{"host": {dir}, "port": {"6432"}, "sslmode": {"disable"}}.Encode()}).String()
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), pooled)
		if err == nil {
			err = conn.Close(t.Context())
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond, "PgBouncer does not answer")
	return pooled
}

// Behind returns a pool on the address of a pooler. It is closed as that of Pool is.
func Behind(t testing.TB, pooled string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgpool.Config(pooled)
	require.NoError(t, err)
	cfg.MaxConns = connections
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	return closed(t, pool)
}
