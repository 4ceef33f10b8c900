package main

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/stretchr/testify/require"
)

// The samples of a history are a minute apart and begin at this time.
const (
	every = time.Minute
	begin = 200_000 // seconds
)

// Every alert is tried on histories of its metrics, in the notation of promtool: on the first kind it fires, on the others it does not.
func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	t.Parallel()
	type history = []string
	cases := map[string]struct{ fires, quiet []history }{
		"AtesIsGone": {
			fires: []history{{`up{job="ates"} 0x20`}},
			quiet: []history{{`ates_build_info{job="ates"} 1x20`}, {`ates_build_info{job="ates"} 1x5 _ 1x14`}},
		},
		"AtesProcessIsDown": {
			fires: []history{{`up{job="ates",instance="a"} 1x20`, `up{job="ates",instance="b"} 1 1 0x18`}},
			quiet: []history{{`up{job="ates"} 1x20`}, {`up{job="ates"} 1 0 1x18`}, {`up{job="node"} 0x20`}},
		},
		"AtesDatabaseDoesNotAnswer": {
			fires: []history{{`ates_database_up{instance="a"} 1x20`, `ates_database_up{instance="b"} 1x10 0x10`}},
			quiet: []history{{`ates_database_up 1x20`}, {`ates_database_up 1x10 0 1x10`}},
		},
		"AtesPagesDoNotFollow": {
			fires: []history{{`ates_listening 1x10 0x10`}},
			quiet: []history{{`ates_listening 1x20`}, {`ates_listening 1x10 0 1x10`}},
		},
		"AtesRequestsFail": {
			fires: []history{{`ates_http_requests_total{status="2xx"} 0+600x20`, `ates_http_requests_total{status="5xx"} 0+12x20`}},
			quiet: []history{
				{`ates_http_requests_total{status="2xx"} 0+600x20`, `ates_http_requests_total{status="5xx"} 0+3x20`},
				{`ates_http_requests_total{status="2xx"} 0+10x20`, `ates_http_requests_total{status="5xx"} 0x10 1x10`}, // one of few is no trouble
				{`ates_http_requests_total{status="2xx"} 0+600x20`, `ates_http_requests_total{status="4xx"} 0+300x20`},
			},
		},
		"AtesPagesAreSlow": {
			fires: []history{{`ates_http_request_duration_seconds_bucket{le="1"} 0+80x40`, `ates_http_request_duration_seconds_bucket{le="2.5"} 0+100x40`, `ates_http_request_duration_seconds_bucket{le="+Inf"} 0+100x40`}},
			quiet: []history{{`ates_http_request_duration_seconds_bucket{le="1"} 0+98x40`, `ates_http_request_duration_seconds_bucket{le="2.5"} 0+100x40`, `ates_http_request_duration_seconds_bucket{le="+Inf"} 0+100x40`}},
		},
		"AtesCommandsFail": {
			fires: []history{{`ates_commands_total{command="tracker.CreateTask",outcome="failed"} 0+1x40`}},
			quiet: []history{{`ates_commands_total{command="tracker.CreateTask",outcome="failed"} 0x15 3x25`}, {`ates_commands_total{command="tracker.CreateTask",outcome="refused"} 0+9x40`}},
		},
		"AtesQueueStandsStill": {
			fires: []history{{`ates_queue_oldest_waiting_job_seconds{queue="money"} 0x5 60+60x15`}},
			quiet: []history{{`ates_queue_oldest_waiting_job_seconds{queue="money"} 1x20`}, {`ates_queue_oldest_waiting_job_seconds{queue="money"} 0x5 130 190 0x14`}},
		},
		"AtesJobHangs": {
			fires: []history{{`ates_queue_longest_running_job_seconds{queue="default"} 0+60x40`}},
			quiet: []history{{`ates_queue_longest_running_job_seconds{queue="default"} 0+60x11 0x20`}}, // the verification may take ten minutes
		},
		"AtesJobsWereGivenUp": {
			fires: []history{{`ates_jobs{kind="send_mail",state="discarded"} 0x5 2x20`}},
			quiet: []history{{`ates_jobs{kind="send_mail",state="retryable"} 2x25`}, {`ates_jobs{kind="send_mail",state="discarded"} 0x25`}},
		},
		"AtesPagesLagBehind": {
			fires: []history{{`ates_reaction_lag_seconds{kind="refresh_tasks",queue="read_models"} 0+60x20`}},
			quiet: []history{{`ates_reaction_lag_seconds{kind="refresh_tasks",queue="read_models"} 20x20`}, {`ates_reaction_lag_seconds{kind="send_mail",queue="mail"} 0+60x20`}},
		},
		"AtesDayIsOverdue": {
			fires: []history{{`ates_days_overdue 0x10 1x70`}},
			quiet: []history{{`ates_days_overdue 0x10 1x15 0x60`}}, // the grace period
		},
		"AtesPayoutsAreOpen": {
			fires: []history{{`ates_payouts_open 0x10 40x70`}},
			quiet: []history{{`ates_payouts_open 0x10 40x10 0x60`}},
		},
		"AtesLedgerIsUnsound": {
			fires: []history{{`ates_ledger_promise_broken_rows{promise="all entries sum to zero"} 0x5 1x5`}},
			quiet: []history{{`ates_ledger_promise_broken_rows{promise="all entries sum to zero"} 0x10`}},
		},
		"AtesLedgerIsUnproven": {
			fires: []history{{`ates_ledger_verified_timestamp_seconds 90000x30`}},
			quiet: []history{{`ates_ledger_verified_timestamp_seconds 114000x30`}},
		},
		"AtesPoolIsExhausted": {
			fires: []history{{`ates_pool_connections_in_use{instance="a"} 32x20`, `ates_pool_connections_max{instance="a"} 32x20`, `ates_pool_wait_seconds_total{instance="a"} 0+120x20`}},
			quiet: []history{
				{`ates_pool_connections_in_use{instance="a"} 32x20`, `ates_pool_connections_max{instance="a"} 32x20`, `ates_pool_wait_seconds_total{instance="a"} 0+1x20`},
				{`ates_pool_connections_in_use{instance="a"} 20x20`, `ates_pool_connections_max{instance="a"} 32x20`, `ates_pool_wait_seconds_total{instance="a"} 0+120x20`},
			},
		},
		"AtesStandbyIsLeftOut": {
			fires: []history{{`ates_standby_up 1x5 0x15`, `ates_standby_lag_seconds 0x5 3600x15`}, {`ates_standby_up 1x20`, `ates_standby_lag_seconds 0x5 40x15`}},
			quiet: []history{{`ates_standby_up 1x20`, `ates_standby_lag_seconds 0.5x20`}, {`ates_standby_up 1x5 0x5 1x10`, `ates_standby_lag_seconds 0x20`}, {`ates_pool_connections_max 32x20`}},
		},
		"AtesTransactionStaysOpen": {
			fires: []history{{`ates_database_oldest_transaction_seconds 0+60x30`}},
			quiet: []history{{`ates_database_oldest_transaction_seconds 0+60x12 0x10`}},
		},
		"AtesNotificationsPileUp": {
			fires: []history{{`ates_database_notification_queue_ratio 0+0.05x20`}},
			quiet: []history{{`ates_database_notification_queue_ratio 0.001x20`}},
		},
		"AtesFilesRunOut": {
			fires: []history{{`process_open_fds{job="ates"} 900x20`, `process_max_fds{job="ates"} 1024x20`}},
			quiet: []history{{`process_open_fds{job="ates"} 700x20`, `process_max_fds{job="ates"} 1024x20`}, {`process_open_fds{job="node"} 900x20`, `process_max_fds{job="node"} 1024x20`}},
		},
	}
	rules := alerts(t)
	require.Len(t, cases, len(rules))
	for _, rule := range rules {
		c, ok := cases[rule.Alert]
		require.True(t, ok && len(c.fires) > 0 && len(c.quiet) > 0, "%s is tried both ways", rule.Alert)
		for _, h := range c.fires {
			require.True(t, fires(t, rule.Expr, time.Duration(rule.For), h), "%s fires on %v", rule.Alert, h)
		}
		for _, h := range c.quiet {
			require.False(t, fires(t, rule.Expr, time.Duration(rule.For), h), "%s is quiet on %v", rule.Alert, h)
		}
	}
}

// fires reports whether an expression holds of a history for the given time, of the same labels throughout.
func fires(t testing.TB, expr string, lasting time.Duration, history []string) bool {
	t.Helper()
	past, until := remembered(t, history)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: promQL})
	defer func() { require.NoError(t, engine.Close()) }()
	query, err := engine.NewRangeQuery(t.Context(), past, nil, expr, time.Unix(begin, 0), until, every)
	require.NoError(t, err)
	defer query.Close()
	result := query.Exec(t.Context())
	require.NoError(t, result.Err)
	matrix, err := result.Matrix()
	require.NoError(t, err)
	for _, series := range matrix {
		var since, last int64
		for _, point := range series.Floats {
			if since == 0 || point.T-last > every.Milliseconds() {
				since = point.T
			}
			if last = point.T; last-since >= lasting.Milliseconds() {
				return true
			}
		}
	}
	return false
}

// remembered is a storage that holds a history, and the time at which it ends.
func remembered(t testing.TB, history []string) (storage.Queryable, time.Time) {
	t.Helper()
	var all []storage.Series
	until := time.Unix(begin, 0)
	for _, text := range history {
		lset, values, err := promQL.ParseSeriesDesc(text)
		require.NoError(t, err, text)
		var samples []chunks.Sample
		for i, v := range values {
			at := time.Unix(begin, 0).Add(time.Duration(i) * every)
			if until.Before(at) {
				until = at
			}
			if !v.Omitted {
				samples = append(samples, sample{at.UnixMilli(), v.Value})
			}
		}
		all = append(all, storage.NewListSeries(lset, samples))
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			set := &seriesSet{}
			for _, series := range all {
				fits := true
				for _, m := range matchers {
					fits = fits && m.Matches(series.Labels().Get(m.Name))
				}
				if fits {
					set.series = append(set.series, series)
				}
			}
			return set
		},
	}}, until
}

// seriesSet goes through some series.
type seriesSet struct {
	series []storage.Series
	next   int
}

func (s *seriesSet) Next() bool                        { s.next++; return s.next <= len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// sample is a value at a time in milliseconds.
type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
