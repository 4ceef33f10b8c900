package jobs

import (
	"slices"
	"sync"
	"time"
)

// longestWait is how long anybody waits for the group at work, which may hang; then it is done alone.
const longestWait = time.Second

// gathering has work of one kind that is there at the same moment share one transaction ("group commit"). One group is at work at a time in
// a process; whoever comes meanwhile is in the next one. So who comes alone waits for nobody, and the more there are the less each costs.
type gathering[T any] struct {
	// size is how much of a group's room a member takes, and room how much there is, a little more or less.
	size func(T) int64
	room int64

	mu      sync.Mutex
	waiting []*member[T]
	atWork  bool
}

// member waits for its group.
type member[T any] struct {
	work T
	// turn tells it once what became of it, or that it is to do the work of a group, which begins with itself.
	turn chan turn[T]
}

type turn[T any] struct {
	lead []*member[T]
	done bool
}

// members are those whose work the leader is to do, itself first.
func (t turn[T]) members() []T {
	all := make([]T, len(t.lead))
	for i, m := range t.lead {
		all[i] = m.work
	}
	return all
}

// join waits until a group has done the work, or not, or is to be led: then end must be called once it is over. ok is false when that
// takes too long; then nobody does the work but the caller.
func (g *gathering[T]) join(work T) (now turn[T], ok bool) {
	m := &member[T]{work: work, turn: make(chan turn[T], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	g.begin()
	g.mu.Unlock()

	enough := time.NewTimer(longestWait)
	defer enough.Stop()
	select {
	case now = <-m.turn:
		return now, true
	case <-enough.C:
	}
	g.mu.Lock()
	at := slices.Index(g.waiting, m)
	if at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
	g.mu.Unlock()
	if at >= 0 {
		return turn[T]{}, false
	}
	return <-m.turn, true // it is in the group at work already
}

// end tells the others of a group whether its work is done, and lets the next one begin.
func (g *gathering[T]) end(now turn[T], done bool) {
	for _, other := range now.lead[1:] {
		other.turn <- turn[T]{done: done}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.atWork = false
	g.begin()
}

// begin lets the next group begin, if none is at work and somebody waits. The caller holds the lock.
func (g *gathering[T]) begin() {
	if g.atWork || len(g.waiting) == 0 {
		return
	}
	n, taken := 0, int64(0)
	for n < len(g.waiting) && taken < g.room {
		taken += g.size(g.waiting[n].work)
		n++
	}
	lead := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.atWork = true
	lead[0].turn <- turn[T]{lead: lead}
}
