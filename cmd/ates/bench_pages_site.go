package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
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

// visitor is somebody with a session who looks at pages.
type visitor struct {
	address string
	client  *http.Client
}

// signIn signs a person of the demo in, as the form on the page does.
func (s *benchSite) signIn(ctx context.Context, login string) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make a visitor: %w", err)
	}
	v := &visitor{address: s.address, client: &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true}}}
	page, err := v.get(ctx, "/login", http.StatusOK)
	if err != nil {
		return nil, err
	}
	request := regexp.MustCompile(`name="request" value="([^"]*)"`).FindStringSubmatch(page.text)
	if request == nil {
		return nil, errors.New("there is no form to sign in")
	}
	form := url.Values{"request": {request[1]}, "demo": {login}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address+"/auth/login", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := v.do(req, http.StatusOK); err != nil {
		return nil, fmt.Errorf("sign %s in: %w", login, err)
	}
	return v, nil
}

// answered is what a visitor got, and how long it took from the request to the last byte.
type answered struct {
	status, bytes int
	took          time.Duration
	text          string
}

// get asks for a page and fails on another status than the one expected.
func (v *visitor) get(ctx context.Context, path string, expected int) (answered, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address+path, nil)
	if err != nil {
		return answered{}, fmt.Errorf("ask for %s: %w", path, err)
	}
	return v.do(req, expected)
}

func (v *visitor) do(req *http.Request, expected int) (got answered, err error) {
	req.Header.Set("Accept-Encoding", "gzip")
	begun := time.Now()
	res, err := v.client.Do(req)
	if err != nil {
		return got, fmt.Errorf("ask for %s: %w", req.URL.Path, err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return got, fmt.Errorf("read %s: %w", req.URL.Path, err)
	}
	got = answered{status: res.StatusCode, bytes: len(content), took: time.Since(begun), text: string(content)}
	if res.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(strings.NewReader(got.text))
		if err != nil {
			return got, fmt.Errorf("read %s: %w", req.URL.Path, err)
		}
		if content, err = io.ReadAll(plain); err != nil {
			return got, fmt.Errorf("read %s: %w", req.URL.Path, err)
		}
		got.text = string(content)
	}
	if got.status != expected {
		return got, fmt.Errorf("%s answered %d, not %d", req.URL.Path, got.status, expected)
	}
	return got, nil
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
