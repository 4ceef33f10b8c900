package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/trace"

	"ates/domain"
)

// Attempt is one attempt at a reaction's job, begun as River begins one. Who tests decides when it goes on, if ever.
type Attempt struct {
	Job *rivertype.JobRow
	bus *Bus
}

// Begin marks a waiting job as running, as River does when it fetches one.
func (b *Bus) Begin(ctx context.Context, id int64) (*Attempt, error) {
	if _, err := b.pool.Exec(ctx, `update river.river_job set state = 'running', attempt = attempt + 1, attempted_at = clock_timestamp()
		where id = $1 and state in ('available', 'retryable', 'scheduled')`, id); err != nil {
		return nil, err
	}
	row, err := b.river.JobGet(ctx, id)
	if err != nil {
		return nil, err
	}
	return &Attempt{row, b}, nil
}

// Work does what River has the job's worker do. What River makes of an error afterwards is left to the test.
func (a *Attempt) Work(ctx context.Context) error {
	for _, r := range a.bus.flow.reactions() {
		if r.kind == a.Job.Kind {
			job := &river.Job[reactionArgs]{JobRow: a.Job, Args: reactionArgs{kind: r.kind}}
			if err := json.Unmarshal(a.Job.EncodedArgs, &job.Args); err != nil {
				return err
			}
			return newReactionWorker(a.bus, r).Work(rivertest.WorkContext(ctx, a.bus.river), job)
		}
	}
	return fmt.Errorf("no reaction is of the kind %s", a.Job.Kind)
}

// Forget has a bus know nothing of a kind of job, as a program of before it does.
func (b *Bus) Forget(kind string) {
	for i := range b.flow {
		b.flow[i].then = slices.DeleteFunc(slices.Clone(b.flow[i].then), func(r *reaction) bool { return r.kind == kind })
	}
}

// Addressee is whom a mail is for.
var Addressee = addressee

// NoSpan begins and ends the span of a command where nobody traces.
func NoSpan(ctx context.Context) {
	_, s := span(ctx, nil, "tracker.CreateTask", trace.SpanKindInternal)
	traceCommand(s, uuid.Nil, commandDone, nil, nil)
}

// TakeWaiting has a group look once for jobs of a kind that wait, in a transaction. It returns how many it took, and whether nobody
// else took one of them in the same moment.
func (b *Bus) TakeWaiting(ctx context.Context, tx pgx.Tx, kind string) (taken int, clean bool, err error) {
	for _, r := range b.flow.reactions() {
		if r.kind == kind {
			pieces, clean, err := newReactionWorker(b, r).take(ctx, domain.Tx{Tx: tx}, groupOfEvents)
			return len(pieces), clean, err
		}
	}
	return 0, false, fmt.Errorf("no reaction is of the kind %s", kind)
}
