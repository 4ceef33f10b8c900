package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

// queues are what Operations says of jobs.
type queues struct {
	Operations
	figures []JobFigure
}

func (q queues) JobFigures(context.Context) ([]JobFigure, error) { return q.figures, nil }

// watchedSite is a site of which only the metrics are needed.
func watchedSite(pool *pgxpool.Pool, figures ...JobFigure) *Handlers {
	return &Handlers{
		Config: Config{Operations: queues{figures: figures}, Now: time.Now, Books: accounting.Books{Zone: time.UTC, Unit: 100}},
		pool:   pool, queries: dbsqlc.New(pool), hub: newHub(pool), requests: newRequestMetrics(),
	}
}

// scrape is what the metrics say to somebody on this machine.
func scrape(t *testing.T, metrics http.Handler) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:4000"
	w := httptest.NewRecorder()
	metrics.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return w.Body.String()
}

func TestMetricsAreForOperations(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	for _, c := range []struct {
		name, token, from string
		header            http.Header
		status            int
	}{
		{"from this machine", "", "127.0.0.1:4000", nil, http.StatusOK},
		{"from this machine by IPv6", "", "[::1]:4000", nil, http.StatusOK},
		{"from elsewhere", "", "192.0.2.1:4000", nil, http.StatusForbidden},
		{"through a proxy on this machine", "", "127.0.0.1:4000", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, http.StatusForbidden},
		{"with the token", "secret", "192.0.2.1:4000", http.Header{"Authorization": {"Bearer secret"}}, http.StatusOK},
		{"with another token", "secret", "127.0.0.1:4000", http.Header{"Authorization": {"Bearer secre"}}, http.StatusForbidden},
		{"without the token", "secret", "127.0.0.1:4000", nil, http.StatusForbidden},
	} {
		h := watchedSite(pool)
		h.MetricsToken = c.token
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.from
		for name, values := range c.header {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		h.metrics().ServeHTTP(w, r)
		require.Equal(t, c.status, w.Code, c.name)
		if c.status == http.StatusOK {
			require.Contains(t, w.Body.String(), fmt.Sprintf("ates_pool_connections_max %d\n", pool.Config().MaxConns), c.name)
			require.Regexp(t, `(?m)^go_goroutines \d+$`, w.Body.String(), c.name)
			require.Contains(t, w.Body.String(), "ates_streams 0", c.name)
			require.Contains(t, w.Body.String(), "ates_database_up 1", c.name)
		}
	}
}

// What the database knows is told by way of the worst job of each queue, the day that is overdue and the promise that is broken.
func TestMetricsSayWhatIsLateAndWhatIsBroken(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	exec(`insert into accounting.accounts (id, kind) values ('00000000-0000-0000-0000-0000000000aa', 'wallet')`)
	exec(`insert into accounting.days (day, begins, ends, status, begun_at, closed_at)
		select d, d, d + interval '1 day', s, case when s <> 'open' then d + interval '1 day' end, case when s = 'closed' then d + interval '1 day' end
		from (values (date '2026-03-01', 'closed'), ('2026-03-02', 'closed'), ('2026-03-03', 'closing'), ('2026-03-04', 'open'), ('2026-03-05', 'open')) days (d, s)`)
	book := func(kind string, version int, day string) {
		t.Helper()
		exec(`insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, day, occurred_at, booked_at, event)
			select $1::text, case $1 when 'reset' then w else p end, case $1 when 'reset' then p else c end, 100, w, $2, 0, $3::date, now(), now(), gen_random_uuid()
			from (values ('00000000-0000-0000-0000-0000000000aa'::uuid, '00000000-0000-0000-0000-000000000003'::uuid, '00000000-0000-0000-0000-000000000004'::uuid)) ids (w, p, c)`, kind, version, day)
	}
	book("reset", 1, "2026-03-01")
	book("payout", 2, "2026-03-01")
	book("reset", 3, "2026-03-02")
	require.NoError(t, dbsqlc.New(pool).KeepVerification(t.Context(), dbsqlc.KeepVerificationParams{At: time.Unix(1772600000, 0), Sound: false,
		Checks: []byte(`[{"name": "all entries sum to zero", "looked": 3, "broken": 2}, {"name": "how many there are", "looked": 5, "broken": 5, "informs": true}]`)}))

	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	h := watchedSite(pool,
		JobFigure{Kind: "withdraw_money", Queue: "money", State: "available", Reacts: true, Count: 3, Oldest: 9 * time.Second, Waited: 7 * time.Second},
		JobFigure{Kind: "deposit_money", Queue: "money", State: "available", Reacts: true, Count: 1, Oldest: 2 * time.Second, Waited: time.Second},
		JobFigure{Kind: "withdraw_money", Queue: "money", State: "retryable", Reacts: true, Count: 1, Oldest: time.Minute},
		JobFigure{Kind: "withdraw_money", Queue: "money", State: "discarded", Reacts: true, Count: 4, Oldest: time.Hour, Waited: time.Hour},
		JobFigure{Kind: "verify_books", Queue: "default", State: "running", Count: 1, Oldest: 30 * time.Second, Waited: 20 * time.Second},
	)
	h.Now = func() time.Time { return now }
	said := scrape(t, h.metrics())
	for _, line := range []string{
		`ates_jobs{kind="withdraw_money",queue="money",state="discarded"} 4`,
		`ates_queue_oldest_waiting_job_seconds{queue="money"} 7`,
		`ates_queue_oldest_waiting_job_seconds{queue="default"} 0`,
		`ates_queue_longest_running_job_seconds{queue="default"} 20`,
		`ates_reaction_lag_seconds{kind="withdraw_money",queue="money"} 60`,
		`ates_reaction_lag_seconds{kind="deposit_money",queue="money"} 2`,
		`ates_days_overdue 2`,
		fmt.Sprintf("ates_day_closed_until_timestamp_seconds %s", number(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC))),
		`ates_payouts_open 1`,
		`ates_ledger_sound 0`,
		`ates_ledger_promise_broken_rows{promise="all entries sum to zero"} 2`,
		fmt.Sprintf("ates_ledger_verified_timestamp_seconds %s", number(time.Unix(1772600000, 0))),
	} {
		require.Contains(t, said, line+"\n")
	}
	require.NotContains(t, said, "how many there are")
	require.NotContains(t, said, `ates_reaction_lag_seconds{kind="verify_books"`)

	// What was paid need not be looked at again, and what is paid later is seen.
	require.Equal(t, "2026-03-01", h.paidUntil.day.Format(time.DateOnly))
	book("payout", 4, "2026-03-02")
	require.Contains(t, scrape(t, h.metrics()), "ates_payouts_open 0\n")
	require.Equal(t, "2026-03-02", h.paidUntil.day.Format(time.DateOnly))

	pool.Close()
	said = scrape(t, h.metrics())
	require.Contains(t, said, "ates_database_up 0\n")
	require.Contains(t, said, "ates_streams 0\n", "the process tells the rest")
	require.NotContains(t, said, "ates_jobs{")
}

// number is a moment as metrics write it.
func number(at time.Time) string { return fmt.Sprintf("%.9ge+09", float64(at.Unix())/1e9) }

func TestFiguresAreReadOnceForEverybodyWhoAsks(t *testing.T) {
	t.Parallel()
	reads, failure := 0, errors.New("connection refused")
	f := &figures{read: func(ctx context.Context) ([]prometheus.Metric, error) {
		reads++
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		return []prometheus.Metric{gauge(daysOverdue, 3)}, failure
	}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(f)
	shown := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	for range 3 {
		require.NotContains(t, scrape(t, shown), "ates_days_overdue")
	}
	require.Equal(t, 1, reads, "a database that is down is not asked again at once either")
	failure, f.readAt = nil, f.readAt.Add(-figuresEvery)
	for range 3 {
		said := scrape(t, shown)
		require.Contains(t, said, "ates_database_up 1\n")
		require.Contains(t, said, "ates_days_overdue 3\n")
	}
	require.Equal(t, 2, reads)
}
