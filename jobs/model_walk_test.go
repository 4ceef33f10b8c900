package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/sql/sqltest"
)

// walk is a company on a way that rapid draws, beside its model.
type walk struct {
	walkT
	require *require.Assertions
	model   *modelBooks
	books   accounting.Books
	now     time.Time
	// pool is the test's; the bus has one of its own, whose statements go through the gate.
	pool *pgxpool.Pool
	bus  *jobs.Bus
	gate *gate

	keys    int
	staff   []uuid.UUID // an admin first, whom nobody changes
	created []uuid.UUID
	held    []*jobs.Attempt
	slow    *slowCommand

	log      []event
	position int64
	transfer int64
}

// walkT reports to rapid what helpers report to a test, so that rapid can shorten a walk that fails. Prices are drawn anew each time
// a walk is gone, so the first failure is kept for when it does not come again.
type walkT struct {
	testing.TB
	r     *rapid.T
	first *sync.Once
}

func (t walkT) Helper()                         {}
func (t walkT) Cleanup(f func())                { t.r.Cleanup(f) }
func (t walkT) Context() context.Context        { return t.r.Context() }
func (t walkT) FailNow()                        { t.r.FailNow() }
func (t walkT) Logf(format string, args ...any) { t.r.Logf(format, args...) }
func (t walkT) Errorf(format string, args ...any) {
	t.first.Do(func() { t.TB.Logf("the first walk that failed: "+format, args...) })
	t.r.Errorf(format, args...)
}

func emptyWalk(t walkT, books accounting.Books, provider accounting.PayoutProvider, start string) *walk {
	w := &walk{walkT: t, model: newModelBooks(books.Zone), books: books, gate: &gate{}}
	w.require = require.New(w.walkT)
	w.pool = sqltest.Pool(w.walkT)
	var err error
	w.now, err = time.Parse(time.RFC3339, start)
	w.require.NoError(err)
	cfg := w.pool.Config()
	cfg.ConnConfig.Tracer = w.gate
	luck := rapid.Float64Range(0, 1).Draw(t.r, "luck")
	connected := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { // so that a walk can be gone again
		if err := connected(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "select setseed($1)", luck)
		luck /= 2
		return err
	}
	pool, err := pgxpool.NewWithConfig(w.Context(), cfg)
	w.require.NoError(err)
	w.Cleanup(pool.Close)
	w.Cleanup(func() {
		if w.slow != nil {
			close(w.slow.goOn)
			if err := <-w.slow.done; err != nil {
				w.Logf("the slow command came to nothing: %v", err)
			}
		}
	})
	w.bus, err = jobs.NewBus(jobs.BusConfig{Pool: pool, Books: books, Payouts: provider, Now: func() time.Time { return w.now }})
	w.require.NoError(err)
	return w
}

// gate is where every statement of the program passes. At one of a transaction something can be done first.
type gate struct {
	mu    sync.Mutex
	after int
	begun bool
	then  func(*pgx.Conn)
}

// TraceQueryStart lets a statement pass, or does what was asked for.
func (g *gate) TraceQueryStart(ctx context.Context, conn *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	g.mu.Lock()
	var then func(*pgx.Conn)
	g.begun = g.begun || query.SQL == "begin" // before it the pool may have looked whether the connection is alive
	if g.begun && g.after > 0 {
		if g.after--; g.after == 0 {
			then = g.then
		}
	}
	g.mu.Unlock()
	if then != nil {
		then(conn)
	}
	return ctx
}

// TraceQueryEnd does nothing.
func (g *gate) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// at asks for something at the nth statement of the next transaction; 0 asks for nothing.
func (g *gate) at(n int, then func(*pgx.Conn)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.after, g.begun, g.then = n, false, then
}

// cut breaks a connection, as the death of the program does. What is sent after that reaches nobody.
func cut(conn *pgx.Conn) { _ = conn.PgConn().Conn().Close() }

// crashPoint draws at which statement the next transaction is cut off; mostly at none.
func (w *walk) crashPoint(r *rapid.T) int {
	if rapid.IntRange(0, 3).Draw(r, "crash") > 0 {
		return 0
	}
	return rapid.IntRange(1, 20).Draw(r, "statement")
}

// do runs a command. Whatever its error, it must have changed nothing.
func (w *walk) do(cmd domain.Command, crashAt int) error {
	before := w.position
	w.gate.at(crashAt, cut)
	err := w.bus.Do(w.Context(), cmd)
	w.gate.at(0, nil)
	w.observe()
	if err != nil {
		w.require.Empty(w.since(before), "%v", err)
	}
	w.require.True(err == nil || crashAt > 0 || errors.As(err, new(*domain.Refusal)), "%v", err)
	return err
}

// ask runs a command, again when it was cut off, and reports whether it was done. What it told is compared where names are given.
func (w *walk) ask(cmd domain.RequestedCommand, crashAt int, refused bool, names ...string) bool {
	before := w.position
	form := reflect.ValueOf(cmd).Elem()
	sent := reflect.ValueOf(form.Interface())
	err := w.do(cmd, crashAt)
	if err != nil && !errors.As(err, new(*domain.Refusal)) {
		form.Set(sent) // without what it had answered when it was cut off
		err = w.do(cmd, 0)
	}
	w.require.Equal(refused, err != nil, "%T by %+v: %v", cmd, cmd.Requested().By, err)
	if err == nil && len(names) > 0 {
		w.told(nil, w.since(before), names...)
	}
	return err == nil
}

// told requires that there was no error, and just these events.
func (w *walk) told(err error, events []event, names ...string) {
	w.require.NoError(err)
	var got []string
	for _, e := range events {
		got = append(got, e.Name)
	}
	w.require.Equal(names, got)
}

// slowCommand is a command that has begun and waits.
type slowCommand struct {
	began time.Time
	goOn  chan struct{}
	done  chan error
}

// beginSlow lets a command come to its second statement, from where it goes on when endSlow says so.
func (w *walk) beginSlow(cmd domain.Command) {
	slow := &slowCommand{began: w.now, goOn: make(chan struct{}), done: make(chan error, 1)}
	reached := make(chan struct{})
	w.gate.at(2, func(*pgx.Conn) { close(reached); <-slow.goOn })
	ctx := w.Context()
	go func() { slow.done <- w.bus.Do(ctx, cmd) }()
	<-reached
	w.gate.at(0, nil)
	w.slow = slow
}

func (w *walk) endSlow() {
	if w.slow == nil {
		return
	}
	slow, now := w.slow, w.now
	w.slow = nil
	close(slow.goOn)
	err := <-slow.done
	w.now = slow.began // when what it tells has occurred
	before := w.position
	w.observe()
	w.now = now
	if w.model.anybodyDrawable() {
		w.told(err, w.since(before), "Task.Created", "Task.Assigned")
	} else {
		w.require.Error(err)
	}
}

// to moves the clock, never back.
func (w *walk) to(moment time.Time) {
	if w.slow != nil && moment.Sub(w.slow.began) > 15*time.Second {
		w.endSlow()
	}
	if moment.After(w.now) {
		w.now = moment.UTC().Truncate(time.Microsecond)
		w.Logf("%s", w.now.In(w.books.Zone))
	}
}

func (w *walk) count(query string, args ...any) (n int) {
	w.require.NoError(w.pool.QueryRow(w.Context(), query, args...).Scan(&n))
	return n
}

func (w *walk) change(statement string, args ...any) {
	_, err := w.pool.Exec(w.Context(), statement, args...)
	w.require.NoError(err)
}

// jobsIn are the jobs in some states, the oldest first.
func (w *walk) jobsIn(states ...string) []int64 {
	rows, err := w.pool.Query(w.Context(), `select id from river.river_job where state::text = any($1) order by id`, states)
	w.require.NoError(err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	w.require.NoError(err)
	return ids
}

func (w *walk) waiting() []int64 { return w.jobsIn("available", "retryable") }

// aJob draws one of the jobs in some states.
func (w *walk) aJob(r *rapid.T, states ...string) (int64, bool) {
	ids := w.jobsIn(states...)
	if len(ids) == 0 {
		return 0, false
	}
	return rapid.SampledFrom(ids).Draw(r, "job"), true
}

// inOrder draws an order for jobs.
func (w *walk) inOrder(r *rapid.T, ids []int64) []int64 {
	switch order := rapid.IntRange(0, 9).Draw(r, "order"); order {
	case 0:
	case 1:
		slices.Reverse(ids)
	default:
		rand.New(rand.NewPCG(uint64(order), 0)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	return ids
}

// retry is what the dashboard's button does.
func (w *walk) retry(id int64) {
	_, err := w.bus.River().JobRetry(w.Context(), id)
	w.require.NoError(err)
}

// attempt takes a job.
func (w *walk) attempt(id int64) *jobs.Attempt {
	a, err := w.bus.Begin(w.Context(), id)
	w.require.NoError(err)
	return a
}

// finish makes an attempt. Only whose job it is changes anything, and only whole; one that is cut off leaves the job as it was.
func (w *walk) finish(a *jobs.Attempt, crashAt int) {
	ours := w.count(`select count(*) from river.river_job where id = $1 and state = 'running' and attempt = $2`, a.Job.ID, a.Job.Attempt) == 1
	before := w.position
	w.gate.at(crashAt, cut)
	err := a.Work(w.Context())
	w.gate.at(0, nil)
	w.observe()
	w.Logf("%s %d: ours %t, cut off at %d, error %v", a.Job.Kind, a.Job.ID, ours, crashAt, err)
	if err != nil {
		w.require.True(crashAt > 0 || !ours, "%s: %v", a.Job.Kind, err)
		w.require.Empty(w.since(before), "%v", err)
		return
	}
	w.require.True(ours, "%s %d was done by somebody whose it is no more", a.Job.Kind, a.Job.ID)
	w.require.Equal(1, w.count(`select count(*) from river.river_job where id = $1 and state = 'completed'`, a.Job.ID))
	for _, e := range w.eventsOf(a.Job.EncodedArgs) {
		w.reacted(a.Job.Kind, e)
	}
}

// reacted tells the model what those who reacted to an event know now, and requires that they have booked it.
func (w *walk) reacted(kind string, e event) {
	due := w.model.due[e.ID]
	switch kind {
	case "withdraw_money":
		w.require.False(due != nil && due.kind == accounting.Fee, "%+v was not charged", due)
	case "deposit_money":
		w.require.False(due != nil && due.kind == accounting.Reward, "%+v was not paid", due)
	case "tracker_learn_people":
		w.model.learned(w.model.tracker, w.user(e))
	case "accounting_learn_people":
		u := w.user(e)
		w.model.learned(w.model.accounting, u)
		if _, known := w.model.heard[u.ID]; !known && u.Role == domain.Worker {
			w.model.heard[u.ID] = w.now
		}
	}
}

// givenUp tells the model that a day may be closed without what a job was to book.
func (w *walk) givenUp(job int64) {
	row, err := w.bus.River().JobGet(w.Context(), job)
	w.require.NoError(err)
	for _, e := range w.eventsOf(row.EncodedArgs) {
		if due := w.model.due[e.ID]; due != nil && (row.Kind == "withdraw_money" && due.kind == accounting.Fee || row.Kind == "deposit_money" && due.kind == accounting.Reward) {
			due.givenUp = true
		}
	}
}

// eventsOf are the events that a job with these arguments is about.
func (w *walk) eventsOf(args []byte) []event {
	var job struct {
		Batch       uuid.UUID
		First, Last int64
	}
	w.require.NoError(json.Unmarshal(args, &job))
	return slices.DeleteFunc(slices.Clone(w.log), func(e event) bool {
		return e.Batch != job.Batch || e.Position < job.First || e.Position > job.Last
	})
}

// since are the events after a position.
func (w *walk) since(position int64) []event {
	return slices.DeleteFunc(slices.Clone(w.log), func(e event) bool { return e.Position <= position })
}

func (w *walk) user(e event) auth.User {
	var u auth.User
	w.read(e, &u)
	return u
}

func (w *walk) read(e event, data any) { w.require.NoError(json.Unmarshal(e.Data, data)) }

// happened tells the model of an event of the tracker or of Auth, or of a price.
func (w *walk) happened(e event) {
	w.require.Equal(w.now, e.OccurredAt.UTC(), e.Name)
	switch e.Name {
	case "Task.Created":
		w.require.NoError(w.model.created(as[tracker.TaskCreated](w, e)))
		w.created = append(w.created, e.Subject)
	case "Task.Assigned":
		w.require.NoError(w.model.assigned(e.ID, as[tracker.TaskAssigned](w, e), e.OccurredAt.UTC()))
	case "Task.Resolved":
		w.require.NoError(w.model.resolved(e.ID, as[tracker.TaskResolved](w, e), e.OccurredAt.UTC()))
	case "Task.Priced":
		w.require.NoError(w.model.priced(as[accounting.TaskPriced](w, e)))
	case "User.Registered", "User.Updated", "User.RoleChanged", "User.Deactivated", "User.Reactivated":
		w.model.learned(w.model.people, w.user(e))
	}
}

func as[T any](w *walk, e event) (data T) {
	w.read(e, &data)
	return data
}
