package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// listening is a hub that hears of the changes in a database of its own.
func listening(t *testing.T, with ...func(*hub)) (*hub, *pgxpool.Pool) {
	t.Helper()
	pool := sqltest.Pool(t)
	h := newHub(pool)
	for _, set := range with {
		set(h)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	require.Eventually(t, h.ready, 10*time.Second, time.Millisecond)
	return h, pool
}

// subscribed is a subscription that ends with the test.
func subscribed(t *testing.T, h *hub, topics ...string) *subscription {
	t.Helper()
	s, cancel, ok := h.subscribe(t.Name(), topics)
	require.True(t, ok)
	t.Cleanup(cancel)
	return s
}

// told is what a subscription is told within a moment.
func told(t *testing.T, s *subscription, within time.Duration) []string {
	t.Helper()
	select {
	case <-s.wake:
		return s.take()
	case <-time.After(within):
		return nil
	}
}

const soon = 10 * time.Second

// TestTheHubGivesUpAServerThatSaysNothing has a look wait as it would for a server that is stopped.
func TestTheHubGivesUpAServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	h, pool := listening(t)
	page := subscribed(t, h, "tasks")
	change(t, pool, "tasks/1")
	notify(t, pool)
	require.Equal(t, []string{"tasks/1"}, told(t, page, soon))
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "lock table log.changes")
	require.NoError(t, err)
	notify(t, pool)
	require.Eventually(t, func() bool { return !h.ready() }, time.Minute, 10*time.Millisecond)
	change(t, tx, "tasks/2")
	require.NoError(t, tx.Commit(t.Context()))
	require.Contains(t, told(t, page, time.Minute), "tasks/2", "what it was told before may come again")
}

// TestPagesBeginAnewOnAnotherTimeline is what becomes of a standby that has taken over: it may give transactions the numbers of some that
// were seen before.
func TestPagesBeginAnewOnAnotherTimeline(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	h := newHub(pool)
	page := subscribed(t, h, "tasks")
	now, err := currentCursor(t.Context(), dbsqlc.New(pool))
	require.NoError(t, err)
	require.Positive(t, now.timeline())
	h.cursor = now - 1<<xidBits + 1_000
	_, streams, err := h.look(t.Context(), dbsqlc.New(pool), nil)
	require.NoError(t, err)
	require.Equal(t, 1, streams)
	require.Equal(t, []string{everything}, page.take())
	require.Equal(t, now.timeline(), h.at().timeline())

	whole := &Handlers{pool: pool, hub: h}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live?since="+(now-1<<xidBits+1_000).String(), nil)
	topics, _, err := whole.missed(r, []string{"tasks"})
	require.NoError(t, err)
	require.Equal(t, []string{everything}, topics)
}

// change notes changed topics in a transaction, as jobs do.
func change(t *testing.T, db dbsqlc.DBTX, topics ...string) {
	t.Helper()
	require.NoError(t, dbsqlc.New(db).RecordChange(t.Context(), dbsqlc.RecordChangeParams{Topics: topics, At: time.Now()}))
}

func notify(t *testing.T, db dbsqlc.DBTX) {
	t.Helper()
	require.NoError(t, dbsqlc.New(db).NotifyChanges(t.Context(), ""))
}

func TestHubTellsSubscribersOfTheirTopics(t *testing.T) {
	t.Parallel()
	h, pool := listening(t)
	all, one, other := subscribed(t, h, "tasks"), subscribed(t, h, "balance/ann"), subscribed(t, h, "balance/bob")
	change(t, pool, "tasks/1", "tasks/2", "balance/ann")
	notify(t, pool)
	require.Equal(t, []string{"tasks/1", "tasks/2"}, told(t, all, soon))
	require.Equal(t, []string{"balance/ann"}, told(t, one, soon))
	require.Empty(t, other.take())
	change(t, pool, "tasks/3", everything)
	notify(t, pool)
	for _, s := range []*subscription{all, one, other} {
		require.Equal(t, []string{everything}, told(t, s, soon))
	}
}

func TestHubMissesNothingThatCommitsInAnotherOrder(t *testing.T) {
	t.Parallel()
	h, pool := listening(t)
	s := subscribed(t, h, "tasks")
	slow, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = slow.Rollback(context.WithoutCancel(t.Context())) }()
	change(t, slow, "tasks/slow")

	change(t, pool, "tasks/quick")
	notify(t, pool)
	require.Equal(t, []string{"tasks/quick"}, told(t, s, soon))
	require.NoError(t, slow.Commit(t.Context()))
	notify(t, pool)
	require.Equal(t, []string{"tasks/slow"}, told(t, s, soon), "and the quick one is not told again")
}

func TestHubFindsByItselfWhatNobodyNotifiedItOf(t *testing.T) {
	t.Parallel()
	h, pool := listening(t)
	s := subscribed(t, h, "tasks")
	change(t, pool, "tasks/1")
	require.Equal(t, []string{"tasks/1"}, told(t, s, lookEvery+soon))
}

func TestHubCatchesUpAfterItsConnectionWasCut(t *testing.T) {
	t.Parallel()
	h, pool := listening(t)
	s := subscribed(t, h, "tasks")
	// All but the one that asks: the hub's is among them.
	_, err := pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
	require.NoError(t, err)
	change(t, pool, "tasks/while-away")
	require.Equal(t, []string{"tasks/while-away"}, told(t, s, soon))
}

func TestASlowPageIsToldToFetchEverythingAndNeverWaitedFor(t *testing.T) {
	t.Parallel()
	h, pool := listening(t)
	slow, quick := subscribed(t, h, "tasks"), subscribed(t, h, "mine/ann")
	var topics []string
	for i := range pendingTopics + 1 {
		topics = append(topics, fmt.Sprintf("tasks/%d", i))
	}
	change(t, pool, append(topics, "mine/ann")...)
	notify(t, pool)
	require.Equal(t, []string{"mine/ann"}, told(t, quick, soon))
	require.Equal(t, []string{everything}, told(t, slow, soon))
}

func TestOnePersonCannotTakeAllStreams(t *testing.T) {
	t.Parallel()
	h := newHub(sqltest.Pool(t))
	var cancels []func()
	for range streamsOfOne {
		_, cancel, ok := h.subscribe("ann", []string{"tasks"})
		require.True(t, ok)
		cancels = append(cancels, cancel)
	}
	_, _, ok := h.subscribe("ann", []string{"tasks"})
	require.False(t, ok)
	_, cancel, ok := h.subscribe("bob", []string{"tasks"})
	require.True(t, ok)
	cancel()
	for _, cancel := range cancels {
		cancel()
	}
	require.Empty(t, h.subscribers)
	require.Empty(t, h.streams)
}

// TestAPageCatchesUpFromItsCursor is what a stream is told first, by where its page stands.
func TestAPageCatchesUpFromItsCursor(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	h := &Handlers{pool: pool, hub: newHub(pool)}
	// Transactions of other tests on the same server hold the cursor back, which is right and here in the way.
	at := func() string {
		var last string
		require.NoError(t, pool.QueryRow(t.Context(), "select coalesce(max(xid), '0')::text from log.changes").Scan(&last))
		var c cursor
		require.Eventually(t, func() bool {
			var err error
			c, err = currentCursor(t.Context(), dbsqlc.New(pool))
			if err != nil {
				return false
			}
			changed, err := c.at(last)
			return err == nil && c > changed
		}, 5*time.Minute, 10*time.Millisecond)
		return c.String()
	}
	missed := func(lastEventID, since string) []string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live?since="+since, nil)
		r.Header.Set("Last-Event-ID", lastEventID)
		topics, _, err := h.missed(r, []string{"tasks", "balance/ann"})
		require.NoError(t, err)
		return topics
	}
	change(t, pool, "tasks/0")
	rendered := at()
	change(t, pool, "tasks/1", "balance/bob")
	heard := at()
	change(t, pool, "tasks/2", "balance/ann")

	require.Equal(t, []string{"tasks/1", "tasks/2", "balance/ann"}, missed("", rendered))
	require.Equal(t, []string{"tasks/2", "balance/ann"}, missed(heard, rendered), "what it last heard of counts, not when it was rendered")
	require.Empty(t, missed("", at()))
	before := at()
	change(t, pool, everything)
	require.Equal(t, []string{everything}, missed("", before))
	require.Equal(t, []string{everything}, missed("", ""), "it does not say")
	require.Equal(t, []string{everything}, missed("", "x"))
	require.Equal(t, []string{everything}, missed("", "9000000000"), "from another life of the database")

	_, err := pool.Exec(t.Context(), "delete from log.changes where 'tasks/2' <> all(topics)")
	require.NoError(t, err)
	require.Equal(t, []string{everything}, missed("", rendered), "what it missed has been forgotten")
}
