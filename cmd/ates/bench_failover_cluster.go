package main

import (
	"context"
	_ "embed" // the configuration that is recommended is the one that is tried
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/sql/pgserver"
)

//go:embed operations/patroni.yml
var patroniConfig string

// failoverCluster is etcd and three nodes of Patroni with Postgres on this machine, in a folder of their own.
type failoverCluster struct {
	dir      string
	programs failoverPrograms
	account  pgserver.Account
	etcd     *pgserver.Program
	nodes    []*failoverNode
}

// failoverPrograms are those of others that a cluster consists of.
type failoverPrograms struct{ etcd, patroni, postgres string }

// findFailoverPrograms is an error that says what to install.
func findFailoverPrograms() (found failoverPrograms, err error) {
	const install = "apt-get install --no-install-recommends etcd-server patroni python3-etcd postgresql"
	if found.etcd, err = exec.LookPath("etcd"); err == nil {
		found.patroni, err = exec.LookPath("patroni")
	}
	if err != nil {
		return found, fmt.Errorf("failing over needs etcd, Patroni and Postgres: %s: %w", install, err)
	}
	rewinds, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_rewind")
	if path, missing := exec.LookPath("pg_rewind"); missing == nil {
		rewinds = append(rewinds, path)
	}
	if err != nil || len(rewinds) == 0 {
		return found, fmt.Errorf("failing over needs the whole of Postgres, with pg_rewind: %s", install)
	}
	newest := rewinds[0]
	for _, path := range rewinds {
		if len(path) > len(newest) || len(path) == len(newest) && path > newest { // 9 comes before 15
			newest = path
		}
	}
	if newest, err = filepath.EvalSymlinks(newest); err != nil {
		return found, fmt.Errorf("find Postgres: %w", err)
	}
	found.postgres = filepath.Dir(newest)
	return found, nil
}

// The people of a cluster that is thrown away.
const failoverPassword = "for-as-long-as-it-lasts"

// startFailoverCluster starts a cluster in a folder and makes a database in it, and returns when it has a primary and two standbys. It
// must be closed, also after an error.
func startFailoverCluster(ctx context.Context, dir string) (c *failoverCluster, err error) {
	c = &failoverCluster{dir: dir}
	if c.programs, err = findFailoverPrograms(); err != nil {
		return c, err
	}
	if c.account, err = pgserver.ServerAccount(); err != nil {
		return c, err
	}
	etcd, err := c.startEtcd(ctx)
	if err != nil {
		return c, err
	}
	const nodes = 3
	for n := range nodes {
		node, err := c.newNode(ctx, fmt.Sprintf("db-%d", n+1), etcd)
		if err != nil {
			return c, err
		}
		c.nodes = append(c.nodes, node)
		if err := node.start(); err != nil {
			return c, err
		}
	}
	const within = 3 * time.Minute
	leader, err := c.awaitWhole(ctx, within)
	if err != nil {
		return c, err
	}
	conn, err := leader.connect(ctx)
	if err != nil {
		return c, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, statement := range []string{"create role ates login password '" + failoverPassword + "'", "create database ates owner ates"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return c, fmt.Errorf("make the database: %w", err)
		}
	}
	return c, until(ctx, within, "every node has the database", func() (bool, error) {
		has := 0
		for _, node := range c.nodes {
			if conn, err := pgx.Connect(ctx, "postgres://ates:"+failoverPassword+"@"+node.postgres+"/ates?sslmode=disable"); err == nil {
				has++
				_ = conn.Close(ctx)
			}
		}
		return has == len(c.nodes), nil
	})
}

// url is how the program finds whichever node is the primary.
func (c *failoverCluster) url() string {
	var hosts []string
	for _, node := range c.nodes {
		hosts = append(hosts, node.clients.address())
	}
	return "postgres://ates:" + failoverPassword + "@" + strings.Join(hosts, ",") + "/ates?sslmode=disable&target_session_attrs=read-write"
}

// startEtcd starts one etcd and returns its address when it answers.
func (c *failoverCluster) startEtcd(ctx context.Context) (address string, err error) {
	ports, err := freeAddresses(2)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(c.dir, "etcd")
	if err := c.account.Mkdir(dir); err != nil {
		return "", fmt.Errorf("make a folder for etcd: %w", err)
	}
	clients, peers := "http://"+ports[0], "http://"+ports[1]
	cmd := exec.Command(c.programs.etcd, "--name=ates", //nolint:gosec // it is etcd
		"--data-dir="+filepath.Join(dir, "data"), "--listen-client-urls="+clients, "--advertise-client-urls="+clients,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=ates="+peers, "--log-level=warn", "--logger=zap", "--enable-v2")
	if c.etcd, err = startLogged(c.account, cmd, filepath.Join(c.dir, "etcd.log")); err != nil {
		return "", fmt.Errorf("start etcd: %w", err)
	}
	client := &http.Client{Timeout: time.Second}
	return ports[0], until(ctx, time.Minute, "etcd answers", func() (bool, error) {
		return get(ctx, client, clients+"/health") == nil, nil
	})
}

// startLogged starts a program in the folder of its log, with what it says in there.
func startLogged(account pgserver.Account, cmd *exec.Cmd, log string) (*pgserver.Program, error) {
	said, err := os.OpenFile(log, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // a file of this run
	if err != nil {
		return nil, err
	}
	defer said.Close()
	cmd.Dir = filepath.Dir(log)
	cmd.Stdout, cmd.Stderr = said, said
	return account.Start(cmd)
}

// freeAddresses finds addresses of this machine that nobody listens on.
func freeAddresses(n int) (addresses []string, err error) {
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a port: %w", err)
		}
		defer listener.Close() // when all are found, so that they differ
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// clusterView is what a node of Patroni says of its cluster.
type clusterView struct {
	Members []struct {
		Name     string `json:"name"`
		Role     string `json:"role"`
		State    string `json:"state"`
		Timeline int    `json:"timeline"`
	} `json:"members"`
}

// leader is the name of the node that leads, empty where none does.
func (v clusterView) leader() string {
	for _, m := range v.Members {
		if m.Role == "leader" && m.State == "running" {
			return m.Name
		}
	}
	return ""
}

// whole reports whether so many nodes are well: one leads, the others follow it on its timeline, and one of them synchronously.
func (v clusterView) whole(nodes int) bool {
	roles, timelines := map[string]int{}, map[int]bool{}
	for _, m := range v.Members {
		if m.State != "running" && m.State != "streaming" {
			return false
		}
		roles[m.Role]++
		timelines[m.Timeline] = true
	}
	return len(v.Members) == nodes && roles["leader"] == 1 && roles["sync_standby"] >= 1 && len(timelines) == 1
}

// view asks a node.
func (node *failoverNode) view(ctx context.Context) (v clusterView, err error) {
	const patience = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+node.rest+"/cluster", nil)
	if err != nil {
		return v, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	return v, json.NewDecoder(res.Body).Decode(&v)
}

// awaitWhole waits until all nodes say the same of a cluster that is whole, and both standbys follow the one that leads.
func (c *failoverCluster) awaitWhole(ctx context.Context, within time.Duration) (leader *failoverNode, err error) {
	err = until(ctx, within, "the cluster has a primary and two standbys", func() (bool, error) {
		pauseFor(ctx, 200*time.Millisecond)
		name := ""
		for _, node := range c.nodes {
			v, err := node.view(ctx)
			if err != nil || !v.whole(len(c.nodes)) || name != "" && name != v.leader() {
				return false, nil // it is asked again
			}
			name = v.leader()
		}
		leader = c.nodes[slices.IndexFunc(c.nodes, func(node *failoverNode) bool { return node.name == name })]
		conn, err := leader.connect(ctx)
		if err != nil {
			return false, nil
		}
		defer conn.Close(context.WithoutCancel(ctx))
		var follow, synchronously int
		err = conn.QueryRow(ctx, "select count(*), count(*) filter (where sync_state in ('sync', 'quorum')) from pg_stat_replication where state = 'streaming'").Scan(&follow, &synchronously)
		return err == nil && follow == len(c.nodes)-1 && synchronously >= 1, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, c.lastWords())
	}
	return leader, nil
}

// awaitOther waits until another node than one leads, by what the others say, and takes writes.
func (c *failoverCluster) awaitOther(ctx context.Context, than *failoverNode, within time.Duration) error {
	err := until(ctx, within, "another node leads", func() (bool, error) {
		for _, node := range c.nodes {
			if node == than {
				continue
			}
			if conn, err := node.connect(ctx); err == nil {
				var follows bool
				err = conn.QueryRow(ctx, "select pg_is_in_recovery()").Scan(&follows)
				_ = conn.Close(context.WithoutCancel(ctx))
				if v, asked := node.view(ctx); err == nil && !follows && asked == nil && v.leader() == node.name {
					return true, nil
				}
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("%w; %s", err, c.lastWords())
	}
	return nil
}

// lastWords is the end of what every node has said.
func (c *failoverCluster) lastWords() string {
	const most = 2500
	var all strings.Builder
	for _, node := range c.nodes {
		content, err := os.ReadFile(node.log())
		if err != nil {
			content = []byte(err.Error())
		}
		fmt.Fprintf(&all, "%s said: %s\n", node.name, content[max(0, len(content)-most):])
	}
	return all.String()
}

// close ends everything.
func (c *failoverCluster) close() (err error) {
	for _, node := range c.nodes {
		err = errors.Join(err, node.close())
	}
	if c.etcd != nil {
		c.etcd.Signal(syscall.SIGKILL)
		<-c.etcd.Ended()
	}
	return err
}

// connect connects to the node's Postgres as its superuser.
func (node *failoverNode) connect(ctx context.Context) (*pgx.Conn, error) {
	const patience = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return pgx.Connect(ctx, "postgres://postgres:"+failoverPassword+"@"+node.postgres+"/postgres?sslmode=disable")
}
