package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"ates/domain"
)

// wish is a command that somebody asked for and what they were told of it in the end: what the books must agree with.
type wish struct {
	key     string
	command string // as the log of commands names it
	by      string
	// about is the description of a new task, else empty.
	about string
	told  told
	// at is when they were told that it is done.
	at time.Time
	// tries is how often it was sent until there was an answer.
	tries int
}

// told is what somebody was told.
type told int

const (
	nothing told = iota // no answer, or one that does not say whether it is done
	done
	refused
)

// chaosPerson is somebody with a browser, who sends a form again, with the same key, until it is answered.
type chaosPerson struct {
	site     *chaosSite
	login    string
	role     domain.Role
	client   *http.Client
	address  string // of the machine they sit at
	patience time.Duration
	// inDemo is somebody of the demo, who signs in with a click.
	inDemo bool
	// draws is how likely what a manager does next is a draw.
	draws     float64
	signedIn  bool
	completed []wish
}

func newChaosPerson(site *chaosSite, n int, role domain.Role) *chaosPerson {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &chaosPerson{
		site: site, login: fmt.Sprintf("chaos-%d", n), role: role, address: fmt.Sprintf("10.1.%d.%d", n/250, n%250+1), patience: 15 * time.Second,
		client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// chaosPassword is everybody's.
const chaosPassword = "chaos-is-a-ladder" //nolint:gosec // in a database that is thrown away

// send sends a request and returns the answer without following it anywhere.
func (p *chaosPerson) send(staying context.Context, method, path string, form url.Values) (status int, location, body string, err error) {
	ctx, cancel := context.WithTimeout(staying, p.patience)
	defer cancel()
	defer func() {
		if staying.Err() == nil {
			p.site.requests.count(fmt.Sprintf("%s %s of %s", method, path, p.login), status, err)
		}
	}()
	if !strings.HasPrefix(path, "http") {
		path = p.site.address + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("X-Forwarded-For", p.address)
	res, err := p.client.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, "", "", err
	}
	return res.StatusCode, res.Header.Get("Location"), string(content), nil
}

// follow sends a request and follows where it leads.
func (p *chaosPerson) follow(ctx context.Context, method, path string, form url.Values) (status int, body string, err error) {
	const most = 12
	for range most {
		var location string
		if status, location, body, err = p.send(ctx, method, path, form); err != nil || status < 300 || status > 399 {
			return status, body, err
		}
		method, path, form = http.MethodGet, location, nil
	}
	return status, body, errors.New("redirected without end")
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// hiddenIn are the hidden fields of the form with an action.
func hiddenIn(page, action string) (url.Values, bool) {
	_, rest, found := strings.Cut(page, `action="`+action+`"`)
	if !found {
		return nil, false
	}
	form, _, _ := strings.Cut(rest, "</form>")
	fields := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(form, -1) {
		fields.Set(field[1], field[2])
	}
	return fields, true
}

// signIn signs in, as often as it takes.
func (p *chaosPerson) signIn(ctx context.Context) {
	for !p.signedIn && ctx.Err() == nil {
		status, page, err := p.follow(ctx, http.MethodGet, "/login", nil)
		if fields, found := hiddenIn(page, "/auth/login"); err == nil && status == http.StatusOK && found {
			if p.inDemo {
				fields.Set("demo", p.login)
			} else {
				fields.Set("login", p.login)
				fields.Set("password", chaosPassword)
			}
			status, page, err = p.follow(ctx, http.MethodPost, "/auth/login", fields)
		}
		p.signedIn = err == nil && status == http.StatusOK && strings.Contains(page, `id="live"`)
		if !p.signedIn {
			pauseFor(ctx, time.Second+rand.N(2*time.Second))
		}
	}
}

// pauseFor waits, or not when the context ends.
func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// page fetches a page; it is empty where there was none to be had.
func (p *chaosPerson) page(ctx context.Context, path string) string {
	p.signIn(ctx)
	status, location, body, err := p.send(ctx, http.MethodGet, path, nil)
	if status == http.StatusSeeOther && strings.HasPrefix(location, "/login") {
		p.signedIn = false
		p.site.requests.count("the session of "+p.login, http.StatusUnauthorized, nil)
	}
	if err != nil || status != http.StatusOK {
		return ""
	}
	return body
}

// do has a command done: it sends the form, with the key it has or gets, until there is an answer that says what became of it. What the
// program has no place for yet is asked for again.
func (p *chaosPerson) do(ctx context.Context, command, path, about string, form url.Values) {
	d := wish{key: form.Get("idempotency_key"), command: command, by: p.login, about: about}
	if d.key == "" {
		d.key = uuid.NewString()
		form.Set("idempotency_key", d.key)
	}
	defer func() { p.completed = append(p.completed, d) }()
	for ctx.Err() == nil {
		p.signIn(ctx)
		d.tries++
		status, location, _, err := p.send(ctx, http.MethodPost, path, form)
		switch {
		case err != nil || status >= 500 || status == http.StatusTooManyRequests:
			pauseFor(ctx, 200*time.Millisecond+rand.N(800*time.Millisecond))
		case strings.HasPrefix(location, "/login"), status == http.StatusUnauthorized:
			p.signedIn = false
		case status == http.StatusSeeOther:
			d.told, d.at = done, time.Now()
			return
		default:
			d.told = refused
			return
		}
	}
}

var resolvable = regexp.MustCompile(`action="(/tasks/[0-9a-f-]{36}/resolve)"`)

// live is what somebody does until the context ends, which leaves what they are at half done: working ends before it, and then they
// begin nothing new.
func (p *chaosPerson) live(ctx, working context.Context, pace time.Duration) {
	for working.Err() == nil {
		pauseFor(working, rand.N(2*pace))
		if working.Err() != nil {
			return
		}
		switch n := rand.IntN(100); {
		case rand.Float64() < p.draws:
			if form, ok := hiddenIn(p.page(ctx, "/tasks/assign"), "/tasks/assign"); ok {
				p.do(ctx, "tracker.AssignTasks", "/tasks/assign", "", form)
			}
		case p.role == domain.Manager && n < 30:
			p.resolve(ctx, "/tasks?status=open")
		case n < 40:
			about := "Chaos " + uuid.NewString()
			p.do(ctx, "tracker.CreateTask", "/tasks", about, url.Values{"description": {about}})
		case n < 85:
			p.resolve(ctx, "/tasks/mine")
		default:
			p.page(ctx, "/balance")
		}
	}
}

// resolve resolves some task of a page.
func (p *chaosPerson) resolve(ctx context.Context, path string) {
	page := p.page(ctx, path)
	tasks := resolvable.FindAllStringSubmatch(page, -1)
	if len(tasks) == 0 {
		return
	}
	action := tasks[rand.IntN(len(tasks))][1]
	if form, ok := hiddenIn(page, action); ok {
		p.do(ctx, "tracker.ChangeTaskStatus", action, "", form)
	}
}

// watchLive keeps a stream open, as the pages do, and counts how often it was told of a change.
func (p *chaosPerson) watchLive(ctx context.Context, heard func()) {
	for ctx.Err() == nil {
		p.signIn(ctx)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.site.address+"/live", nil)
		if err != nil {
			return
		}
		req.Header.Set("X-Forwarded-For", p.address)
		res, err := p.client.Do(req)
		if err == nil && res.StatusCode == http.StatusOK {
			buffer := make([]byte, 4096)
			for {
				n, err := res.Body.Read(buffer)
				if strings.Contains(string(buffer[:n]), "event: change") {
					heard()
				}
				if err != nil {
					break
				}
			}
		}
		if res != nil {
			p.signedIn = p.signedIn && res.StatusCode != http.StatusUnauthorized
			_ = res.Body.Close()
		}
		pauseFor(ctx, time.Second+rand.N(time.Second))
	}
}

// prober asks for a page all the time and remembers when it had none.
type prober struct {
	every time.Duration
	mu    sync.Mutex
	gaps  []gap
}

// gap is a time in which no page was to be had.
type gap struct{ from, to time.Time }

func (b *prober) run(ctx context.Context, p *chaosPerson) {
	const patience, noticed = 2 * time.Second, 500 * time.Millisecond
	p.signIn(ctx)
	p.patience = patience
	last := time.Now()
	for ctx.Err() == nil {
		begun := time.Now()
		p.signedIn = true // a sign-in that fails is no page either
		if page := p.page(ctx, "/tasks/mine"); page == "" && !p.signedIn {
			p.signIn(ctx)
		} else if page != "" {
			if now := time.Now(); now.Sub(last) > noticed {
				b.mu.Lock()
				b.gaps = append(b.gaps, gap{last, now})
				b.mu.Unlock()
			}
			last = time.Now()
		}
		pauseFor(ctx, b.every-time.Since(begun))
	}
}

// longest is the longest gap that began between two moments.
func (b *prober) longest(from, to time.Time) (longest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.gaps {
		if !g.from.Before(from) && g.from.Before(to) {
			longest = max(longest, g.to.Sub(g.from))
		}
	}
	return longest
}

// all are the gaps that there were.
func (b *prober) all() []gap {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.gaps)
}
