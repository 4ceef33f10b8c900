package domain

import (
	"crypto/sha256"
	"sync"
)

// checked remembers what was lately found to hold to its schema: an event is read by a job for each of its reactions, and to look up a digest
// takes a fraction of what checking it takes. Only what is right is remembered, so what is wrong is said as often as it is read.
type checked struct {
	mu         sync.Mutex
	young, old map[held]struct{}
}

// held is data that held to the schema of a shape.
type held struct {
	shape
	digest [sha256.Size]byte
}

// remembered is how many of the latest are sure to be known; at most twice as many are.
const remembered = 4096

func (c *checked) has(h held) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[h]; ok {
		return true
	}
	_, ok := c.old[h]
	return ok
}

func (c *checked) add(h held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) == remembered {
		c.young, c.old = map[held]struct{}{}, c.young
	}
	c.young[h] = struct{}{}
}
