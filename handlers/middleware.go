package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

// around is what every request passes through, the outermost first. A stream has no part in what is only for answers that end: its stack
// and what a request carries stay for as long as the page is open, and the deeper it waits the more that is.
func (h *Handlers) around(site, streams http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.failed(w, r, &domain.Refusal{Kind: domain.Forbidden, Code: "request.cross_origin",
			Message: "This form was sent from another site, so nothing was done. Open the page here and send it again."})
	}))
	answers := h.localized(h.headers(compressed(h.recovered(crossOrigin.Handler(h.limited(h.readable(site)))))))
	streams = h.headers(h.recovered(streams))
	return h.identify(h.watched(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == liveRoute && r.Method == http.MethodGet {
			streams.ServeHTTP(w, r)
			return
		}
		answers.ServeHTTP(w, r)
	})))
}

// compressed compresses answers for those who take them so. It is not for streams: their pieces are names of topics, of which the smallest is
// no longer than what ends a compressed piece, and a compressor keeps over a megabyte for as long as a stream is open.
func compressed(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) }

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// identify gives each request an id, its own if it brings a sensible one, and answers with it.
func (h *Handlers) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-ID")
		if !requestID.MatchString(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Request-ID", id)
		next.ServeHTTP(w, r.WithContext(domain.WithRequestID(r.Context(), id)))
	})
}

// answer remembers the status that a handler answered with.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	// These would send a form on, password and all. Routers answer with them where a path is not in its shortest form (RFC 9700 4.12).
	if status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect {
		status = http.StatusSeeOther
	}
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Flush is for what wraps an answer and asks for http.Flusher, as the compression does.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// recovered turns a panic into the page for faults.
func (h *Handlers) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(value)
			}
			h.failed(w, r, fmt.Errorf("panic: %v\n%s", value, debug.Stack()))
		}()
		next.ServeHTTP(w, r)
	})
}

// The content security policy: everything from here, nothing inline, no frame around it. River's dashboard sets inline styles.
const (
	policy          = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	dashboardPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// headers are the protections that every answer carries.
func (h *Handlers) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		if h.secure() {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

const (
	// maxForm is the largest form: the longest description, four bytes a character, percent-encoded, and its small fields.
	maxForm = 32 << 10
	// maxImport is the largest file of people.
	maxImport = 1 << 20
	// answerWithin is how long a page may take. Streams are not pages, and a file takes as long as there is something in it.
	answerWithin = 15 * time.Second
)

// limited bounds what a request may send and how long its answer may take.
func (h *Handlers) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxForm)
		if strings.HasPrefix(r.URL.Path, importPath) {
			most = maxImportForm
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if strings.HasSuffix(r.URL.Path, ".csv") {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// readable refuses an address whose query cannot be read to its end: what is left of a filter without its rest shows wrong rows.
func (h *Handlers) readable(next http.Handler) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			return &domain.Refusal{Kind: domain.Invalid, Code: "request.address_unreadable",
				Message: "The address of this page cannot be read. Check it, or go to the page again."}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// page is a request of somebody who is signed in: who they are now, and the frame of the page they are shown.
type page struct {
	views.Page
	Person auth.Person
	// Key is a new idempotency key, for the forms of this page.
	Key string
	// differsFor is told of people for whom a page that is made for a role would be another one; nil where it is made for the person.
	differsFor func(uuid.UUID)
}

// by is the person as the one who asks for a command, under the idempotency key that the form carried.
func (p page) by(r *http.Request) domain.Request {
	return domain.Request{By: p.Person.Actor(), Key: r.PostFormValue("idempotency_key")}
}

// signedIn lets in who is signed in and active and has one of the roles, if any are named. Others are sent to sign in or
// told that they may not.
func (h *Handlers) signedIn(handle func(http.ResponseWriter, *http.Request, page) error, roles ...domain.Role) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		person, ok, err := h.person(r)
		if err != nil {
			return err
		}
		if !ok {
			h.askToSignIn(w, r)
			return nil
		}
		if r.Method != http.MethodGet {
			if err := h.rated(w, r, person.ID.String()); err != nil {
				return err
			}
		}
		p := page{Person: person, Page: h.frame(r, &person)}
		if len(roles) > 0 && !slices.Contains(roles, person.Role) {
			return &domain.Refusal{Kind: domain.Forbidden, Code: "page.not_for_role",
				Message: "Your role does not give you access to this page."}
		}
		// What depends on the person must not be found by the next one at the same machine.
		w.Header().Set("Cache-Control", "no-store")
		return handle(h.noting(w, r), r, p)
	})
}

// person is who is signed in, as they are now.
func (h *Handlers) person(r *http.Request) (auth.Person, bool, error) {
	id, ok := h.sessions.Person(r.Context())
	if !ok {
		return auth.Person{}, false, nil
	}
	person, err := auth.FindPerson(r.Context(), h.pool, id)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		return auth.Person{}, false, nil
	}
	return person, err == nil && person.Status == auth.Active, err
}

// askToSignIn sends a page to the sign-in and a part of a page to where the whole page is sent: a sign-in page inside a
// table would help nobody.
func (h *Handlers) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if isHTMX(r) {
		w.Header().Set("HX-Redirect", loginURL(r.Header.Get("HX-Current-URL")))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	back := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		if h.OpenID != nil {
			// A form may not be redirected to another site, see leave.
			h.showError(w, r, views.ErrorData{Status: http.StatusUnauthorized})
			return
		}
		back = "/"
	}
	http.Redirect(w, r, loginURL(back), http.StatusSeeOther)
}

// public adapts a handler that returns its errors.
func (h *Handlers) public(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			h.failed(w, r, err)
		}
	})
}
