package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

const (
	// pingEvery is how often a stream shows that it lives and looks whether its session still does. Pages open a new
	// stream after 45 s of silence.
	pingEvery = 20 * time.Second
	// writeWithin is how long a client may take to accept what is written to it.
	writeWithin = 10 * time.Second
)

// topicsFor are the topics that a person's pages may hear of: what section 4 of the specification lets them see.
func topicsFor(p auth.Person) []string {
	topics := []string{"tasks", "draws", "entries", auth.PersonTopic(p.ID), domain.NotificationsTopic(p.ID)}
	if p.Role == domain.Worker {
		topics = append(topics, "mine/"+p.ID.String(), "balance/"+p.ID.String())
	}
	if p.Actor().Is(domain.Manager, domain.TopManager) {
		topics = append(topics, "accounting")
	}
	if p.Role == domain.TopManager {
		topics = append(topics, "analytics")
	}
	if p.Role == domain.Admin {
		topics = append(topics, "people", "ops")
	}
	return topics
}

// live streams to a page which topics have changed; the page then fetches what it shows, with the rights it has. It names
// topics only, never data. Where nobody is signed in it answers 401, since a page would follow a redirect for ever.
//
// Events are hello; change, whose data is a list of topics, "*" for all, with publication before it, whose data the page sends along when
// it fetches what has changed; ping; moved, when this process ends and another one may be asked at once; and bye, when the session has ended
// or has another role. The id of an event is the cursor to come back with.
func (h *Handlers) live(w http.ResponseWriter, r *http.Request) {
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		http.Error(w, "The address of this stream cannot be read.", http.StatusUnprocessableEntity)
		return
	}
	var person auth.Person
	var ok bool
	var err error
	aside(func() { person, ok, err = h.alive(r) })
	if err != nil {
		h.logFault(r, err)
		http.Error(w, "The session cannot be looked up at the moment.", http.StatusServiceUnavailable)
		return
	}
	if !ok {
		http.Error(w, "Sign in first.", http.StatusUnauthorized)
		return
	}
	topics := topicsFor(person)
	subscription, cancel, ok := h.hub.subscribe(person.ID.String(), topics)
	if !ok {
		http.Error(w, "You have too many pages open. Close some.", http.StatusTooManyRequests)
		return
	}
	defer cancel()

	s := &stream{w: w, control: http.NewResponseController(w), metrics: h.hub.metrics}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	var missed []string
	var from cursor
	aside(func() { missed, from, err = h.missed(r, topics) })
	if err != nil {
		h.logFault(r, err)
		http.Error(w, "What changed cannot be read at the moment.", http.StatusServiceUnavailable)
		return
	}
	s.hello(from)
	s.change(missed, from, "")

	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for s.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-h.stopping:
			s.moved()
			return
		case <-ping.C:
			if !h.stillAllowed(s, r, person) {
				return
			}
			at, changed, publication := h.told(subscription)
			s.change(changed, at, publication)
			s.send("ping", at.String(), struct{}{})
		case <-subscription.wake:
			at, changed, publication := h.told(subscription)
			if slices.Contains(changed, auth.PersonTopic(person.ID)) && !h.stillAllowed(s, r, person) {
				return
			}
			s.change(changed, at, publication)
		}
	}
}

// aside does something in a goroutine of its own. What asks the database needs a deep stack, and a stack that has grown stays so for as
// long as the stream is open, or for several collections of garbage.
func aside(do func()) {
	over := make(chan any, 1)
	go func() {
		defer func() { over <- recover() }()
		do()
	}()
	if fault := <-over; fault != nil {
		panic(fault)
	}
}

// told empties a subscription; everything below the cursor is among its topics or was before, and nothing of a later publication is.
func (h *Handlers) told(s *subscription) (at cursor, topics []string, publication string) {
	at = h.hub.at() // first: what is published after it may be among the topics, what was before it is
	topics = s.take()
	return at, topics, h.hub.publication(h.hub.published())
}

// alive is who the request's session belongs to, if it lives and they are active.
func (h *Handlers) alive(r *http.Request) (auth.Person, bool, error) {
	id, ok, err := h.sessions.Alive(r.Context(), r)
	if err != nil || !ok {
		return auth.Person{}, false, err
	}
	person, err := auth.FindPerson(r.Context(), h.pool, id)
	if err != nil {
		return auth.Person{}, false, fmt.Errorf("find the person of a session: %w", err)
	}
	return person, person.Status == auth.Active, nil
}

// stillAllowed reports whether a stream may go on. It says bye where the session has ended or the person has another role: the
// page then goes to the sign-in, which lets them in again without a question and with the menu of their role.
func (h *Handlers) stillAllowed(s *stream, r *http.Request, was auth.Person) bool {
	var is auth.Person
	var ok bool
	var err error
	aside(func() { is, ok, err = h.alive(r) })
	if err != nil {
		h.logFault(r, err)
		return false
	}
	if !ok || is.Role != was.Role {
		s.send("bye", "", struct{}{})
		return false
	}
	return true
}

// missed are the topics that changed since the cursor with which a page comes: the one it last heard of, else the one it was
// rendered with. A page that comes without one, has been away for too long, or was here before another server took over, fetches everything.
func (h *Handlers) missed(r *http.Request, subscribed []string) (topics []string, from cursor, err error) {
	q := dbsqlc.New(h.pool)
	if from, err = currentCursor(r.Context(), q); err != nil {
		return nil, 0, err
	}
	since, known := cursorOf(r)
	if !known || since > from {
		return []string{everything}, from, nil
	}
	text, err := q.OldestChange(r.Context())
	if err != nil {
		return nil, 0, fmt.Errorf("read the oldest change: %w", err)
	}
	oldest, err := from.at(text)
	if err != nil {
		return nil, 0, err
	}
	if since < oldest {
		return []string{everything}, from, nil
	}
	changes, err := q.ReadChanges(r.Context(), since.xid())
	if err != nil {
		return nil, 0, fmt.Errorf("read changes: %w", err)
	}
	for _, c := range changes {
		for _, topic := range c.Topics {
			if wants(subscribed, topic) && !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
		if len(topics) > pendingTopics {
			return []string{everything}, from, nil
		}
	}
	return topics, from, nil
}

// cursorOf is the cursor with which a page comes, if it does with one.
func cursorOf(r *http.Request) (since cursor, ok bool) {
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")} {
		if since, err := parseCursor(text); err == nil {
			return since, true
		}
	}
	return 0, false
}

// stream writes server-sent events. After the first error it writes no more.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	metrics *liveMetrics
	err     error
}

// hello greets a page and tells it how long to wait before it comes back: not all pages the same, or they would all come at
// once when the server is back.
func (s *stream) hello(at cursor) {
	s.write(fmt.Sprintf("retry: %d\n", 1500+rand.IntN(3500)))
	// Without an id: a page that is cut off before it has heard what it missed must ask for that again.
	s.send("hello", "", map[string]string{"cursor": at.String()})
}

// moved sends a page to whichever process answers, within two seconds: not all pages at once.
func (s *stream) moved() {
	s.write(fmt.Sprintf("retry: %d\n", 100+rand.IntN(1200)))
	s.send("moved", "", struct{}{}) // a time to wait counts only with an event
}

// change names changed topics, if there are any, and the publication by which they are known, where they are of one.
func (s *stream) change(topics []string, at cursor, publication string) {
	if len(topics) > 0 {
		if publication != "" {
			s.write("event: publication\ndata: " + strconv.Quote(publication) + "\n\n")
		}
		s.send("change", at.String(), topics)
		if s.err == nil && slices.Contains(topics, everything) {
			s.metrics.reloads.Inc()
		}
	}
}

func (s *stream) send(event, id string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil {
		s.err = err
		return
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	s.write("event: " + event + "\n" + id + "data: " + string(encoded) + "\n\n")
	if s.err == nil {
		s.err = s.control.Flush()
	}
	if s.err == nil {
		s.metrics.sent.WithLabelValues(event).Inc()
	}
}

func (s *stream) write(text string) {
	if s.err == nil {
		s.err = s.control.SetWriteDeadline(time.Now().Add(writeWithin))
	}
	if s.err == nil {
		_, s.err = s.w.Write([]byte(text))
	}
}

// Listen keeps the open pages of this process up to date until the context ends, and looks how the standby is, if there is one.
func (h *Handlers) Listen(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { h.hub.run(ctx) })
	if h.standby != nil {
		group.Go(func() { h.standby.run(ctx) })
	}
	group.Wait()
}
