package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// heavy has a page that reads much read from the standby where it may be, else from the database itself. What a live page fetches again
// always comes from the database: it was told of a change, and nobody would tell it twice.
func (h *Handlers) heavy(handle func(http.ResponseWriter, *http.Request, page) error) func(http.ResponseWriter, *http.Request, page) error {
	if h.standby == nil {
		return handle
	}
	return func(w http.ResponseWriter, r *http.Request, p page) error {
		if fragment(r) != "" {
			return handle(w, r, p)
		}
		conn, outcome := h.standby.connect(r.Context(), known(r))
		if conn == nil {
			h.standby.metrics.reads.WithLabelValues(outcome).Inc()
			return handle(w, r, p)
		}
		first, left := &attempt{ResponseWriter: w}, h.sessions.peekFlash(r.Context())
		err := func() error {
			defer conn.Release()
			return handle(first, r.WithContext(context.WithValue(r.Context(), standbyConn{}, conn)), p)
		}()
		if err == nil || first.answered || r.Context().Err() != nil {
			h.standby.metrics.reads.WithLabelValues(readFromStandby).Inc()
			return err
		}
		// Whatever it was, a lost connection, a statement that stood in the way of what had to be replayed, or something that was asked for
		// and is not there yet: the database knows better.
		slog.InfoContext(r.Context(), "a page could not be read from the standby and is read from the database", "path", r.URL.Path, "error", err)
		h.standby.metrics.reads.WithLabelValues(standbyFailed).Inc()
		h.sessions.leaveFlash(r.Context(), left)
		return handle(w, r, p)
	}
}

// attempt is an answer that may be given up for another one until something of it has been sent.
type attempt struct {
	http.ResponseWriter
	answered bool
}

func (a *attempt) WriteHeader(status int) {
	a.answered = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *attempt) Write(b []byte) (int, error) {
	a.answered = true
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *attempt) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// standbyConn is the key under which a request has its connection to the standby, if it has one.
type standbyConn struct{}

// reads is the database for reading pages: the standby for a request that has a connection to it, else the pool.
type reads struct{ *pgxpool.Pool }

func (d reads) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if conn, ok := ctx.Value(standbyConn{}).(*pgxpool.Conn); ok {
		return conn.Exec(ctx, sql, args...)
	}
	return d.Pool.Exec(ctx, sql, args...)
}

func (d reads) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if conn, ok := ctx.Value(standbyConn{}).(*pgxpool.Conn); ok {
		return conn.Query(ctx, sql, args...)
	}
	return d.Pool.Query(ctx, sql, args...)
}

func (d reads) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if conn, ok := ctx.Value(standbyConn{}).(*pgxpool.Conn); ok {
		return conn.QueryRow(ctx, sql, args...)
	}
	return d.Pool.QueryRow(ctx, sql, args...)
}

func (d reads) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	if conn, ok := ctx.Value(standbyConn{}).(*pgxpool.Conn); ok {
		return conn.BeginTx(ctx, opts)
	}
	return d.Pool.BeginTx(ctx, opts)
}

const (
	// knownCookie keeps up to what place of the write-ahead log a browser has to see everything, because its person has done something
	// there.
	knownCookie = "known"
	// knownLasts is for how long: what is older everybody sees.
	knownLasts = 2 * behindAtMost
)

// known is the place up to which a reader has to see everything, 0 where they have done nothing lately. Whoever changes it harms
// nobody but themselves.
func known(r *http.Request) int64 {
	position, err := strconv.ParseInt(cookie(r, knownCookie), 10, 64)
	if err != nil {
		return 0
	}
	return position
}

// noting has an answer note up to what place whoever gets it has to see everything from now on.
func (h *Handlers) noting(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if h.standby == nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return w
	}
	return &noted{ResponseWriter: w, before: func() {
		place := int64(1<<63 - 1) // further than any standby is
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), markWithin)
		defer cancel()
		if now, err := h.standby.primary.PrimaryPosition(ctx); err == nil {
			place = now.Written
		}
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever people come over TLS
			Name: knownCookie, Value: strconv.FormatInt(place, 10), Path: "/", MaxAge: int(knownLasts / time.Second), HttpOnly: true, Secure: h.secure(), SameSite: http.SameSiteLaxMode,
		})
	}}
}

// noted is an answer before which something is done, once all that it answers is done.
type noted struct {
	http.ResponseWriter
	before func()
}

func (n *noted) WriteHeader(status int) {
	if n.before != nil {
		n.before()
		n.before = nil
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Write(b []byte) (int, error) {
	if n.before != nil {
		n.WriteHeader(http.StatusOK)
	}
	return n.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }
