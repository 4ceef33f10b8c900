package handlers

import (
	"net/http"

	"ates/sql/dbsqlc"
)

// Probes are what operations ask for, without the pages: whether the process lives, whether it can work, and what it counts.
func (h *Handlers) Probes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.Handle("GET /metrics", h.watch)
	return mux
}

// NewProbes makes the probes of a process that has no pages.
func NewProbes(cfg Config) http.Handler {
	h := &Handlers{Config: cfg, pool: cfg.Pool, queries: dbsqlc.New(cfg.Pool)}
	h.watch = h.metrics()
	return h.Probes()
}
