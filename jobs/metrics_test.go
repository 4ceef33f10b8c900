package jobs_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
)

// scraped is what a bus counts, a metric a line, as Prometheus reads it.
func scraped(bus *jobs.Bus) []string {
	registry := prometheus.NewRegistry()
	registry.MustRegister(bus.Metrics()...)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return strings.Split(w.Body.String(), "\n")
}

// figureOf is the figure of a kind of job in a state.
func figureOf(t testing.TB, bus *jobs.Bus, kind, state string) (found jobs.JobFigure) {
	t.Helper()
	figures, err := bus.JobFigures(t.Context())
	require.NoError(t, err)
	for _, f := range figures {
		if f.Kind == kind && f.State == state {
			found = f
		}
	}
	return found
}

func TestABusCountsWhatItDoes(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	worker := jobstest.Workers(t, bus, 1)[0]
	create := tracker.CreateTask{Request: domain.Request{By: worker, Key: "once"}, Description: "Clean the cage"}
	for range 2 {
		again := create
		require.NoError(t, bus.Do(t.Context(), &again))
	}
	require.Error(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: worker}}))
	_, err := pool.Exec(t.Context(), "update river.river_job set created_at = now() - interval '1 minute', scheduled_at = now() - interval '30 seconds' where kind = 'withdraw_money'")
	require.NoError(t, err)

	require.False(t, bus.Working())
	require.Subset(t, scraped(bus), []string{
		`ates_commands_total{command="tracker.CreateTask",outcome="done"} 1`,
		`ates_commands_total{command="tracker.CreateTask",outcome="repeated"} 1`,
		`ates_commands_total{command="tracker.CreateTask",outcome="refused"} 1`,
		`ates_command_duration_seconds_count{command="tracker.CreateTask"} 3`,
		`ates_events_total{event="Task.Created"} 1`,
		`ates_events_total{event="Task.Assigned"} 1`,
		`ates_events_total{event="Task.Resolved"} 0`,
		`ates_jobs_worked_total{kind="withdraw_money",outcome="done",queue="money"} 0`,
		`ates_jobs_working 0`,
	})
	waiting := figureOf(t, bus, "withdraw_money", "available")
	require.Equal(t, []any{"money", true, 1}, []any{waiting.Queue, waiting.Reacts, waiting.Count})
	require.GreaterOrEqual(t, waiting.Oldest, time.Minute)
	require.GreaterOrEqual(t, waiting.Waited, 30*time.Second)
	require.Less(t, waiting.Waited, time.Minute)
	require.Equal(t, jobs.JobFigure{Kind: "verify_books", Queue: "default", State: "available"}, figureOf(t, bus, "verify_books", "available"))

	stop := jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)
	require.True(t, bus.Working())
	require.Eventually(t, func() bool { return !slices.Contains(scraped(bus), "ates_notifier_sent_total 0") }, patience, 20*time.Millisecond)
	stop()
	require.False(t, bus.Working())
	require.Subset(t, scraped(bus), []string{
		`ates_commands_total{command="accounting.WithdrawMoney",outcome="done"} 1`,
		`ates_events_total{event="Account.BalanceChanged"} 1`,
		`ates_jobs_worked_total{kind="withdraw_money",outcome="done",queue="money"} 1`,
		`ates_jobs_worked_total{kind="withdraw_money",outcome="failed",queue="money"} 0`,
		`ates_job_duration_seconds_count{kind="withdraw_money",queue="money"} 1`,
		`ates_reaction_delay_seconds_count{kind="withdraw_money",queue="money"} 1`,
	})
	require.Zero(t, figureOf(t, bus, "withdraw_money", "available").Count)
}
