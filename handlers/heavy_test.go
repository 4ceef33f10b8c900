package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
	"ates/views"
)

// posing returns a pool whose server says that it is a standby of itself which has everything up to a place in the log.
func posing(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	_, err := pool.Exec(t.Context(), `create schema posing; create function posing.pg_is_in_recovery() returns boolean language sql as 'select true';
		create function posing.pg_last_wal_replay_lsn() returns pg_lsn language sql as 'select ''0/FFFFFFFF''::pg_lsn';
		create function posing.pg_current_snapshot() returns pg_snapshot language sql as 'select ''100:100:''::pg_snapshot'`)
	require.NoError(t, err)
	cfg := pool.Config().Copy()
	cfg.ConnConfig.RuntimeParams["search_path"] = "posing,pg_catalog"
	posing, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(posing.Close)
	return posing
}

// heavySite is a site whose standby is one that poses as such.
func heavySite(t *testing.T) *Handlers {
	t.Helper()
	pool := sqltest.Pool(t)
	h := watchedSite(pool)
	h.queries = dbsqlc.New(reads{pool})
	h.sessions, h.standby = newSessions(pool, false, time.Now), newStandby(posing(t, pool), pool)
	h.standby.look(t.Context())
	require.Equal(t, "ok", h.standby.state())
	return h
}

// asked is a request with a session.
func asked(t *testing.T, h *Handlers, method string, header http.Header) *http.Request {
	t.Helper()
	ctx, err := h.sessions.manager.Load(t.Context(), "")
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(ctx, method, "/audit", nil)
	maps.Copy(r.Header, header)
	return r
}

func TestAPageThatTheStandbyFailsIsReadFromTheDatabase(t *testing.T) {
	t.Parallel()
	h := heavySite(t)
	r := asked(t, h, http.MethodGet, nil)
	require.NoError(t, h.sessions.PutFlash(r.Context(), views.Flash{Text: "Done"}))
	var tries []string
	handle := h.heavy(func(w http.ResponseWriter, r *http.Request, _ page) error {
		var from string
		require.NoError(t, reads{h.pool}.QueryRow(r.Context(), "select current_setting('search_path')").Scan(&from))
		tries = append(tries, from)
		flash, err := h.sessions.PopFlash(r.Context())
		require.NoError(t, err)
		if conn, ok := r.Context().Value(standbyConn{}).(*pgxpool.Conn); ok {
			require.NoError(t, conn.Conn().Close(r.Context())) // as when its server goes down
		}
		if _, err := (reads{h.pool}).Exec(r.Context(), "select 1"); err != nil {
			return err
		}
		fmt.Fprint(w, flash.Text)
		return nil
	})
	w := httptest.NewRecorder()
	require.NoError(t, handle(w, r, page{}))
	require.Equal(t, "Done", w.Body.String(), "what the failed attempt took out of the session is there again")
	require.Len(t, tries, 2)
	require.Contains(t, tries[0], "posing")
	require.NotContains(t, tries[1], "posing")
	require.Contains(t, scrape(t, h.metrics()), `ates_standby_reads_total{outcome="failed"} 1`)
}

func TestWhichPagesAreReadFromTheStandby(t *testing.T) {
	t.Parallel()
	h := heavySite(t)
	var copied bool
	handle := h.heavy(func(_ http.ResponseWriter, r *http.Request, _ page) error {
		_, copied = r.Context().Value(standbyConn{}).(*pgxpool.Conn)
		at, err := currentCursor(r.Context(), h.queries)
		require.Equal(t, copied, at.xid() == "100", "the page's stream goes on from where the page is, not from where the database is")
		return err
	})
	read := func(header http.Header) bool {
		require.NoError(t, handle(httptest.NewRecorder(), asked(t, h, http.MethodGet, header), page{}))
		return copied
	}
	knows := func(position string) http.Header { return http.Header{"Cookie": {knownCookie + "=" + position}} }
	require.True(t, read(nil))
	require.True(t, read(knows("4294967295")))
	require.False(t, read(knows("4294967296")), "the standby has not got so far")
	require.True(t, read(knows("soon")))
	require.False(t, read(http.Header{"Hx-Request": {"true"}, "Hx-Request-Type": {"partial"}, "Hx-Target": {"div#ledger"}}), "a live page was told of a change")

	// An answer to a form notes how far the log was when all that it tells of was done.
	w := httptest.NewRecorder()
	answer := h.noting(w, asked(t, h, http.MethodPost, nil))
	before, err := h.standby.primary.PrimaryPosition(t.Context())
	require.NoError(t, err)
	http.Redirect(answer, asked(t, h, http.MethodPost, nil), "/audit", http.StatusSeeOther)
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 1)
	position, err := strconv.ParseInt(cookies[0].Value, 10, 64)
	require.NoError(t, err)
	require.GreaterOrEqual(t, position, before.Written)
	require.Greater(t, time.Duration(cookies[0].MaxAge)*time.Second, behindAtMost, "until everybody sees it")
}

// A standby may show what the database was at a mark that is young enough; of the marks that are, the oldest is enough.
func TestHowFarAStandbyHasToBe(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := &standby{up: true}
	for i, age := range []time.Duration{10 * time.Second, behindAtMost + time.Millisecond, behindAtMost - time.Millisecond, time.Second} {
		s.note(mark{now.Add(-age), int64(100 * (i + 1))}, 200)
	}
	position, ok := s.needed(now)
	require.True(t, ok)
	require.EqualValues(t, 300, position)
	require.Equal(t, behindAtMost+time.Millisecond-time.Second, s.lag, "of the newest mark that it has reached, when it was looked at last")

	_, ok = s.needed(now.Add(time.Minute))
	require.False(t, ok, "nobody knows how far the database is")
	s.up = false
	_, ok = s.needed(now)
	require.False(t, ok)
}
