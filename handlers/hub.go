package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

// hub tells open pages which topics have changed. One connection of the process listens for notifications; what changed is
// read from log.changes, from a cursor on, so that a lost notification costs a moment and never a change.
//
// A topic is a word, or a word and a key such as "balance/<person>". Who subscribes to a word hears of all its keys.
type hub struct {
	config  *pgx.ConnConfig
	metrics *liveMetrics
	tracer  trace.Tracer

	mu          sync.Mutex
	subscribers map[string]map[*subscription]struct{}
	streams     map[string]int
	cursor      cursor
	listening   bool
	// publications counts those of this process, whose name tells them from those of others.
	process      string
	publications int64
}

// cursor is a place in the changes of the database: whoever has read anything at a cursor has seen every change below it. It is a
// transaction on a timeline of the server. When a standby takes over it counts transactions on from the last that it has heard of, while
// readers may have been further, so that a cursor of the timeline before says nothing of what comes; it is below all of the new one.
type cursor uint64

// xidBits are those of a cursor that are the transaction; above them is the timeline.
const xidBits = 44

func (c cursor) String() string { return strconv.FormatUint(uint64(c), 10) }

// xid is the transaction, as Postgres reads it.
func (c cursor) xid() string { return strconv.FormatUint(uint64(c)&(1<<xidBits-1), 10) }

func (c cursor) timeline() uint64 { return uint64(c) >> xidBits }

// at is the cursor of a transaction on the same timeline.
func (c cursor) at(xid string) (cursor, error) {
	n, err := strconv.ParseUint(xid, 10, xidBits)
	return cursor(c.timeline()<<xidBits | n), err
}

func parseCursor(s string) (cursor, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return cursor(n), err
}

const (
	// lookEvery is how long a change can go unnoticed whose notification was lost.
	lookEvery = 5 * time.Second
	// lookWithin is how long a look may take. A server that has fallen silent would hold the listening connection for ever.
	lookWithin = 5 * time.Second
	// reconnectAfter is the pause before the listening connection is made anew.
	reconnectAfter = time.Second
	// pendingTopics is how many topics wait for a slow page before it is told to fetch everything again.
	pendingTopics = 100
	// streamsOfOne is how many streams one person may have open in one process.
	streamsOfOne = 32
)

// everything is the topic that stands for all of them.
const everything = "*"

func newHub(pool *pgxpool.Pool) *hub {
	return &hub{
		config: pool.Config().ConnConfig.Copy(), metrics: newLiveMetrics(), subscribers: map[string]map[*subscription]struct{}{}, streams: map[string]int{},
		process: rand.Text()[:8],
	}
}

// open is how many streams are open in this process.
func (h *hub) open() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, streams := range h.streams {
		n += streams
	}
	return n
}

// run listens until the context ends, through any loss of the connection.
func (h *hub) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := h.listen(ctx)
		h.mu.Lock()
		h.listening = false
		h.mu.Unlock()
		if ctx.Err() == nil {
			h.metrics.reconnects.Inc()
			slog.WarnContext(ctx, "live pages lost their connection to Postgres; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectAfter):
		}
	}
}

// listen looks at the changes whenever a notification comes, and now and then without one.
func (h *hub) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, h.config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := within(ctx, lookWithin, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "listen changes")
		return err
	}); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	seen, heard := map[int64]bool{}, ""
	for {
		traced := beginTelling(ctx, h.tracer, heard)
		var streams int
		err = within(ctx, lookWithin, func(ctx context.Context) (err error) {
			seen, streams, err = h.look(ctx, dbsqlc.New(conn), seen)
			return err
		})
		endTelling(traced, streams, err)
		if err != nil {
			return err
		}
		waiting, stop := context.WithTimeout(ctx, lookEvery)
		note, err := conn.WaitForNotification(waiting)
		stop()
		if heard = ""; note != nil {
			heard = note.Payload
		}
		if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return fmt.Errorf("wait for a notification: %w", err)
		}
	}
}

// within does something that may not take longer than this.
func within(ctx context.Context, longest time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return do(ctx)
}

// look publishes the changes since the last look and moves the cursor on. Seen are the changes that the last look found, some
// of which are still above the cursor; the answer are those that this one found, and how many streams wanted to hear of something.
func (h *hub) look(ctx context.Context, q *dbsqlc.Queries, seen map[int64]bool) (found map[int64]bool, streams int, err error) {
	next, err := currentCursor(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	h.mu.Lock()
	from := h.cursor
	h.mu.Unlock()
	found = map[int64]bool{}
	var topics []string
	switch {
	case from == 0:
	case from.timeline() != next.timeline():
		topics = []string{everything}
	default:
		changes, err := q.ReadChanges(ctx, from.xid())
		if err != nil {
			return nil, 0, fmt.Errorf("read changes: %w", err)
		}
		for _, c := range changes {
			found[c.Position] = true
			if !seen[c.Position] {
				topics = append(topics, c.Topics...)
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cursor, h.listening = next, true
	return found, h.publish(topics), nil
}

// currentCursor is the cursor for what is read from now on.
func currentCursor(ctx context.Context, q *dbsqlc.Queries) (cursor, error) {
	now, err := q.CurrentCursor(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the cursor: %w", err)
	}
	return cursor(uint64(now.Timeline) << xidBits).at(now.Xid)
}

// publish hands topics to those who want them, to each all at once, and returns how many they are. The caller holds the lock.
func (h *hub) publish(topics []string) int {
	if len(topics) > 0 {
		h.publications++
	}
	wanted := map[*subscription][]string{}
	for _, topic := range topics {
		if topic == everything {
			for _, subscribers := range h.subscribers {
				for s := range subscribers {
					wanted[s] = append(wanted[s], topic)
				}
			}
		}
		for s := range h.subscribers[topic] {
			wanted[s] = append(wanted[s], topic)
		}
		if word, _, keyed := strings.Cut(topic, "/"); keyed {
			for s := range h.subscribers[word] {
				wanted[s] = append(wanted[s], topic)
			}
		}
	}
	for s, topics := range wanted {
		s.add(topics)
	}
	return len(wanted)
}

// published is the number of the last publication. Whoever reads the database after it sees everything that it told of.
func (h *hub) published() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.publications
}

// publication is how a page names a publication of this process that it was told of.
func (h *hub) publication(n int64) string { return h.process + "." + strconv.FormatInt(n, 10) }

// publicationOf is the number of a publication that a page names, 0 where it is none of this process.
func (h *hub) publicationOf(name string) int64 {
	process, n, _ := strings.Cut(name, ".")
	number, err := strconv.ParseInt(n, 10, 64)
	if process != h.process || err != nil {
		return 0
	}
	return number
}

// poke has the streams of a person look at their rights at once.
func (h *hub) poke(person uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.publish([]string{auth.PersonTopic(person)})
}

// ready reports whether the hub hears of changes.
func (h *hub) ready() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listening
}

// subscription is what one stream has still to be told. It never grows beyond pendingTopics and is never waited for.
type subscription struct {
	wake chan struct{}

	mu      sync.Mutex
	pending map[string]bool
}

// add notes topics and wakes the stream.
func (s *subscription) add(topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range topics {
		if !s.pending[everything] {
			s.pending[topic] = true
		}
		if topic == everything || len(s.pending) > pendingTopics {
			s.pending = map[string]bool{everything: true}
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take empties the subscription.
func (s *subscription) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	topics := make([]string, 0, len(s.pending))
	for t := range s.pending {
		topics = append(topics, t)
	}
	clear(s.pending)
	slices.Sort(topics)
	return topics
}

// subscribe begins to collect topics for a person's stream; cancel ends it. It is refused when the person has too many.
func (h *hub) subscribe(person string, topics []string) (s *subscription, cancel func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[person] >= streamsOfOne {
		return nil, nil, false
	}
	h.streams[person]++
	s = &subscription{wake: make(chan struct{}, 1), pending: map[string]bool{}}
	for _, t := range topics {
		if h.subscribers[t] == nil {
			h.subscribers[t] = map[*subscription]struct{}{}
		}
		h.subscribers[t][s] = struct{}{}
	}
	return s, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.streams[person]--; h.streams[person] == 0 {
			delete(h.streams, person)
		}
		for _, t := range topics {
			if delete(h.subscribers[t], s); len(h.subscribers[t]) == 0 {
				delete(h.subscribers, t)
			}
		}
	}, true
}

// wants reports whether a subscriber of the topics hears of topic.
func wants(subscribed []string, topic string) bool {
	word, _, _ := strings.Cut(topic, "/")
	return topic == everything || slices.Contains(subscribed, topic) || slices.Contains(subscribed, word)
}

// at is the hub's cursor: everything below it has been published.
func (h *hub) at() cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cursor
}
