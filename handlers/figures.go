package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"ates/views"
)

const (
	// figuresEvery is how old figures of the database may be before they are read again, however often somebody asks.
	figuresEvery = 5 * time.Second
	// figuresWithin is how long reading them may take.
	figuresWithin = 4 * time.Second
	// payoutsSince is how far back the first look for open payouts goes.
	payoutsSince = 90 * 24 * time.Hour
)

// What the database knows. Every process that serves pages tells the same of it.
var (
	databaseUp       = figure("database_up", "1 while the figures of the database could be read in time; without them it tells nothing else of the database.")
	databaseSize     = figure("database_size_bytes", "How much the database takes on disk.")
	notificationUse  = figure("database_notification_queue_ratio", "How full the queue of notifications of the server is, from 0 to 1.")
	transactionAge   = figure("database_oldest_transaction_seconds", "For how long the oldest transaction in the database has been open.")
	jobsInQueue      = figure("jobs", "Jobs that have not done their work.", "kind", "queue", "state")
	queueWaiting     = figure("queue_oldest_waiting_job_seconds", "For how long the job has waited that could run and has waited longest.", "queue")
	queueRunning     = figure("queue_longest_running_job_seconds", "For how long the job has run that has run longest.", "queue")
	reactionLag      = figure("reaction_lag_seconds", "For how long the oldest event has waited to which a job of the kind has still to react; jobs that were given up do not count.", "kind", "queue")
	daysOverdue      = figure("days_overdue", "Business days that have ended and are not closed.")
	dayClosedUntil   = figure("day_closed_until_timestamp_seconds", "When the last closed business day ended; missing while none is closed.")
	payoutsOpen      = figure("payouts_open", "Payouts that were promised when a day was closed and have not been made.")
	ledgerVerifiedAt = figure("ledger_verified_timestamp_seconds", "When the books were verified last; missing while they never were.")
	ledgerSound      = figure("ledger_sound", "1 when every promise held as the books were verified last; missing while they never were.")
	ledgerBroken     = figure("ledger_promise_broken_rows", "Rows that broke a promise when the books were verified last.", "promise")
	allFigures       = []*prometheus.Desc{databaseUp, databaseSize, notificationUse, transactionAge, jobsInQueue, queueWaiting, queueRunning, reactionLag, daysOverdue, dayClosedUntil, payoutsOpen, ledgerVerifiedAt, ledgerSound, ledgerBroken}
)

func figure(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ates_"+name, help, labels, nil)
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

// figures are metrics that are read from the database, for everybody who asks within figuresEvery once.
type figures struct {
	read func(context.Context) ([]prometheus.Metric, error)

	mu     sync.Mutex
	readAt time.Time
	last   []prometheus.Metric
	failed error
}

// Describe names them all.
func (f *figures) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range allFigures {
		descs <- desc
	}
}

// Collect tells them. Those of a database that does not answer are left out, since old ones would look well.
func (f *figures) Collect(metrics chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.readAt) >= figuresEvery {
		f.readNow()
	}
	if f.failed != nil {
		metrics <- gauge(databaseUp, 0)
		return
	}
	metrics <- gauge(databaseUp, 1)
	for _, m := range f.last {
		metrics <- m
	}
}

func (f *figures) readNow() {
	ctx, cancel := context.WithTimeout(context.Background(), figuresWithin)
	defer cancel()
	was := f.failed
	f.last, f.failed = f.read(ctx)
	f.readAt = time.Now()
	if f.failed != nil && was == nil {
		slog.WarnContext(ctx, "metrics have no figures of the database", "error", f.failed)
	}
}

// readFigures reads every figure.
func (h *Handlers) readFigures(ctx context.Context) (all []prometheus.Metric, err error) {
	for _, read := range []func(context.Context) ([]prometheus.Metric, error){h.jobFigures, h.dayFigures, h.proofFigures, h.databaseFigures} {
		some, err := read(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (h *Handlers) databaseFigures(ctx context.Context) ([]prometheus.Metric, error) {
	d, err := h.queries.WatchDatabase(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the database: %w", err)
	}
	return []prometheus.Metric{gauge(databaseSize, float64(d.Size)), gauge(notificationUse, d.Notifications), gauge(transactionAge, max(0, d.OldestTransaction))}, nil
}

// jobFigures look at the queues.
func (h *Handlers) jobFigures(ctx context.Context) (all []prometheus.Metric, err error) {
	found, err := h.Operations.JobFigures(ctx)
	if err != nil {
		return nil, err
	}
	type reaction struct{ kind, queue string }
	waiting, running, lag := map[string]float64{}, map[string]float64{}, map[reaction]float64{}
	for _, f := range found {
		all = append(all, gauge(jobsInQueue, float64(f.Count), f.Kind, f.Queue, f.State))
		waiting[f.Queue], running[f.Queue] = max(waiting[f.Queue], 0), max(running[f.Queue], 0)
		switch f.State {
		case "available", "pending":
			waiting[f.Queue] = max(waiting[f.Queue], f.Waited.Seconds())
		case "running":
			running[f.Queue] = max(running[f.Queue], f.Waited.Seconds())
		}
		if f.Reacts && f.State != "discarded" {
			lag[reaction{f.Kind, f.Queue}] = max(lag[reaction{f.Kind, f.Queue}], f.Oldest.Seconds())
		}
	}
	for queue := range waiting {
		all = append(all, gauge(queueWaiting, waiting[queue], queue), gauge(queueRunning, running[queue], queue))
	}
	for r, seconds := range lag {
		all = append(all, gauge(reactionLag, seconds, r.kind, r.queue))
	}
	return all, nil
}

// dayFigures look at business days and payouts.
func (h *Handlers) dayFigures(ctx context.Context) ([]prometheus.Metric, error) {
	now := h.Now()
	days, err := h.queries.WatchDays(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("look at the business days: %w", err)
	}
	open, err := h.queries.CountOpenPayouts(ctx, h.paidUntil.from(now))
	if err != nil {
		return nil, fmt.Errorf("count open payouts: %w", err)
	}
	var payouts int32
	for _, o := range open {
		if payouts += o.Payouts; payouts == 0 && !o.Day.After(days.Closed) {
			h.paidUntil.day = o.Day
		}
	}
	all := []prometheus.Metric{gauge(daysOverdue, float64(days.Overdue)), gauge(payoutsOpen, float64(payouts))}
	if until := days.ClosedUntil.Unix(); until != 0 {
		all = append(all, gauge(dayClosedUntil, float64(until)))
	}
	return all, nil
}

// paidUntil is a day up to which every payout has been made. What was promised when a day was closed does not change, so nobody has to
// look that far back again.
type paidUntil struct{ day time.Time }

// from is the day after which payouts have to be looked at.
func (p *paidUntil) from(now time.Time) time.Time {
	if p.day.IsZero() {
		return now.Add(-payoutsSince)
	}
	return p.day
}

// proofFigures look up what was found when the books were verified last.
func (h *Handlers) proofFigures(ctx context.Context) ([]prometheus.Metric, error) {
	found, err := h.queries.LastVerification(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the last verification: %w", err)
	}
	sound := 0.0
	if found.Sound {
		sound = 1
	}
	all := []prometheus.Metric{gauge(ledgerVerifiedAt, float64(found.At.Unix())), gauge(ledgerSound, sound)}
	var checks []views.VerifiedCheck
	if err := json.Unmarshal(found.Checks, &checks); err != nil {
		return nil, fmt.Errorf("read the last verification: %w", err)
	}
	for _, c := range checks {
		if !c.Informs {
			all = append(all, gauge(ledgerBroken, float64(c.Broken), c.Name))
		}
	}
	return all, nil
}
