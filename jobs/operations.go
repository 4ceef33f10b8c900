package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ates/sql/migrations"
)

// riverJob is River's table of jobs.
var riverJob = pgx.Identifier{migrations.RiverSchema, "river_job"}.Sanitize()

// Job is a job in the queue that has not done its work. All its times are the database's, not the program's clock's.
type Job struct {
	ID                   int64
	Kind, Queue, State   string
	Attempt, MaxAttempts int
	// Batch, First and Last name the events that it reacts to; Batch is the nil UUID where it reacts to none.
	Batch       uuid.UUID
	First, Last int64
	// Flow is the command at the beginning of the chain; the nil UUID where it reacts to no event.
	Flow uuid.UUID
	// Age is how long ago it came into the queue, and Next in how long it is tried again.
	Age, Next time.Duration
	// Error is what the last attempt ended with.
	Error string
}

// selectJobs reads jobs; a condition, an order and a limit follow.
var selectJobs = `select j.id, j.kind, j.queue, j.state::text, j.attempt, j.max_attempts,
		coalesce((j.args ->> 'batch')::uuid, '00000000-0000-0000-0000-000000000000'), coalesce((j.args ->> 'first')::bigint, 0), coalesce((j.args ->> 'last')::bigint, 0),
		coalesce(e.correlation_id, '00000000-0000-0000-0000-000000000000'),
		extract(epoch from now() - j.created_at)::float8, extract(epoch from j.scheduled_at - now())::float8, coalesce(j.errors[array_upper(j.errors, 1)], '{}')
	from ` + riverJob + ` j left join log.events e on e.position = (j.args ->> 'first')::bigint `

func (b *Bus) listJobs(ctx context.Context, rest string, args ...any) ([]Job, error) {
	rows, err := b.pool.Query(ctx, selectJobs+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Job, error) {
		var j Job
		var age, next float64
		var last json.RawMessage
		err := row.Scan(&j.ID, &j.Kind, &j.Queue, &j.State, &j.Attempt, &j.MaxAttempts, &j.Batch, &j.First, &j.Last, &j.Flow, &age, &next, &last)
		if err != nil {
			return j, err
		}
		j.Age, j.Next = time.Duration(age*float64(time.Second)), time.Duration(next*float64(time.Second))
		var failed rivertype.AttemptError
		if err := json.Unmarshal(last, &failed); err != nil {
			return j, fmt.Errorf("read why job %d failed: %w", j.ID, err)
		}
		j.Error = failed.Error
		return j, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return jobs, nil
}

// JobsOf lists the jobs that react to events of the batches and have not done their work.
func (b *Bus) JobsOf(ctx context.Context, batches []uuid.UUID) ([]Job, error) {
	names := make([]string, len(batches))
	for i, batch := range batches {
		names[i] = batch.String()
	}
	return b.listJobs(ctx, `where j.state in ('available', 'pending', 'retryable', 'running', 'scheduled', 'discarded', 'cancelled')
		and j.args ->> 'batch' = any($1) order by j.id`, names)
}

// FailedJobs lists jobs that are not done: those that were given up first, then those of kinds that this program does not know, which
// nobody takes, then those that are tried again soonest.
func (b *Bus) FailedJobs(ctx context.Context, limit int) ([]Job, error) {
	jobs, err := b.listJobs(ctx, `where j.state in ('discarded', 'retryable') or j.state in ('available', 'scheduled') and j.kind = any(array(`+kindsOfJobs+`))
		order by j.state = 'retryable', j.state <> 'discarded', j.scheduled_at, j.id limit $1`, limit, b.kinds())
	for i := range jobs {
		if j := &jobs[i]; j.Error == "" && j.State != "discarded" {
			j.Error = fmt.Sprintf("no job of the kind %s is known to this version of the program; a newer one has to run", j.Kind)
		}
	}
	return jobs, err
}

// kindsOfJobs are the kinds of jobs in the queue but for $2, each found by one look into the index.
var kindsOfJobs = `with recursive kinds as (
		(select kind from ` + riverJob + ` order by kind limit 1)
		union all
		select (select n.kind from ` + riverJob + ` n where n.kind > k.kind order by n.kind limit 1) from kinds k where k.kind is not null
	)
	select kind from kinds where kind <> all($2)`

// OldestJob is the job that reacts to the oldest event that somebody has still to react to; none when there is no such event.
func (b *Bus) OldestJob(ctx context.Context) ([]Job, error) {
	return b.listJobs(ctx, `where j.state in ('available', 'pending', 'retryable', 'running', 'scheduled') and e.position is not null
		order by e.occurred_at, j.id limit 1`)
}

// JobCounts are how many jobs of something are open, and how many of those have been given up.
type JobCounts struct{ Open, Dead int }

// CountJobs counts, for some commands, the jobs of their chains that have not done their work.
func (b *Bus) CountJobs(ctx context.Context, flows []uuid.UUID) (map[uuid.UUID]JobCounts, error) {
	rows, err := b.pool.Query(ctx, `select e.correlation_id, count(*) filter (where j.state <> 'discarded'), count(*) filter (where j.state = 'discarded')
		from `+riverJob+` j cross join lateral (
			select correlation_id from log.events where position = (j.args ->> 'first')::bigint and not j.args ? 'joint'
			union
			select correlation_id from log.events where batch = (j.args ->> 'batch')::uuid and position between (j.args ->> 'first')::bigint and (j.args ->> 'last')::bigint and j.args ? 'joint'
		) e
		where j.state in ('available', 'pending', 'retryable', 'running', 'scheduled', 'discarded') and e.correlation_id = any($1) group by e.correlation_id`, flows)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	counts := map[uuid.UUID]JobCounts{}
	var flow uuid.UUID
	var c JobCounts
	_, err = pgx.ForEachRow(rows, []any{&flow, &c.Open, &c.Dead}, func() error {
		counts[flow] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return counts, nil
}

// QueueState is how a queue is doing.
type QueueState struct {
	Name string
	// Waiting jobs run as soon as somebody is free, Failing ones have failed and will be tried again, Dead ones have been given up;
	// Done ones have done their work within the last hour.
	Waiting, Running, Failing, Dead, Done int
	// Lag is for how long the job has waited that has waited longest.
	Lag time.Duration
}

// QueueStates looks at every queue, also at those in which nothing is.
func (b *Bus) QueueStates(ctx context.Context) ([]QueueState, error) {
	states := make([]QueueState, len(Queues()))
	for i, name := range Queues() {
		states[i].Name = name
	}
	rows, err := b.pool.Query(ctx, `select queue, count(*) filter (where state in ('available', 'pending') or state = 'scheduled' and scheduled_at <= now()),
			count(*) filter (where state = 'running'), count(*) filter (where state = 'retryable'), count(*) filter (where state = 'discarded'),
			(select count(*) from `+riverJob+` d where d.queue = j.queue and d.state = 'completed' and d.finalized_at > now() - interval '1 hour'),
			coalesce(extract(epoch from now() - min(scheduled_at) filter (where state in ('available', 'pending'))), 0)::float8
		from (select unnest($1::text[]) as queue) j
		left join lateral (select o.state, o.scheduled_at from `+riverJob+` o where o.queue = j.queue
			and o.state in ('available', 'pending', 'retryable', 'running', 'scheduled', 'discarded')) o on true
		group by queue`, Queues())
	if err != nil {
		return nil, fmt.Errorf("look at the queues: %w", err)
	}
	var s QueueState
	var lag float64
	_, err = pgx.ForEachRow(rows, []any{&s.Name, &s.Waiting, &s.Running, &s.Failing, &s.Dead, &s.Done, &lag}, func() error {
		s.Lag = time.Duration(max(0, lag) * float64(time.Second))
		states[slices.Index(Queues(), s.Name)] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look at the queues: %w", err)
	}
	return states, nil
}

// JobFigure counts the jobs of a kind, in a queue and in a state, that have not done their work.
type JobFigure struct {
	Kind, Queue, State string
	// Reacts says that the kind reacts to events.
	Reacts bool
	Count  int
	// Oldest is how long ago the one that came first into the queue did; Waited is for how long the one could have run that could
	// for longest, and for how long it has run where the state is that it runs.
	Oldest, Waited time.Duration
}

// JobFigures counts the jobs that have not done their work, those that were given up among them. Every kind that this program knows
// has a figure, of none that wait where there are none at all.
func (b *Bus) JobFigures(ctx context.Context) ([]JobFigure, error) {
	queueOf := map[string]string{}
	for _, r := range b.flow.reactions() {
		queueOf[r.kind] = r.queue
	}
	rows, err := b.pool.Query(ctx, `select kind, queue, case when state = 'scheduled' and scheduled_at <= now() then 'available' else state::text end as state, count(*),
			extract(epoch from now() - min(created_at))::float8, greatest(0, extract(epoch from now() - min(case when state = 'running' then attempted_at else scheduled_at end)))::float8
		from `+riverJob+` where state in ('available', 'pending', 'retryable', 'running', 'scheduled', 'discarded') group by 1, 2, 3 order by 1, 2, 3`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	seen := map[string]bool{}
	figures, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (JobFigure, error) {
		var f JobFigure
		var oldest, waited float64
		err := row.Scan(&f.Kind, &f.Queue, &f.State, &f.Count, &oldest, &waited)
		f.Oldest, f.Waited = time.Duration(oldest*float64(time.Second)), time.Duration(waited*float64(time.Second))
		_, f.Reacts = queueOf[f.Kind]
		seen[f.Kind] = true
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	for _, kind := range b.kinds() {
		if !seen[kind] {
			queue, reacts := queueOf[kind]
			if _, mails := b.outboxes()[kind]; mails {
				queue = mailQueue
			}
			figures = append(figures, JobFigure{Kind: kind, Queue: cmp.Or(queue, river.QueueDefault), State: string(rivertype.JobStateAvailable), Reacts: reacts})
		}
	}
	return figures, nil
}

// Reactions says of each kind of job to which events it reacts.
func (b *Bus) Reactions() map[string][]string {
	events := map[string][]string{}
	for _, rule := range b.flow {
		for _, r := range rule.then {
			events[r.kind] = append(events[r.kind], rule.on.EventName())
		}
	}
	return events
}

// VerifySoon has the books verified without waiting for the clock. While that is waited for or going on, asking again does nothing.
func (b *Bus) VerifySoon(ctx context.Context) error {
	_, err := b.river.Insert(ctx, choreArgs{verifyBooksKind}, &river.InsertOpts{MaxAttempts: choreAttempts, UniqueOpts: river.UniqueOpts{ByQueue: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}})
	if err != nil {
		return fmt.Errorf("enqueue the verification: %w", err)
	}
	return nil
}
