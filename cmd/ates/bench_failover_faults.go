package main

import "syscall"

// failoverFault is a way to lose a primary. It lasts until another node leads, and is over when end returns; then the node comes back.
type failoverFault struct {
	name       string
	begin, end func(*failoverNode) error
}

// failoverKill is the one that comes most often.
func failoverKill() failoverFault {
	// The machine is lost, but its connections end as they do when processes are killed: whoever has one hears of it at once.
	return failoverFault{"kill -9 of the primary with its Patroni", func(node *failoverNode) error { return node.kill(true) }, (*failoverNode).start}
}

// failoverFaults are the others.
func failoverFaults() []failoverFault {
	return []failoverFault{
		{"kill -9 of the primary's Postgres alone", func(node *failoverNode) error { return node.kill(false) }, nothingToEnd},
		// Nothing reaches the node or leaves it, and nobody is told: connections stay open and say nothing.
		{"the primary cut off", cutting((*failoverNode).allWires), mending((*failoverNode).allWires)},
		// The worst of all: the primary has lost etcd and its standbys, while the program still reaches it and asks it for commits.
		{"the primary cut off from all but the program", cutting((*failoverNode).innerWires), mending((*failoverNode).innerWires)},
		// As when a machine is moved, or its disk hangs: connections are accepted and not answered. It wakes up while another leads.
		{"the primary with its Patroni stopped and continued", func(node *failoverNode) error { return node.signal(syscall.SIGSTOP, true) },
			func(node *failoverNode) error { return node.signal(syscall.SIGCONT, true) }},
	}
}

// innerWires are those between the node and the rest of its cluster.
func (node *failoverNode) innerWires() []*wire {
	return []*wire{node.etcd, node.peers, node.control}
}

func (node *failoverNode) allWires() []*wire { return append(node.innerWires(), node.clients) }

func nothingToEnd(*failoverNode) error { return nil }

func cutting(wires func(*failoverNode) []*wire) func(*failoverNode) error {
	return func(node *failoverNode) error {
		for _, w := range wires(node) {
			w.cut()
		}
		return nil
	}
}

func mending(wires func(*failoverNode) []*wire) func(*failoverNode) error {
	return func(node *failoverNode) error {
		for _, w := range wires(node) {
			w.mend()
		}
		return nil
	}
}
