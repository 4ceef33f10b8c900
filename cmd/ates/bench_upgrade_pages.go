package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// requests are those of people, and those of them that were answered with a fault or not at all.
type requests struct {
	asked  atomic.Int64
	mu     sync.Mutex
	faults []error
}

// count adds a request. Whoever has no patience may go without an answer.
func (r *requests) count(what string, status int, err error) {
	r.asked.Add(1)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return
	case err == nil && status < 500 && status != http.StatusTooManyRequests && status != http.StatusUnauthorized:
		return
	case err == nil:
		err = fmt.Errorf("status %d", status)
	}
	const most = 20
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) < most {
		r.faults = append(r.faults, fmt.Errorf("%s: %s: %w", time.Now().Format(time.TimeOnly), what, err))
	}
}

func (r *requests) all() int64 { return r.asked.Load() }

// failed is an error when any request was.
func (r *requests) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.faults...)
}

// livePage is an open page with its stream, which comes back as pages do.
type livePage struct {
	person *chaosPerson
	mu     sync.Mutex
	// gaps are from when a stream ended until the next one said hello.
	gaps []gap
	// heard is when it was last told of a change on a stream that still is.
	heard time.Time
	// retry is how long to wait before a stream is opened again, as the last one said, and since the event to go on from.
	retry time.Duration
	since string
}

// livePages are some of them.
type livePages []*livePage

// openLivePages opens a page for one in three of these people, and for four at least.
func openLivePages(ctx context.Context, people []*chaosPerson) livePages {
	var all livePages
	for i, p := range people {
		if i%3 == 0 || len(all) < 4 {
			opened := &livePage{person: p, retry: time.Second}
			all = append(all, opened)
			go opened.stay(ctx)
		}
	}
	return all
}

// stay keeps the stream open: when it ends, another one is opened after the time that it said, and after twice as long each time
// that there is none, up to what the pages have in their hx-config.
func (o *livePage) stay(ctx context.Context) {
	o.person.signIn(ctx)
	cut := time.Time{}
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if attempt > 0 {
			const longest = 15 * time.Second
			pauseFor(ctx, min(o.retry<<min(attempt-1, 4), longest))
		}
		if err := o.listen(ctx, cut, &attempt); err != nil && ctx.Err() == nil {
			o.person.site.requests.count("the stream of "+o.person.login, 0, err)
		}
		o.mu.Lock()
		if o.heard = (time.Time{}); attempt == 0 {
			cut = time.Now()
		}
		o.mu.Unlock()
	}
}

// listen opens a stream and reads it to its end. It is an error when there was none to be had, or it broke in the middle of something.
func (o *livePage) listen(ctx context.Context, cut time.Time, attempt *int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.person.site.address+"/live", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Forwarded-For", o.person.address)
	req.Header.Set("Last-Event-ID", o.since)
	res, err := o.person.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				o.retry = time.Duration(ms) * time.Millisecond
			}
		case name == "id":
			o.since = value
		case name == "event" && value == "hello":
			*attempt = 0
			if o.mu.Lock(); !cut.IsZero() {
				o.gaps = append(o.gaps, gap{cut, time.Now()})
			}
			o.mu.Unlock()
		case name == "event" && value == "change":
			o.mu.Lock()
			o.heard = time.Now()
			o.mu.Unlock()
		}
	}
	return lines.Err()
}

// follow waits until each page has been told of a change on the stream that it has now, and after some moment.
func (all livePages) follow(ctx context.Context, after time.Time) error {
	return until(ctx, time.Minute, "every page follows again", func() (bool, error) {
		for _, o := range all {
			o.mu.Lock()
			heard := o.heard.After(after)
			if o.mu.Unlock(); !heard {
				return false, nil
			}
		}
		return true, nil
	})
}

// cuts are how long the streams were away that ended between two moments.
func (all livePages) cuts(from, to time.Time) (away []time.Duration) {
	for _, o := range all {
		o.mu.Lock()
		for _, g := range o.gaps {
			if g.from.After(from) && g.from.Before(to) {
				away = append(away, g.to.Sub(g.from))
			}
		}
		o.mu.Unlock()
	}
	return away
}
