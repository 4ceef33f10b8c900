package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

// Open pages are told of a burst of changes by a few notifications, of which the last comes after the last change.
func TestABurstOfChangesMakesFewNotifications(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	listener, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer listener.Release()
	_, err = listener.Exec(t.Context(), `listen changes`)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	n := newNotifier(pool, nil)
	running, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	begun := time.Now()
	go func() { defer close(stopped); n.run(running) }()
	n.changed()
	_, err = listener.Conn().WaitForNotification(ctx)
	require.NoError(t, err, "the first change is told of at once")
	burst := time.NewTicker(pause / 20)
	defer burst.Stop()
	for range 100 {
		<-burst.C
		n.changed()
	}
	_, err = listener.Conn().WaitForNotification(ctx)
	require.NoError(t, err, "what changed during the pause is told of after it")

	stop()
	<-stopped
	most := int(time.Since(begun)/pause) + 1
	_, err = pool.Exec(ctx, `select pg_notify('changes', 'end')`)
	require.NoError(t, err)
	more := 0
	for {
		note, err := listener.Conn().WaitForNotification(ctx)
		require.NoError(t, err)
		if note.Payload == "end" {
			break
		}
		more++
	}
	require.LessOrEqual(t, 2+more, most, "never two within one pause")
}
