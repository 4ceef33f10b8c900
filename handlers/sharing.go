package handlers

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

const (
	// publicationHeader is where the request of a live element for itself says which publication of changes its page was last told of.
	publicationHeader = "Live-Publication"
	// partKept is for how long a rendered part serves pages that were told of the same change: they ask for it within a moment.
	partKept = 2 * time.Second
	// partsKept is how many parts are kept at most; when there are more, each page has its own rendered.
	partsKept = 500
)

// sharing has a part that many open pages show read and rendered once for all of them when it has changed.
//
// A rendering serves a request if it began after the request came, or after the publication that the request's page was told of: what
// made the page ask is in it. A newer rendering takes the place of an older one, so that no page goes back.
type sharing struct {
	metrics *liveMetrics
	now     func() time.Time

	mu    sync.Mutex
	begun int64 // how many renderings have begun
	parts map[partKey]*part
}

func newSharing(m *liveMetrics) *sharing {
	return &sharing{metrics: m, now: time.Now, parts: map[partKey]*part{}}
}

// partKey is what a part depends on, beside the database. The time zone and the currency are the company's.
type partKey struct {
	address, fragment, language, encoding string
	role                                  domain.Role
}

// part is a rendering that is shared.
type part struct {
	number int64 // of the rendering
	knows  int64 // the last publication before it began
	at     time.Time
	done   chan struct{}

	// What follows is known once it is done; whole says that it is an answer, with a status of 200.
	whole  bool
	header http.Header
	status int
	body   bytes.Buffer
	// apart are the people of the role for whom the part is another one.
	apart map[uuid.UUID]bool
}

func (p *part) Header() http.Header    { return p.header }
func (p *part) WriteHeader(status int) { p.status = status }

func (p *part) Write(b []byte) (int, error) {
	p.status = cmp.Or(p.status, http.StatusOK)
	return p.body.Write(b)
}

func (p *part) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// failed reports whether it is over and nobody can use it.
func (p *part) failed() bool { return p.over() && !p.whole }

// find returns a part that serves a request whose page was told of a publication, 0 for none: one that there is or will be in a moment, or
// else the one that render makes. It returns nil when that has failed, or would take longer than the request may.
func (s *sharing) find(ctx context.Context, key partKey, told int64, published func() int64, render func(*part)) *part {
	s.mu.Lock()
	after := s.begun
	for {
		p := s.parts[key]
		switch {
		case p != nil && (p.number > after || told > 0 && p.knows >= told && s.now().Sub(p.at) < partKept && !p.failed()):
			s.mu.Unlock()
			return s.await(ctx, p)
		case p == nil || p.over():
			if p = s.begin(key, published()); p == nil {
				s.mu.Unlock()
				return nil
			}
			s.mu.Unlock()
			s.metrics.parts.WithLabelValues(partRendered).Inc()
			func() {
				defer close(p.done) // also when it panics
				render(p)
			}()
			return s.await(ctx, p)
		}
		s.mu.Unlock()
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil
		}
		s.mu.Lock()
	}
}

// begin makes the next rendering of a part, nil when there are too many. The caller holds the lock.
func (s *sharing) begin(key partKey, published int64) *part {
	now := s.now()
	for k, p := range s.parts {
		if p.over() && now.Sub(p.at) >= partKept {
			delete(s.parts, k)
		}
	}
	if s.parts[key] == nil && len(s.parts) >= partsKept {
		return nil
	}
	s.begun++
	p := &part{number: s.begun, knows: published, at: now, done: make(chan struct{}), header: http.Header{}, apart: map[uuid.UUID]bool{}}
	s.parts[key] = p
	return p
}

func (s *sharing) await(ctx context.Context, p *part) *part {
	select {
	case <-p.done:
	case <-ctx.Done():
		return nil
	}
	if p.failed() {
		return nil
	}
	return p
}

// shared has the live parts of a page rendered once for all people of a role who look at them. The page is made for nobody in particular:
// where it would be another one for somebody, it says so by page.differsFor.
func (h *Handlers) shared(handle func(http.ResponseWriter, *http.Request, page) error) func(http.ResponseWriter, *http.Request, page) error {
	return func(w http.ResponseWriter, r *http.Request, p page) error {
		id := fragment(r)
		if id == "" || r.Header.Get(publicationHeader) == "" {
			return handle(w, r, p)
		}
		key := partKey{
			address: r.URL.RequestURI(), fragment: id, language: views.Language(r.Context()), encoding: r.Header.Get("Accept-Encoding"), role: p.Person.Role,
		}
		made := h.parts.find(r.Context(), key, h.hub.publicationOf(r.Header.Get(publicationHeader)), h.hub.published, func(made *part) {
			h.render(made, r, p, handle)
		})
		if made == nil || made.apart[p.Person.ID] {
			h.parts.metrics.parts.WithLabelValues(partAlone).Inc()
			return handle(w, r, p)
		}
		h.parts.metrics.parts.WithLabelValues(partServed).Inc()
		for name, values := range made.header {
			w.Header()[name] = append(w.Header()[name], values...) // Vary has been begun
		}
		w.WriteHeader(made.status)
		_, err := w.Write(made.body.Bytes())
		return err
	}
}

// render makes a part as it is for anybody of the role, compressed as its key says. It does not end with the request that asked first,
// which is not the only one.
func (h *Handlers) render(made *part, r *http.Request, p page, handle func(http.ResponseWriter, *http.Request, page) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
	defer cancel()
	p.Person = auth.Person{Role: p.Person.Role, Status: p.Person.Status}
	p.Viewer = &views.Viewer{Role: p.Person.Role}
	p.differsFor = func(person uuid.UUID) { made.apart[person] = true }
	var err error
	gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err = handle(w, r, p)
	})).ServeHTTP(made, r.WithContext(ctx))
	made.whole = err == nil && made.status == http.StatusOK // else each request finds out by itself
}
