package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ates/sql/pgserver"
)

// failoverNode is one Patroni with its Postgres, as on a machine of its own: the others and the program reach it, and it reaches etcd, by
// wires that can be cut.
type failoverNode struct {
	name    string
	cluster *failoverCluster
	dir     string
	// rest and postgres are where the node itself listens.
	rest, postgres string
	// etcd is how it reaches etcd; peers and control are how the other nodes reach its Postgres and its Patroni; clients is how the program
	// does.
	etcd, peers, control, clients *wire
	patroni                       *pgserver.Program
}

// newNode makes a node that is not running yet.
func (c *failoverCluster) newNode(ctx context.Context, name, etcd string) (node *failoverNode, err error) {
	node = &failoverNode{name: name, cluster: c, dir: filepath.Join(c.dir, name)}
	if err := c.account.Mkdir(node.dir); err != nil {
		return nil, fmt.Errorf("make a folder for a node: %w", err)
	}
	addresses, err := freeAddresses(2)
	if err != nil {
		return nil, err
	}
	node.rest, node.postgres = addresses[0], addresses[1]
	for _, w := range []struct {
		wire **wire
		to   string
	}{{&node.etcd, etcd}, {&node.peers, node.postgres}, {&node.control, node.rest}, {&node.clients, node.postgres}} {
		if *w.wire, err = newWire(ctx, w.to); err != nil {
			return nil, errors.Join(err, node.close())
		}
	}
	config, err := node.config()
	if err != nil {
		return nil, errors.Join(err, node.close())
	}
	if err := os.WriteFile(node.configFile(), []byte(config), 0o644); err != nil { //nolint:gosec // the account of the server reads it
		return nil, errors.Join(fmt.Errorf("write the configuration of a node: %w", err), node.close())
	}
	return node, nil
}

func (node *failoverNode) configFile() string { return node.dir + ".yml" }
func (node *failoverNode) log() string        { return node.dir + ".log" }
func (node *failoverNode) data() string       { return filepath.Join(node.dir, "data") }

// config is operations/patroni.yml, of which nothing is changed but where things are, that there is no TLS on the way to oneself, and that
// no watchdog resets this machine.
func (node *failoverNode) config() (string, error) {
	changes := []string{
		"name: db-1\n", "name: " + node.name + "\n",
		"listen: 0.0.0.0:8008", "listen: " + node.rest, "db-1.example.com:8008", node.control.address(),
		"hosts: etcd-1.example.com:2379,etcd-2.example.com:2379,etcd-3.example.com:2379", "hosts: " + node.etcd.address() + "\n  use_proxies: true",
		"listen: 0.0.0.0:5432", "listen: " + node.postgres, "db-1.example.com:5432", node.peers.address(),
		"/var/lib/postgresql/15/ates", node.data(), "/usr/lib/postgresql/15/bin", node.cluster.programs.postgres,
		"/var/lib/postgresql/pgpass", filepath.Join(node.dir, "pgpass"), "/var/run/postgresql", node.dir,
		"choose-one", failoverPassword, "choose-another", failoverPassword, "choose-a-third", failoverPassword,
		"hostssl replication replicator 10.0.0.0/8", "host replication replicator 127.0.0.1/32", "hostssl all all 10.0.0.0/8", "host all all 127.0.0.1/32",
		"mode: automatic", "mode: off",
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(patroniConfig, changes[i]) {
			return "", fmt.Errorf("operations/patroni.yml has no %q any more, which is changed where it is tried", changes[i])
		}
	}
	return strings.NewReplacer(changes...).Replace(patroniConfig), nil
}

// start starts Patroni, which starts Postgres.
func (node *failoverNode) start() (err error) {
	cmd := exec.Command(node.cluster.programs.patroni, node.configFile()) //nolint:gosec // it is Patroni
	if node.patroni, err = startLogged(node.cluster.account, cmd, node.log()); err != nil {
		return fmt.Errorf("start Patroni: %w", err)
	}
	return nil
}

// processes are the ids of all processes of the node's Postgres and, where asked for, of its Patroni, each with all that descend from it.
func (node *failoverNode) processes(patroni bool) (found []int, err error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	of := map[int]bool{}
	if patroni && node.patroni != nil {
		of[node.patroni.PID()] = true
	}
	// Postgres may be down, and its number that of another process by now.
	if first, err := postmasterOf(node.data()); err == nil {
		if folder, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(first), "cwd")); err == nil && folder == node.data() && isPostgres(first) {
			of[first] = true
		}
	}
	for pid := range all {
		line := []int{}
		for at := pid; at > 1 && !of[at]; at = all[at].parent {
			line = append(line, at)
		}
		if len(line) == 0 || of[all[line[len(line)-1]].parent] {
			found = append(found, pid)
		}
	}
	return found, nil
}

// signal sends a signal to all of Postgres and, where asked for, Patroni; twice, since something may have begun meanwhile.
func (node *failoverNode) signal(signal syscall.Signal, patroni bool) error {
	for range 2 {
		found, err := node.processes(patroni)
		if err != nil {
			return err
		}
		for _, pid := range found {
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("signal %s: %w", node.name, err)
			}
		}
	}
	return nil
}

// kill is kill -9 of everything at the same moment: nothing of it sees the rest end.
func (node *failoverNode) kill(patroni bool) error {
	return errors.Join(node.signal(syscall.SIGSTOP, patroni), node.signal(syscall.SIGKILL, patroni))
}

// close ends the node.
func (node *failoverNode) close() error {
	var err error
	if node.patroni != nil {
		err = node.kill(true)
		select {
		case <-node.patroni.Ended():
		case <-time.After(10 * time.Second):
			err = errors.Join(err, fmt.Errorf("%s does not end", node.name))
		}
	}
	for _, w := range []*wire{node.etcd, node.peers, node.control, node.clients} {
		if w != nil {
			err = errors.Join(err, w.close())
		}
	}
	return err
}
