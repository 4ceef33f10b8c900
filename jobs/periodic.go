package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

// chore is a command that the clock asks for. River forgets a tick now and then, when it fails or its leader changes, so a
// chore sweeps: it does all that is due by now, whenever it ran last.
type chore struct {
	kind    string
	every   time.Duration
	command domain.Command
	// timeout is how long it may take; 0 is the usual time.
	timeout time.Duration
	// heavy ones wait until a process has been up for a while, which has enough to do at its start.
	heavy bool
}

// heavyAfter is how long after the start heavy chores are run that are due then.
const heavyAfter = time.Minute

// chores are all of them. They run at the start too, but for heavy ones.
func chores(books accounting.Books) []chore {
	return []chore{
		{kind: "close_day", every: time.Minute, command: closeDay{books}},
		{kind: "forget_changes", every: 10 * time.Minute, command: forgetChanges{}},
		{kind: "sweep_expired", every: 10 * time.Minute, command: auth.SweepExpired{}},
		{kind: "rotate_signing_key", every: time.Hour, command: auth.RotateSigningKey{}},
		{kind: reviveJobsKind, every: time.Minute, command: reviveJobs{}},
		{kind: "seal_books", every: 10 * time.Minute, command: sealBooks{}, timeout: time.Minute},
		{kind: verifyBooksKind, every: 24 * time.Hour, command: verifyBooks{}, timeout: 10 * time.Minute, heavy: true},
	}
}

// choreAttempts is how often a chore is tried for one tick: more than once, so that one whose process was killed is not left
// behind as given up, and not often, since the next tick does what this one did not.
const choreAttempts = 3

// periodicJobs hands the chores to River.
func periodicJobs(chores []chore) []*river.PeriodicJob {
	jobs := make([]*river.PeriodicJob, len(chores))
	for i, c := range chores {
		tick := c.every
		if c.heavy {
			tick = heavyAfter // what has been run in its period is not run again
		}
		jobs[i] = river.NewPeriodicJob(river.PeriodicInterval(tick), func() (river.JobArgs, *river.InsertOpts) {
			return choreArgs{c.kind}, &river.InsertOpts{MaxAttempts: choreAttempts, UniqueOpts: river.UniqueOpts{ByPeriod: c.every}}
		}, &river.PeriodicJobOpts{ID: c.kind, RunOnStart: !c.heavy})
	}
	return jobs
}

// choreArgs are empty: a chore finds out by itself what is due.
type choreArgs struct{ kind string }

// Kind is the kind of the chore.
func (a choreArgs) Kind() string { return a.kind }

// choreWorker runs a chore through the bus.
type choreWorker struct {
	river.WorkerDefaults[choreArgs]
	bus     *Bus
	command domain.Command
	timeout time.Duration
}

// Timeout is the chore's.
func (w *choreWorker) Timeout(*river.Job[choreArgs]) time.Duration { return w.timeout }

// Work does what is due.
func (w *choreWorker) Work(ctx context.Context, _ *river.Job[choreArgs]) error {
	return w.bus.Do(ctx, w.command)
}

const (
	// changesKept is how long a page can have been cut off and still be told just what it missed.
	changesKept = time.Hour
	// runsKept is how long one can look up what jobs a command had and how long they took.
	runsKept = 90 * 24 * time.Hour
)

// forgetChanges deletes old rows of log.changes and log.runs.
type forgetChanges struct{}

// Handle deletes what is older than changesKept and runsKept.
func (forgetChanges) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if _, err := dbsqlc.New(tx).ForgetChanges(ctx, tx.Now.Add(-changesKept)); err != nil {
		return nil, fmt.Errorf("forget old changes: %w", err)
	}
	if _, err := dbsqlc.New(tx).ForgetRuns(ctx, tx.Now.Add(-runsKept)); err != nil {
		return nil, fmt.Errorf("forget old runs: %w", err)
	}
	return nil, nil
}
