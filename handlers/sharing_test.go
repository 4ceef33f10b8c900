package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

// sharedPage is a page of which the live part is shared, and how often it has been made.
type sharedPage struct {
	h      *Handlers
	handle func(http.ResponseWriter, *http.Request, page) error

	mu   sync.Mutex
	made []page
	// waits is told of each request that begins to wait; nil tells nobody.
	waits chan struct{}
}

// waiter is a context that tells when somebody begins to wait for its end too.
type waiter struct {
	context.Context
	waits chan<- struct{}
}

func (w waiter) Done() <-chan struct{} {
	if w.waits != nil {
		w.waits <- struct{}{}
	}
	return w.Context.Done()
}

// sharePage makes one that shows how often it was made, to whom, and what show adds.
func sharePage(show func(n int, p page) (string, error)) *sharedPage {
	s := &sharedPage{h: &Handlers{hub: &hub{process: "here", publications: 5}, parts: newSharing(newLiveMetrics())}}
	s.handle = s.h.shared(func(w http.ResponseWriter, _ *http.Request, p page) error {
		s.mu.Lock()
		s.made = append(s.made, p)
		n := len(s.made)
		s.mu.Unlock()
		text, err := show(n, p)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "text/plain")
		_, err = fmt.Fprintf(w, "%d %s %s", n, p.Person.Login, text)
		return err
	})
	return s
}

func nothingMore(int, page) (string, error) { return "", nil }

// ask has a page of this person fetch its part; publication is what it was told of, empty for another request than of a live element.
func (s *sharedPage) ask(t *testing.T, person auth.Person, publication, language string) (string, error) {
	t.Helper()
	w := httptest.NewRecorder()
	err := s.handle(w, s.request(t, publication, language), page{Person: person})
	return w.Body.String(), err
}

func (s *sharedPage) request(t *testing.T, publication, language string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(views.WithLocale(waiter{t.Context(), s.waits}, views.Locale{Language: language}), http.MethodGet, "/tasks?status=open", nil)
	for name, value := range map[string]string{"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#board", publicationHeader: publication} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	r.Header.Set("Accept-Encoding", "gzip")
	return r
}

func somebodyOf(role domain.Role, login string) auth.Person {
	return auth.Person{ID: uuid.New(), Login: login, Role: role, Status: auth.Active}
}

func TestAPartIsRenderedOnceForAChange(t *testing.T) {
	t.Parallel()
	s := sharePage(nothingMore)
	ask := func(person auth.Person, publication, language string) string {
		t.Helper()
		body, err := s.ask(t, person, publication, language)
		require.NoError(t, err)
		return body
	}
	ann, bob := somebodyOf(domain.Manager, "ann"), somebodyOf(domain.Manager, "bob")
	require.Equal(t, "1  ", ask(ann, "here.5", "en"), "made for nobody in particular")
	require.Equal(t, "1  ", ask(bob, "here.5", "en"))
	require.Equal(t, "1  ", ask(bob, "here.4", "en"), "it knows more than the page was told")
	require.Equal(t, domain.Manager, s.made[0].Person.Role)
	require.Equal(t, &views.Viewer{Role: domain.Manager}, s.made[0].Viewer)

	require.Equal(t, "2  ", ask(bob, "here.5", "ru"), "another language")
	require.Equal(t, "3  ", ask(somebodyOf(domain.Admin, "cat"), "here.5", "en"), "another role")
	require.Equal(t, "4 bob ", ask(bob, "", "en"), "no live element")
	s.h.hub.publish([]string{"tasks"})
	require.Equal(t, "1  ", ask(ann, "here.5", "en"), "was not told of it yet")
	require.Equal(t, "5  ", ask(ann, "here.6", "en"))
	require.Equal(t, "5  ", ask(ann, "here.5", "en"), "no page goes back")
	require.Equal(t, "6  ", ask(ann, "there.1", "en"), "another process knows of what this one has not heard of")
	require.Equal(t, "7  ", ask(ann, "none", "en"))
	s.h.parts.now = func() time.Time { return time.Now().Add(partKept) }
	require.Equal(t, "8  ", ask(ann, "here.6", "en"), "too old")
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.h.parts.metrics.parts)
	for outcome, n := range map[string]int{partRendered: 7, partServed: 11, partAlone: 0} {
		require.Contains(t, scrape(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})), fmt.Sprintf("ates_live_parts_total{outcome=%q} %d\n", outcome, n))
	}
}

// A page that knows of no publication may ask because of anything, so that only what is read after that will do.
func TestWhoComesWhileAPartIsRenderedGetsTheNext(t *testing.T) {
	t.Parallel()
	first, begun := make(chan struct{}), make(chan struct{})
	s := sharePage(func(n int, _ page) (string, error) {
		if n == 1 {
			close(begun)
			<-first
		}
		return "", nil
	})
	const later = 40
	s.waits = make(chan struct{}, 3*later)
	var group sync.WaitGroup
	var answers sync.Map
	ask := func(name, publication string) {
		group.Go(func() {
			body, err := s.ask(t, somebodyOf(domain.Manager, name), publication, "en")
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			answers.Store(name, body)
		})
	}
	ask("first", "none")
	<-begun
	for n := range later / 2 {
		ask(fmt.Sprintf("later %d", n), "none")
		ask(fmt.Sprintf("told %d", n), "here.5")
	}
	for range later {
		select {
		case <-s.waits:
		case <-time.After(soon):
			t.Fatal("not all of them wait")
		}
	}
	close(first)
	group.Wait()
	require.Len(t, s.made, 2, "one for all who came while the first was made")
	answers.Range(func(name, body any) bool {
		switch {
		case name == "first":
			require.Equal(t, "1  ", body)
		case name.(string)[:4] == "late":
			require.Equal(t, "2  ", body, name)
		default:
			require.Contains(t, []string{"1  ", "2  "}, body, name)
		}
		return true
	})
}

func TestAPartIsMadeForThoseItConcerns(t *testing.T) {
	t.Parallel()
	ann, bob := somebodyOf(domain.Worker, "ann"), somebodyOf(domain.Worker, "bob")
	task := uuid.New()
	s := sharePage(func(_ int, p page) (string, error) {
		return fmt.Sprint(p.resolveForm(task, "open", ann.ID, 1) != nil, p.resolveForm(task, "resolved", bob.ID, 1) != nil), nil
	})
	for range 2 {
		body, err := s.ask(t, bob, "here.5", "en")
		require.NoError(t, err)
		require.Equal(t, "1  false false", body)
	}
	for n := 2; n < 4; n++ {
		body, err := s.ask(t, ann, "here.5", "en")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d ann true false", n), body, "her own")
	}
}

func TestAPartThatCannotBeMadeFailsForEachByItself(t *testing.T) {
	t.Parallel()
	fault := errors.New("the database is away")
	s := sharePage(func(int, page) (string, error) { return "", fault })
	for _, login := range []string{"ann", "bob"} {
		_, err := s.ask(t, somebodyOf(domain.Manager, login), "here.5", "en")
		require.ErrorIs(t, err, fault)
		require.Equal(t, login, s.made[len(s.made)-1].Person.Login)
	}
	half := s.h.shared(func(w http.ResponseWriter, _ *http.Request, p page) error {
		if _, err := w.Write(make([]byte, 10_000)); err != nil || p.Person.Login == "ann" {
			return err
		}
		return fault
	})
	w := httptest.NewRecorder()
	require.NoError(t, half(w, s.request(t, "here.5", "en"), page{Person: somebodyOf(domain.Manager, "ann")}))
	require.Empty(t, w.Header().Get("Content-Encoding"), "half of a part serves nobody")

	s = sharePage(func(n int, _ page) (string, error) {
		if n == 1 {
			panic("a part")
		}
		return "", nil
	})
	require.Panics(t, func() { _, _ = s.ask(t, somebodyOf(domain.Manager, "ann"), "here.5", "en") })
	body, err := s.ask(t, somebodyOf(domain.Manager, "bob"), "here.5", "en")
	require.NoError(t, err)
	require.Equal(t, "2  ", body, "nobody waits for one that will never come")
}

func TestSharedPartsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSharing(newLiveMetrics())
	now := time.Now()
	s.now = func() time.Time { return now }
	find := func(n int) *part {
		return s.find(t.Context(), partKey{address: fmt.Sprint(n)}, 0, func() int64 { return 1 }, func(p *part) { p.whole = true })
	}
	for n := range partsKept {
		require.NotNil(t, find(n))
	}
	require.Nil(t, find(partsKept), "one too many is not shared")
	require.NotNil(t, find(0), "those that there are still are")
	now = now.Add(partKept)
	require.NotNil(t, find(partsKept))
	require.Len(t, s.parts, 1, "what is too old is gone")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	slow := &part{done: make(chan struct{}), number: 1}
	s.parts[partKey{}] = slow
	require.Nil(t, s.find(ctx, partKey{}, 0, func() int64 { return 1 }, nil), "who is gone does not wait")
}
