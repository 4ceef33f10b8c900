package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Dependency is something without which this process cannot do its work, beside the database and the connection that live pages have
// to it.
type Dependency struct {
	Name string
	// State says in a few words how it is, to whoever asks, and reports whether the process can work.
	State func(ctx context.Context) (said string, ok bool)
}

// readyWithin is how long it may take to find out whether the process is ready.
const readyWithin = 2 * time.Second

// readiness is whether a process can do its work, and how each thing is that it needs.
type readiness struct {
	Ready        bool              `json:"ready"`
	Dependencies []dependencyState `json:"dependencies"`
}

type dependencyState struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Said string `json:"state"`
}

// text says it in lines, the first of which is the answer.
func (r readiness) text() string {
	var b strings.Builder
	b.WriteString(map[bool]string{true: "ok\n", false: "not ready\n"}[r.Ready])
	for _, d := range r.Dependencies {
		fmt.Fprintf(&b, "%s: %s\n", d.Name, d.Said)
	}
	return b.String()
}

// readiness looks at everything. What has to be asked of a database that does not answer is left out.
func (h *Handlers) readiness(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	all := readiness{Ready: true}
	note := func(name, said string, ok bool) {
		all.Dependencies = append(all.Dependencies, dependencyState{name, ok, said})
		all.Ready = all.Ready && ok
	}
	if err := h.pool.Ping(ctx); err != nil {
		note("database", "Postgres does not answer", false)
	} else {
		note("database", "ok", true)
	}
	switch {
	case h.hub == nil: // there are no pages
	case h.hub.ready():
		note("live", "ok", true)
	default:
		note("live", "live pages have no connection to Postgres", false)
	}
	if h.standby != nil {
		note("standby", h.standby.state(), true) // all pages can do without
	}
	for _, d := range h.Dependencies {
		said, ok := d.State(ctx)
		note(d.Name, said, ok)
	}
	return all
}

// readyz answers whether the process can do its work, or what is missing: as text, or as JSON to whoever accepts that.
func (h *Handlers) readyz(w http.ResponseWriter, r *http.Request) {
	found := h.readiness(r.Context())
	h.logReadiness(r.Context(), found)
	status := http.StatusOK
	if !found.Ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(found) // whoever asked has left
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, found.text())
}

// logReadiness tells the log when something has begun to be missing, and when nothing is any more; probes come every few seconds.
func (h *Handlers) logReadiness(ctx context.Context, found readiness) {
	missing := ""
	for _, d := range found.Dependencies {
		if !d.OK {
			missing += d.Name + ": " + d.Said + "; "
		}
	}
	missing = strings.TrimSuffix(missing, "; ")
	switch before := h.missing.Swap(&missing); {
	case missing != "" && (before == nil || *before != missing):
		slog.WarnContext(ctx, "not ready", "missing", missing)
	case missing == "" && before != nil && *before != "":
		slog.InfoContext(ctx, "ready again")
	}
}

// healthz answers that the process lives.
func (h *Handlers) healthz(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}
