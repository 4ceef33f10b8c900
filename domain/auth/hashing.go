package auth

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"ates/domain"
)

// lane is the way by which a password comes to be hashed. The lanes join one another, so that however many strangers try
// passwords, they leave room for those who can hope to have the right one.
type lane int

const (
	// regulars are browsers that have signed in with the login before, and whoever is signed in already.
	regulars lane = iota
	// strangers are places of which nothing bad is known.
	strangers
	// repeaters are places from which this login's password has been wrong lately.
	repeaters
)

const (
	// hashesAtOnce bounds what passwords take to four times 19 MiB per process.
	hashesAtOnce = 4
	// maxWaiting and maxWait bound how many may wait for their hash and for how long, so that requests do not pile up.
	maxWaiting = 64
	maxWait    = 3 * time.Second
)

// hasher hashes passwords, a few at a time.
type hasher struct {
	// lanes are the turns that each lane has to get, in this order from its own on: the last is one of all hashes at once.
	lanes   [3]chan struct{}
	waiting atomic.Int64
	// hashed counts the hashes.
	hashed atomic.Int64
}

var hashing = newHasher()

func newHasher() *hasher {
	return &hasher{lanes: [3]chan struct{}{
		regulars:  make(chan struct{}, hashesAtOnce),
		strangers: make(chan struct{}, hashesAtOnce-1),
		repeaters: make(chan struct{}, 1),
	}}
}

func (h *hasher) hash(ctx context.Context, password string, params *argon2id.Params) (hash string, err error) {
	err = h.inTurn(ctx, regulars, func() error {
		hash, err = argon2id.CreateHash(password, params)
		return err
	})
	return hash, err
}

// match reports whether a password is the one with that hash.
func (h *hasher) match(ctx context.Context, from lane, password, hash string) (match bool, err error) {
	if len(password) > maxPassword {
		return false, nil
	}
	err = h.inTurn(ctx, from, func() error {
		match, err = compareHash(password, hash)
		return err
	})
	return match, err
}

// inTurn hashes when it is the lane's turn. It refuses, and hashes nothing, when too many wait or the turn does not come in time.
func (h *hasher) inTurn(ctx context.Context, from lane, hash func() error) error {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWaiting {
		return refuseBusy()
	}
	patient, cancel := context.WithTimeoutCause(ctx, maxWait, errTooLong)
	defer cancel()
	for l := from; l >= regulars; l-- {
		select {
		case h.lanes[l] <- struct{}{}:
			defer func() { <-h.lanes[l] }()
		case <-patient.Done():
			if errors.Is(context.Cause(patient), errTooLong) {
				return refuseBusy()
			}
			return ctx.Err()
		}
	}
	h.hashed.Add(1)
	if err := hash(); err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	return nil
}

var errTooLong = errors.New("its turn did not come in time")

func refuseBusy() error {
	return &domain.Refusal{
		Kind: domain.TooSoon, Code: "auth.busy", RetryAfter: 2 * time.Second,
		Message: "Too many people are signing in at this moment. Try again in a few seconds.",
	}
}
