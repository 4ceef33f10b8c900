package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// severally is an address that names several servers, of which the one that takes writes is meant.
func severally(t testing.TB, addresses ...string) string {
	t.Helper()
	var hosts, ports []string
	var last *url.URL
	for _, address := range addresses {
		u, err := url.Parse(address)
		require.NoError(t, err)
		hosts, ports, last = append(hosts, u.Query().Get("host")), append(ports, u.Query().Get("port")), u
	}
	query := last.Query()
	query.Set("host", strings.Join(hosts, ","))
	query.Set("port", strings.Join(ports, ","))
	query.Set("target_session_attrs", "read-write")
	last.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return last.String()
}

// TestAProgramGoesOnByItselfWhenAStandbyTakesOver loses the primary under a program with an open page. What Patroni does otherwise, the test
// does: it has the standby take over.
func TestAProgramGoesOnByItselfWhenAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	primary, standby := pairOfServers(t)

	p := start(t, []string{"DATABASE_URL=" + severally(t, standby.URL(), primary.URL()), "DATABASE_DIRECT_URL=", "ATES_DEMO=1"})
	manager := signIn(t, p.address, "manager")
	events := manager.stream("0")
	await(t, events, "hello")
	createTask(t, manager, "Before")
	await(t, events, "tasks/")
	pool, replica := dial(t, primary.URL()), dial(t, standby.URL())
	jobstest.Idle(t, pool, time.Minute)
	require.Eventually(t, func() bool {
		var caughtUp bool
		err := pool.QueryRow(t.Context(), "select count(*) = 1 from pg_stat_replication where replay_lsn = pg_current_wal_lsn()").Scan(&caughtUp)
		return err == nil && caughtUp
	}, time.Minute, 10*time.Millisecond)
	pool.Close()

	atOnce, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, primary.Stop(atOnce))
	form := url.Values{"idempotency_key": {"during"}, "description": {"While there was no primary"}}
	status, page, err := manager.try(http.MethodPost, "/tasks", form, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, page, "While there was no primary", "the form is there to be sent again")
	_, err = replica.Exec(t.Context(), "select pg_promote()")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		status, _, err := manager.try(http.MethodPost, "/tasks", form, nil)
		return err == nil && status == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	await(t, events, `change ["*"]`) // the numbers of what changed begin anew
	createTask(t, manager, "After")
	await(t, events, "tasks/")
	require.Eventually(t, func() bool {
		status, _ := manager.get("/readyz")
		return status == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	jobstest.Idle(t, replica, time.Minute)
	require.Equal(t, 1, number(t, replica, "select count(*) from tracker.tasks where description = 'While there was no primary' and assignee is not null"))
	jobstest.RequireSoundBooks(t, replica)
}

func TestAConnectionToWhatHasBecomeAStandbyIsGivenUp(t *testing.T) {
	t.Parallel()
	address := sqltest.URL(t)
	cfg, err := way{variable: "DATABASE_URL", address: address}.config()
	require.NoError(t, err)
	cfg.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	var was, is int
	require.NoError(t, pool.QueryRow(t.Context(), "select pg_backend_pid() from set_config('default_transaction_read_only', 'on', false)").Scan(&was))
	_, err = pool.Exec(t.Context(), "create table written (id int)")
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, pgerrcode.ReadOnlySQLTransaction, refused.Code)
	require.NoError(t, pool.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&is))
	require.NotEqual(t, was, is)
}

// TestWhatLedToThePrimaryOfBeforeIsLetGo has two ways to one server in the place of two servers.
func TestWhatLedToThePrimaryOfBeforeIsLetGo(t *testing.T) {
	t.Parallel()
	found, err := pgxpool.ParseConfig(sqltest.URL(t))
	require.NoError(t, err)
	server := found.ConnConfig
	_, socket := pgconn.NetworkAddress(server.Host, server.Port)
	var ways []string
	var wires []*wire
	for range 2 {
		w, err := newWire(t.Context(), socket)
		require.NoError(t, err)
		t.Cleanup(func() { _ = w.close() })
		host, port, err := net.SplitHostPort(w.address())
		require.NoError(t, err)
		wires = append(wires, w)
		ways = append(ways, (&url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Path: "/" + server.Database,
			RawQuery: url.Values{"host": {host}, "port": {port}, "sslmode": {"disable"}}.Encode()}).String())
	}
	pool, err := connect(t.Context(), severally(t, ways...))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	var before []*pgxpool.Conn
	for range 2 {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		before = append(before, conn)
	}
	wires[0].cut()
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err, "the other way")
	for _, c := range before {
		c.Release()
	}
	const soon = 10 * time.Second // less than it takes to part from a server that does not answer
	require.Eventually(t, func() bool { return pool.Stat().TotalConns() == 1 }, soon, 10*time.Millisecond)
	require.NoError(t, conn.Ping(t.Context()))
	conn.Release()
	wires[0].mend()
}

// TestAServerThatSaysNothingIsPassedOver has a server that accepts connections and never answers, as one does that is stopped.
func TestAServerThatSaysNothingIsPassedOver(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	host, port, err := net.SplitHostPort(silent.Addr().String())
	require.NoError(t, err)
	nobody := (&url.URL{Scheme: "postgres", Path: "/", RawQuery: url.Values{"host": {host}, "port": {port}}.Encode()}).String()
	database := sqltest.URL(t)
	found, err := pgxpool.ParseConfig(database)
	require.NoError(t, err)
	server := found.ConnConfig
	answers := (&url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Path: "/" + server.Database,
		RawQuery: url.Values{"host": {server.Host}, "port": {fmt.Sprint(server.Port)}, "sslmode": {"disable"}}.Encode()}).String()
	pool, err := connect(t.Context(), severally(t, nobody, answers))
	require.NoError(t, err)
	pool.Close()
}

func TestAWireThatIsCutHoldsWhatIsSent(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go func() { // it sends back what it gets
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	w, err := newWire(t.Context(), server.Addr().String())
	require.NoError(t, err)
	conn, err := net.Dial("tcp", w.address())
	require.NoError(t, err)
	says := func(what string) {
		_, err := conn.Write([]byte(what))
		require.NoError(t, err)
	}
	hears := func(conn net.Conn, within time.Duration) (string, error) {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
		heard := make([]byte, 100)
		n, err := conn.Read(heard)
		return string(heard[:n]), err
	}
	const soon, never = time.Minute, 50 * time.Millisecond
	says("whole")
	heard, err := hears(conn, soon)
	require.NoError(t, err)
	require.Equal(t, "whole", heard)
	w.cut()
	says("late")
	_, err = hears(conn, never)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	other, err := net.Dial("tcp", w.address())
	require.NoError(t, err, "nobody is told")
	_, err = other.Write([]byte("later"))
	require.NoError(t, err)
	_, err = hears(other, never)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	w.mend()
	for conn, said := range map[net.Conn]string{conn: "late", other: "later"} {
		heard, err = hears(conn, soon)
		require.NoError(t, err)
		require.Equal(t, said, heard)
	}
	require.NoError(t, w.close())
	_, err = hears(conn, soon)
	require.ErrorIs(t, err, io.EOF)
}

func TestWhoLeadsAClusterIsTold(t *testing.T) {
	t.Parallel()
	mux, said := http.NewServeMux(), ""
	mux.HandleFunc("GET /cluster", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	node := &failoverNode{rest: listener.Addr().String()}
	member := func(name, role, state string, timeline int) string {
		return fmt.Sprintf(`{"name": %q, "role": %q, "state": %q, "api_url": "http://127.0.0.1:8008/patroni", "timeline": %d, "lag": 0}`, name, role, state, timeline)
	}
	for _, c := range []struct {
		members []string
		leader  string
		whole   bool
	}{
		{[]string{member("a", "replica", "running", 2), member("b", "leader", "running", 2), member("c", "sync_standby", "running", 2)}, "b", true},
		{[]string{member("a", "replica", "streaming", 2), member("b", "leader", "running", 2), member("c", "sync_standby", "streaming", 2)}, "b", true},
		{[]string{member("a", "replica", "running", 2), member("b", "leader", "running", 2), member("c", "replica", "running", 2)}, "b", false},
		{[]string{member("a", "replica", "running", 1), member("b", "leader", "running", 2), member("c", "sync_standby", "running", 2)}, "b", false},
		{[]string{member("a", "replica", "start failed", 2), member("b", "leader", "running", 2), member("c", "sync_standby", "running", 2)}, "b", false},
		{[]string{member("b", "leader", "running", 2), member("c", "sync_standby", "running", 2)}, "b", false},
		{[]string{member("a", "replica", "running", 2), member("b", "leader", "stopped", 2), member("c", "sync_standby", "running", 2)}, "", false},
	} {
		said = `{"members": [` + strings.Join(c.members, ", ") + `], "scope": "ates"}`
		v, err := node.view(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.leader, v.leader(), said)
		require.Equal(t, c.whole, v.whole(3), said)
	}
}

// TestTheRecommendedClusterIsTheOneThatIsTried also means that nothing of the example's own places is left.
func TestTheRecommendedClusterIsTheOneThatIsTried(t *testing.T) {
	t.Parallel()
	c := &failoverCluster{dir: "/somewhere", programs: failoverPrograms{postgres: "/programs"}}
	node := &failoverNode{name: "db-2", cluster: c, dir: "/somewhere/db-2", rest: "127.0.0.1:1", postgres: "127.0.0.1:2"}
	for _, w := range []**wire{&node.etcd, &node.peers, &node.control, &node.clients} {
		var err error
		*w, err = newWire(t.Context(), "127.0.0.1:9")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, (*w).close()) })
	}
	config, err := node.config()
	require.NoError(t, err)
	for _, place := range []string{"example.com", "/var/", "/usr/", "choose", "0.0.0.0", "10.0.0.0", "hostssl"} {
		require.NotContains(t, strings.ReplaceAll(config, "\n#", "\n"), place)
	}
	require.Contains(t, config, "synchronous_mode_strict: true")
	require.Contains(t, config, "connect_address: "+node.peers.address())
}

func TestLossesAreOfEveryKind(t *testing.T) {
	t.Parallel()
	for times, each := range map[int]int{1: 1, 10: 3} {
		counted := map[string]int{}
		for _, f := range (&measuring{benchSize: benchSize{Times: times}}).losses() {
			counted[f.name]++
		}
		require.Len(t, counted, len(failoverFaults())+1)
		for name, n := range counted {
			if name == failoverKill().name {
				require.Equal(t, times, n)
			} else {
				require.Equal(t, each, n, name)
			}
		}
	}
}

func TestTimesWithoutServiceAreFound(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	idle := idleTimes([]wish{{told: done, at: at(30)}, {told: refused}, {told: done, at: at(1)}, {told: done, at: at(10)}, {}})
	require.Equal(t, []gap{{at(1), at(10)}, {at(10), at(30)}}, idle)
	require.Equal(t, 20*time.Second, longestDuring(idle, at(12), at(40)), "also one that had begun a little before")
	require.Equal(t, 9*time.Second, longestDuring(idle, at(0), at(12)), "and it is none of what was before")
	require.Zero(t, longestDuring(idle, at(28), at(40)))
}

func TestFailingOverSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), plain(t), "bench", "failover", "--busy")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+sqltest.URL(t), "PATH=")
	said, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "apt-get install --no-install-recommends etcd-server patroni python3-etcd postgresql")
}
