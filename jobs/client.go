package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"ates/domain/accounting"
	"ates/sql/migrations"
	"ates/views"
)

// busyWorkers is how many jobs of a busy queue one process works on at once. With more than there are processors a draw's jobs mostly wait
// for one another's wallets, and everybody's commands wait for all of them.
var busyWorkers = max(2, runtime.GOMAXPROCS(0))

// queues are all queues with how many of their jobs one process works on at once.
var queues = map[string]river.QueueConfig{
	peopleQueue:        {MaxWorkers: 2},
	moneyQueue:         {MaxWorkers: busyWorkers},
	payoutQueue:        {MaxWorkers: 2},
	readModelsQueue:    {MaxWorkers: busyWorkers},
	notificationsQueue: {MaxWorkers: 2},
	mailQueue:          {MaxWorkers: 2},
	river.QueueDefault: {MaxWorkers: 2},
}

// Queues are the names of all queues.
func Queues() []string {
	return []string{peopleQueue, moneyQueue, payoutQueue, readModelsQueue, notificationsQueue, mailQueue, river.QueueDefault}
}

// NewBus makes a bus. Its jobs are worked on by whichever process calls Work.
func NewBus(cfg BusConfig) (*Bus, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Payouts == nil {
		cfg.Payouts = accounting.InBooks{}
	}
	b := &Bus{
		pool: cfg.Pool, direct: cmp.Or(cfg.Direct, cfg.Pool), flow: newFlow(cfg.Books, cfg.Payouts, cfg.Mail != nil), chores: chores(cfg.Books),
		mail: cfg.Mail, locale: views.Locale{Zone: cfg.Books.Zone, Currency: cfg.Currency}, publicURL: cfg.PublicURL, now: cfg.Now, lag: cfg.Lag, notifier: newNotifier(cfg.Pool, cfg.Tracer), waker: newWaker(cfg.Pool), metrics: newMetrics(), tracer: cfg.Tracer,
	}
	b.metrics.expect(b)
	b.crew = &crew{metrics: b.metrics}
	var err error
	// Only inserts, and wakes nobody: the client that works is made by Work, with the queues it is to work on.
	b.river, err = river.NewClient(riverpgxv5.New(b.pool), &river.Config{
		Schema: migrations.RiverSchema, Workers: b.workers(), FetchCooldown: neverNotify, FetchPollInterval: neverNotify, Middleware: b.traces(), Logger: riverLogger(),
	})
	if err != nil {
		return nil, fmt.Errorf("make a River client: %w", err)
	}
	return b, nil
}

// traces are what River needs to trace jobs; nothing where nobody does.
func (b *Bus) traces() []rivertype.Middleware {
	if b.tracer == nil {
		return nil
	}
	return []rivertype.Middleware{&traces{tracer: b.tracer}}
}

// River is a client for looking at jobs and for acting on them, as the River dashboard does.
func (b *Bus) River() *river.Client[pgx.Tx] { return b.river }

// kinds are those of every job that this program knows.
func (b *Bus) kinds() []string {
	var kinds []string
	for _, r := range b.flow.reactions() {
		kinds = append(kinds, r.kind)
	}
	for _, c := range b.chores {
		kinds = append(kinds, c.kind)
	}
	for kind := range b.outboxes() {
		kinds = append(kinds, kind)
	}
	return kinds
}

// workers are the workers of every kind of job. Every process knows all kinds, whichever queues it works on: the process that
// leads discards stuck jobs of kinds it does not know.
func (b *Bus) workers() *river.Workers {
	workers := river.NewWorkers()
	for _, r := range b.flow.reactions() {
		river.AddWorkerArgs(workers, reactionArgs{kind: r.kind}, newReactionWorker(b, r))
	}
	for _, c := range b.chores {
		river.AddWorkerArgs(workers, choreArgs{c.kind}, &choreWorker{bus: b, command: c.command, timeout: c.timeout})
	}
	for kind, o := range b.outboxes() {
		river.AddWorkerArgs(workers, sendMailArgs{kind: kind}, &mailWorker{bus: b, outbox: o})
	}
	return workers
}

// The settings below were measured or explained where River's defaults cost time or money.
const (
	// With the default of 100 ms a queue works off at most MaxWorkers jobs in each window.
	fetchCooldown = 5 * time.Millisecond
	// How long a job waits whose NOTIFY was left out or lost; also how late a retry is. Each look of each queue is a transaction: with
	// 100 ms a process that had nothing to do took three times as much of a processor.
	fetchPoll = 500 * time.Millisecond
	// No job takes long: big work is cut into chunks.
	jobTimeout = 10 * time.Second
	// After a kill -9 a job is stuck for this long. It must be longer than the timeout, and it is shorter than the 15 s after
	// which another process takes the lead, whose first deed is to look for stuck jobs; its next look is 30 s later.
	rescueAfter = 12 * time.Second
	softStop    = 5 * time.Second
)

// Work works on the jobs of the named queues, all when none is named, until the context ends; then running jobs finish or go
// back to their queue. It also sends the notifications that open pages and queues wait for.
func (b *Bus) Work(ctx context.Context, names ...string) error {
	cfg := &river.Config{
		Schema:        migrations.RiverSchema,
		Workers:       b.workers(),
		Queues:        map[string]river.QueueConfig{},
		PeriodicJobs:  periodicJobs(b.chores),
		FetchCooldown: fetchCooldown,
		// What a newer program has put there waits for it.
		FetchOnlyKnownKinds: true,
		FetchPollInterval:   fetchPoll,
		ReindexerIndexNames: slices.DeleteFunc(river.ReindexerIndexNamesDefault(), func(index string) bool {
			return slices.Contains(migrations.UnreadIndexes, index)
		}),
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		SoftStopTimeout:      softStop,
		// Finished jobs are of use for a while, dead ones until an admin has looked at them.
		CompletedJobRetentionPeriod: 6 * time.Hour,
		DiscardedJobRetentionPeriod: -1,
		ErrorHandler:                &errorHandler{},
		RetryPolicy:                 retryPolicy{},
		Middleware:                  append(b.traces(), b.crew),
		Hooks:                       []rivertype.Hook{river.HookMetricEmitFunc(b.crew.answered)},
		Logger:                      riverLogger(),
	}
	if len(names) == 0 {
		names = Queues()
	}
	for _, name := range names {
		settings, ok := queues[name]
		if !ok {
			return fmt.Errorf("there is no queue %q; the queues are %v", name, Queues())
		}
		cfg.Queues[name] = settings
	}
	client, err := river.NewClient(b.driver(), cfg)
	if err != nil {
		return fmt.Errorf("make a River client: %w", err)
	}
	notifying, stopNotifying := context.WithCancel(context.WithoutCancel(ctx))
	notified := make(chan struct{})
	go func() { defer close(notified); b.Notify(notifying) }()
	defer func() { stopNotifying(); <-notified }()

	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start working on jobs: %w", err)
	}
	<-client.Stopped()
	b.crew.asked.Store(0)
	return nil
}

// driver is River's on the pool, which listens by way of direct.
func (b *Bus) driver() riverdriver.Driver[pgx.Tx] {
	return listeningApart{riverpgxv5.New(b.pool), riverpgxv5.New(b.direct)}
}

// listeningApart is a driver that listens on connections of another.
type listeningApart struct {
	*riverpgxv5.Driver
	listens *riverpgxv5.Driver
}

func (d listeningApart) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.listens.GetListener(params)
}

// Notify sends the notifications that open pages and queues wait for, in a process that works on no jobs, until the context ends.
func (b *Bus) Notify(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { b.notifier.run(ctx) })
	group.Go(func() { b.waker.run(ctx) })
	group.Wait()
}

// riverLogger is the program's log without River's own news, which come every few seconds.
func riverLogger() *slog.Logger { return slog.New(warningsOf{slog.Default().Handler()}) }

type warningsOf struct{ slog.Handler }

func (warningsOf) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// errorHandler logs what failed, once, with what is needed to find it again.
type errorHandler struct{}

func (*errorHandler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level := slog.LevelWarn
	if job.Attempt >= job.MaxAttempts {
		level = slog.LevelError
	}
	var correlation string
	var f *failure
	if errors.As(err, &f) {
		correlation = f.correlation.String()
	}
	slog.Log(ctx, level, "job failed", "correlation", correlation, "job", job.ID, "kind", job.Kind, "attempt", job.Attempt, "of", job.MaxAttempts, "args", string(job.EncodedArgs), "error", err)
	return nil
}

func (*errorHandler) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	slog.ErrorContext(ctx, "job panicked", "job", job.ID, "kind", job.Kind, "attempt", job.Attempt, "panic", value, "trace", trace)
	return nil
}
