package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"ates/handlers"
)

// leaving is how a process with pages takes leave of a balancer that sends people to it.
type leaving struct {
	Drain time.Duration `name:"drain" env:"ATES_DRAIN" default:"0s" placeholder:"DURATION" help:"How long to go on answering after SIGTERM, with /readyz at 503, until a balancer sends nobody here any more."`
	// told is closed when the process is told to stop.
	told <-chan struct{}
}

// checkDrain is an error that names the variable when nobody would wait for so long.
func (l *leaving) checkDrain() error {
	if most := 5 * time.Minute; l.Drain < 0 || l.Drain > most {
		return fmt.Errorf("ATES_DRAIN is %s; use up to %s, twice as long as a balancer takes to see that /readyz says 503", l.Drain, most)
	}
	return nil
}

// outlive is a context that ends when the process has taken its leave after told has ended.
func (l *leaving) outlive(told context.Context) (context.Context, context.CancelFunc) {
	l.told = told.Done()
	ctx, end := context.WithCancel(context.WithoutCancel(told))
	forget := context.AfterFunc(told, func() {
		if l.Drain > 0 {
			slog.InfoContext(ctx, "told to stop; people are answered for a while", "for", l.Drain)
		}
		time.AfterFunc(l.Drain, end)
	})
	return ctx, func() { forget(); end() }
}

// leaves reports whether the process has been told to stop.
func (l *leaving) leaves() bool {
	select {
	case <-l.told:
		return true
	default:
		return false
	}
}

// dependency tells a balancer to send nobody here any more.
func (l *leaving) dependency() handlers.Dependency {
	return handlers.Dependency{Name: "process", State: func(context.Context) (string, bool) {
		if l.leaves() {
			return "it has been told to stop", false
		}
		return "ok", true
	}}
}

// part has each connection end with its answer once the process leaves, so that no request is on its way on one that is about to be closed.
func (l *leaving) part(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.leaves() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
