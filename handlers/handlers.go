// Package handlers is the web side: pages, forms, the live stream, the OAuth client and the Auth-Service's pages. A handler
// decodes a request, asks for a command or a query, and shows a view; it returns its errors. It knows no jobs: what a command
// sets off is none of its business. A new page is a handler in the file of its family and a line in routes.go.
package handlers

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/httprate"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/views"
)

// Commands runs commands; what a command answers is in its fields.
type Commands interface {
	Do(ctx context.Context, cmd domain.Command) error
}

// Config is what the web side needs from outside.
type Config struct {
	Pool *pgxpool.Pool
	// Direct reaches Postgres itself, to listen; nil is the pool, where no pooler is between.
	Direct *pgxpool.Pool
	// Standby is a copy of the database that follows it, for pages that read much; nil is none.
	Standby  *pgxpool.Pool
	Commands Commands
	// PublicURL is how people reach the program, without a slash at the end.
	PublicURL string
	// Books and Currency are how amounts and days are shown.
	Books    accounting.Books
	Currency string
	// OpenID is who says who people are; nil is the embedded Auth-Service.
	OpenID *OpenIDProvider
	// Demo offers the demo people on the sign-in page.
	Demo bool
	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Clients are the other programs whose people sign in with the Auth-Service.
	Clients []Client
	// Operations looks at the queues.
	Operations Operations
	// Letter is a mail of a context, as it is sent.
	Letter func(ctx context.Context, producer string, id int64) (views.Letter, error)
	// Dashboard is River's, for the paths under /ops/jobs/.
	Dashboard http.Handler
	// Now is the program's clock.
	Now func() time.Time
	// MetricsToken is what whoever reads the metrics has to show; without one they are for this machine.
	MetricsToken string
	// Tracer traces requests and what open pages are told; nil traces nothing.
	Tracer trace.Tracer
	// Dependencies are what the process needs beside the database.
	Dependencies []Dependency
	// Metrics are those of the rest of the process.
	Metrics []prometheus.Collector
	// Version is shown at the foot of every page.
	Version string
}

// Handlers serve the site.
type Handlers struct {
	Config
	pool     *pgxpool.Pool
	queries  *dbsqlc.Queries
	commands Commands
	hub      *hub
	standby  *standby // nil where there is none
	boards   *boardWatch
	parts    *sharing
	requests *requestMetrics
	rates    *httprate.RateLimiter
	sessions *sessions
	signIn   *signIn
	provider http.Handler // nil where people sign in elsewhere
	// forgetBrowser ends what the embedded provider knows of a browser; nil where people sign in elsewhere.
	forgetBrowser func(http.ResponseWriter, *http.Request) error
	stopping      chan struct{}
	handler       http.Handler
	watch         http.Handler // the metrics
	paidUntil     paidUntil
	missing       atomic.Pointer[string] // what was missing when somebody last asked
}

// ServeHTTP answers a request.
func (h *Handlers) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

// Stop ends all streams, so that the server can shut down. It may be called once.
func (h *Handlers) Stop() { close(h.stopping) }

// secure reports whether people reach the program over TLS.
func (h *Handlers) secure() bool { return strings.HasPrefix(h.PublicURL, "https://") }

// localized puts into the context how the reader is spoken to.
func (h *Handlers) localized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		language := views.MatchLanguage(cookie(r, languageCookie), r.Header.Get("Accept-Language"))
		w.Header().Add("Vary", "Accept-Language, Cookie")
		next.ServeHTTP(w, r.WithContext(views.WithLocale(r.Context(), views.Locale{Language: language, Zone: h.Books.Zone, Currency: h.Currency})))
	})
}

// frame is what surrounds the page that a request asks for; person is nil when nobody is signed in.
func (h *Handlers) frame(r *http.Request, person *auth.Person) views.Page {
	p := views.Page{
		Path: typed(r.URL.RequestURI()), Theme: cookie(r, themeCookie), Density: cookie(r, densityCookie), Now: h.Now(), SignsInHere: h.provider != nil,
		RequestID: domain.RequestID(r.Context()), Version: h.Version,
	}
	if person != nil {
		p.Viewer = &views.Viewer{ID: person.ID.String(), Login: person.Login, Name: person.Name, Role: person.Role}
	}
	return p
}

// isHTMX reports whether htmx sent a request, to swap the answer into the page it stands in.
func isHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// fragment is the name of the part of a page that htmx asks for: the id of the element that is to be replaced. It is empty
// where the whole page is asked for.
func fragment(r *http.Request) string {
	if !isHTMX(r) || r.Header.Get("HX-Request-Type") != "partial" {
		return ""
	}
	_, id, _ := strings.Cut(r.Header.Get("HX-Target"), "#")
	return id
}

// show answers with a page, or with the fragment of it that htmx asks for.
func (h *Handlers) show(w http.ResponseWriter, r *http.Request, status int, view templ.Component) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "HX-Request, HX-Request-Type, HX-Target")
	w.WriteHeader(status)
	if id := fragment(r); id != "" {
		return templ.RenderFragments(r.Context(), w, view, id)
	}
	return view.Render(r.Context(), w)
}

// fresh completes the frame of a page that is about to be read from the database: with the cursor from which its stream goes
// on, a key for its forms, and, for a whole page, what is unread and the message that the request before it left.
func (h *Handlers) fresh(r *http.Request, p *page) error {
	at, err := currentCursor(r.Context(), h.queries)
	if err != nil {
		return err
	}
	key, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make an idempotency key: %w", err)
	}
	p.Cursor, p.Key = at.String(), key.String()
	if fragment(r) == "" && r.Header.Get("HX-Boosted") != "true" {
		if err := h.countUnread(r.Context(), p); err != nil {
			return err
		}
	}
	if fragment(r) == "" {
		p.Flash, err = h.sessions.PopFlash(r.Context())
	}
	return err
}

// New makes the site. It reaches the database for the keys of the Auth-Service, and nothing else.
func New(ctx context.Context, cfg Config) (*Handlers, error) {
	h := &Handlers{
		Config: cfg, pool: cfg.Pool, queries: dbsqlc.New(reads{cfg.Pool}), commands: cfg.Commands,
		hub: newHub(cmp.Or(cfg.Direct, cfg.Pool)), standby: newStandby(cfg.Standby, cfg.Pool), boards: newBoardWatch(cfg.Pool), requests: newRequestMetrics(), rates: newRates(), stopping: make(chan struct{}),
	}
	h.hub.tracer, h.parts = cfg.Tracer, newSharing(h.hub.metrics)
	h.watch = h.metrics()
	h.sessions = newSessions(cfg.Pool, h.secure(), cfg.Now)
	if cfg.OpenID != nil {
		h.signIn = h.foreignSignIn(*cfg.OpenID)
		h.handler = h.routes()
		return h, nil
	}
	issuer := cfg.PublicURL + "/auth"
	// The first client of the embedded provider is this process, which reaches it from within: the secret never leaves it.
	client := providerClient{
		ID: ownClientID, Secret: rand.Text(),
		RedirectURIs: []string{cfg.PublicURL + "/callback"}, PostLogoutURIs: []string{cfg.PublicURL + "/"},
	}
	clients := []providerClient{client}
	for _, c := range cfg.Clients {
		clients = append(clients, providerClient(c))
	}
	provider, err := newProvider(ctx, providerConfig{
		DB: cfg.Pool, Issuer: issuer, Clients: clients, Demo: cfg.Demo, Now: cfg.Now,
		Commands: cfg.Commands, TrustedProxies: cfg.TrustedProxies, Pages: h.providerPages(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up the Auth-Service: %w", err)
	}
	h.provider, h.forgetBrowser = provider, provider.stopSession
	h.signIn = newSignIn(signInConfig{
		Issuer: issuer, ClientID: client.ID, ClientSecret: client.Secret, PublicURL: cfg.PublicURL,
		Transport: provider.transport(), Sessions: h.sessions, Person: ownPerson(cfg.Pool), Now: cfg.Now,
	})
	h.handler = h.routes()
	return h, nil
}
