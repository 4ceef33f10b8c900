package jobs_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// A trace goes from whoever asks through the command, its events and jobs and theirs to the notification of the pages. Jobs that share a
// transaction are in the trace of their own command each.
func TestATraceIsTheWholeFlow(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("ates")
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books(), Tracer: tracer})
	require.NoError(t, err)
	worker := jobstest.Workers(t, bus, 1)[0]
	ctx, request := tracer.Start(t.Context(), "POST /tasks")
	require.NoError(t, bus.Do(ctx, &tracker.CreateTask{Request: domain.Request{By: worker}, Description: "Clean the cage"}))
	require.Error(t, bus.Do(ctx, &tracker.CreateTask{Request: domain.Request{By: worker}}))
	request.End()
	other, second := tracer.Start(t.Context(), "POST /tasks again")
	require.NoError(t, bus.Do(other, &tracker.CreateTask{Request: domain.Request{By: worker}, Description: "Feed the fish"}))
	second.End()
	var metadata map[string]string
	var noted []byte
	require.NoError(t, pool.QueryRow(t.Context(), "select metadata from river.river_job where kind = 'withdraw_money' order by id limit 1").Scan(&noted))
	require.NoError(t, json.Unmarshal(noted, &metadata))
	require.Contains(t, metadata["traceparent"], request.SpanContext().TraceID().String())

	stop := jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)
	from := func(s sdktrace.ReadOnlySpan) string { return path(spans.Ended(), s) }
	const way = " > tracker.CreateTask > job withdraw_money > accounting.WithdrawMoney > job refresh_daily_balances > "
	ways := map[string]int{}
	require.Eventually(t, func() bool {
		clear(ways)
		for _, s := range spans.Ended() {
			ways[from(s)]++
		}
		return ways["POST /tasks"+way+"notify pages"] > 0 && ways["POST /tasks again"+way+"notify pages"] > 0
	}, patience, 20*time.Millisecond)
	stop()
	for _, begin := range []string{"POST /tasks", "POST /tasks again"} {
		require.NotZero(t, ways[begin+way+"jobs.refreshDays"], "%s: %v", begin, ways)
	}

	for _, s := range spans.Ended() {
		switch from(s) {
		case "POST /tasks > tracker.CreateTask":
			if len(s.Events()) == 0 {
				require.Contains(t, s.Attributes(), attribute.String("ates.outcome", "refused"))
				require.Equal(t, codes.Unset, s.Status().Code, "a refusal is no fault")
				break
			}
			require.Contains(t, s.Attributes(), attribute.String("ates.outcome", "done"))
			require.Equal(t, []string{"Task.Created", "Task.Assigned"}, []string{s.Events()[0].Name, s.Events()[1].Name})
		case "POST /tasks > tracker.CreateTask > job withdraw_money":
			require.Equal(t, trace.SpanKindConsumer, s.SpanKind())
			require.Contains(t, s.Attributes(), attribute.String("messaging.destination.name", "money"))
		}
	}
}

// path is the way from the beginning of a trace to one of its spans.
func path(all []sdktrace.ReadOnlySpan, s sdktrace.ReadOnlySpan) string {
	for _, parent := range all {
		if parent.SpanContext().SpanID() == s.Parent().SpanID() {
			return path(all, parent) + " > " + s.Name()
		}
	}
	return s.Name()
}

// It is not parallel: what others allocate would be counted.
func TestNobodyTracingCostsNothing(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	require.Zero(t, testing.AllocsPerRun(100, func() { jobs.NoSpan(ctx) }))
}
