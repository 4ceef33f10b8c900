package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/handlers"
)

// benchSite is the program's pages in this process, on an address of their own.
type benchSite struct {
	address string
	pool    *pgxpool.Pool
	web     *handlers.Handlers
	server  *http.Server
	ended   chan error
}

// openSite serves a company's pages. The site must be closed.
func openSite(ctx context.Context, company *benchCompany) (*benchSite, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	s := &benchSite{address: "http://localhost:" + port, pool: company.pool, ended: make(chan error, 1)}
	s.web, err = handlers.New(ctx, handlers.Config{
		Pool: company.pool, Commands: company.bus, PublicURL: s.address, Books: benchBooks(), Currency: "USD", Demo: true, Dashboard: http.NotFoundHandler(),
		Now:        func() time.Time { return *company.now.Load() },
		Operations: operations{company.bus}, Letter: company.bus.Letter,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.server = &http.Server{Handler: s.web, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

func (s *benchSite) close() error {
	s.web.Stop()
	err := s.server.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// weighed is what a browser without a cache fetches for a page, compressed.
type weighed struct {
	bytes int
	files []string
}

// What a page names, and what scripts import before they run; what they import later they may never need. Typefaces are those that the
// page names, since the style sheet's others are for other alphabets.
var (
	namedInPage   = regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)
	namedInScript = regexp.MustCompile(`(?m)^(?:import|export)[^;("]*"(/static/[^"]+)"`)
)

// firstLoad weighs a page with all that it needs.
func (v *visitor) firstLoad(ctx context.Context, path string) (load weighed, err error) {
	seen := map[string]bool{path: true}
	todo := []string{path}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		got, err := v.get(ctx, next, http.StatusOK)
		if err != nil {
			return load, err
		}
		load.bytes += got.bytes
		load.files = append(load.files, fmt.Sprintf("%s %.1f", next, float64(got.bytes)/1000))
		named := namedInPage
		if strings.HasSuffix(next, ".js") {
			named = namedInScript
		}
		for _, found := range named.FindAllStringSubmatch(got.text, -1) {
			if !seen[found[1]] {
				seen[found[1]] = true
				todo = append(todo, found[1])
			}
		}
	}
	return load, nil
}
