package auth

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

// occupy takes turns of a lane, as hashes under way do, until the returned function is called.
func occupy(t *testing.T, h *hasher, from lane, n int) (release func()) {
	t.Helper()
	var running, group sync.WaitGroup
	done := make(chan struct{})
	for range n {
		running.Add(1)
		group.Go(func() {
			_ = h.inTurn(context.WithoutCancel(t.Context()), from, func() error {
				running.Done()
				<-done
				return nil
			})
		})
	}
	running.Wait()
	return func() { close(done); group.Wait() }
}

func TestPasswordsWaitTheirTurnAndGiveUpWithTheirRequest(t *testing.T) {
	t.Parallel()
	h := newHasher()
	defer occupy(t, h, regulars, hashesAtOnce)()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.match(ctx, strangers, "correct horse battery", noPassword)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, hashesAtOnce, h.hashed.Load(), "nothing was hashed for it")
}

func TestOnlySoManyWaitForTheirHashAndOnlySoLong(t *testing.T) {
	t.Parallel()
	h := newHasher()
	release := occupy(t, h, regulars, hashesAtOnce)
	answers := make(chan error)
	const all = maxWaiting + 10
	for range all {
		go func() {
			_, err := h.match(context.WithoutCancel(t.Context()), strangers, "wrong", noPassword)
			answers <- err
		}()
	}
	// Those who find the queue full are refused at once, long before the others lose patience.
	begin := time.Now()
	for range all - (maxWaiting - hashesAtOnce) {
		requireRefusal(t, "auth.busy", <-answers)
	}
	require.Less(t, time.Since(begin), maxWait)
	for range maxWaiting - hashesAtOnce {
		requireRefusal(t, "auth.busy", <-answers)
	}
	require.GreaterOrEqual(t, time.Since(begin), maxWait/2)
	require.EqualValues(t, hashesAtOnce, h.hashed.Load())
	release()
	_, err := h.match(t.Context(), strangers, "wrong", noPassword)
	require.NoError(t, err, "and then there is room again")
}

func TestThoseWhoGuessLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	h := newHasher()
	now := func() error { return nil }
	within := func(patience time.Duration, from lane) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return h.inTurn(ctx, from, now)
	}
	const aMoment, aWhile = 50 * time.Millisecond, time.Minute
	releaseRepeater := occupy(t, h, repeaters, 1)
	require.ErrorIs(t, within(aMoment, repeaters), context.DeadlineExceeded, "one at a time")
	require.NoError(t, within(aWhile, strangers))
	releaseStrangers := occupy(t, h, strangers, hashesAtOnce-2)
	require.ErrorIs(t, within(aMoment, strangers), context.DeadlineExceeded, "all but one")
	require.NoError(t, within(aWhile, regulars), "that one is theirs")
	releaseStrangers()
	releaseRepeater()
	require.NoError(t, within(aWhile, repeaters))
}

func TestAHashThatFailsIsAFault(t *testing.T) {
	t.Parallel()
	broken := errors.New("out of memory")
	err := newHasher().inTurn(t.Context(), regulars, func() error { return broken })
	require.ErrorIs(t, err, broken)
	require.NotErrorAs(t, err, new(*domain.Refusal))
}
