package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// Progress is how far the rebuild of a read model has come.
type Progress struct {
	Model string
	// Doing is what it does at the moment, in a few words.
	Doing string
	// Done of All events are in it. All grows while the program goes on.
	Done, All int64
	// Unreadable are events that nobody could read; reactions leave them out too.
	Unreadable int
	// Held is how long the model could neither be read nor written, once it has been put in its place.
	Held time.Duration
}

// Rebuild makes read models anew from the log, all when none is named, while everything else goes on. Each is built beside the one in
// use and then put in its place in a moment. Whenever it ends early, those that are not finished stay as they were. Reactions are run
// for their rows only: nothing is told, and nobody is notified. It is refused while another one is at work.
func Rebuild(ctx context.Context, pool *pgxpool.Pool, names []string, tell func(Progress)) error {
	models, err := chooseReadModels(names)
	if err != nil {
		return err
	}
	return apart(ctx, pool, 0, func(conn *pgx.Conn) error {
		for _, m := range models {
			if err := newRebuilding(conn, m, tell).replace(ctx); err != nil {
				return fmt.Errorf("rebuild %s: %w", m.name, err)
			}
			if err := clearRebuilds(ctx, conn); err != nil {
				return fmt.Errorf("drop what was replaced: %w", err)
			}
			// Nobody can tell which rows were wrong before, so open pages look at everything again.
			if err := dbsqlc.New(conn).NotifyChanges(ctx, ""); err != nil {
				return fmt.Errorf("tell open pages: %w", err)
			}
		}
		return nil
	})
}

// rebuilding is a read model that is being built beside the one in use.
type rebuilding struct {
	conn  *pgx.Conn
	flow  flow
	model readModel
	// events are the names of those it is made from.
	events   []string
	made     definition
	redirect func(sql string) string

	// at is the place in the log up to which everything is in it.
	at         int64
	progress   Progress
	unreadable map[int64]bool
	tell       func(Progress)
}

func newRebuilding(conn *pgx.Conn, m readModel, tell func(Progress)) *rebuilding {
	f := readModelFlow()
	return &rebuilding{conn: conn, flow: f, model: m, events: m.events(f), progress: Progress{Model: m.name}, unreadable: map[int64]bool{}, tell: tell}
}

func (r *rebuilding) doing(what string) {
	r.progress.Doing = what
	r.progress.Unreadable = len(r.unreadable)
	r.tell(r.progress)
}

// replace builds the model and puts it in the place of the one in use.
func (r *rebuilding) replace(ctx context.Context) error {
	r.doing("preparing")
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	// What is new must be as well known to the planner as what it replaces.
	r.doing("tidying")
	for _, table := range r.besides() {
		if _, err := r.conn.Exec(ctx, "vacuum (analyze) "+table, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	return r.swap(ctx)
}

// few is how many events are left at most for the moment in which the model is held.
const few = 500

// catchUp applies what the log has, and again what has come meanwhile, until little is left.
func (r *rebuilding) catchUp(ctx context.Context) error {
	q := dbsqlc.New(r.conn)
	for {
		r.doing("waiting for running commands")
		upTo, err := settledPosition(ctx, r.conn)
		if err != nil {
			return err
		}
		n, err := q.CountEvents(ctx, dbsqlc.CountEventsParams{Names: r.events, After: r.at, UpTo: upTo})
		if err != nil {
			return fmt.Errorf("count events: %w", err)
		}
		r.progress.All = r.progress.Done + n
		if err := r.applyUpTo(ctx, upTo); err != nil {
			return err
		}
		if n, err = q.CountEvents(ctx, dbsqlc.CountEventsParams{Names: r.events, After: r.at, UpTo: theEnd}); err != nil {
			return fmt.Errorf("count events: %w", err)
		}
		if n <= few {
			return nil
		}
	}
}

// applyUpTo applies the events up to a position, some at a time: while Postgres writes what some make, the commands of the next are made.
func (r *rebuilding) applyUpTo(ctx context.Context, upTo int64) error {
	if r.at >= upTo {
		return nil
	}
	next, err := r.readAhead(ctx, r.at, upTo)
	if err != nil {
		return err
	}
	for {
		these := <-next
		if these.err != nil {
			return these.err
		}
		if these.end < upTo {
			if next, err = r.readAhead(ctx, these.end, upTo); err != nil {
				return err
			}
		}
		if err := r.applyApart(ctx, these); err != nil {
			return err
		}
		if r.at = these.end; r.at >= upTo {
			return nil
		}
	}
}

// applyApart applies events in a transaction of their own.
func (r *rebuilding) applyApart(ctx context.Context, these chunk) error {
	if len(these.events) == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		// Nothing of it is of use until it takes its place, and that is durable with all before it.
		if _, err := tx.Exec(ctx, "set local synchronous_commit = off; set local jit = off", pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
		return r.apply(ctx, tx, these)
	})
	if err != nil {
		return err
	}
	r.progress.Done += int64(len(these.events))
	r.doing("building")
	return nil
}

// apply has the reactions do with events what they do in their jobs, beside, and nothing else.
func (r *rebuilding) apply(ctx context.Context, tx pgx.Tx, these chunk) error {
	before, err := writes(ctx, tx, r.schemasBeside())
	if err != nil {
		return err
	}
	for _, c := range these.commands {
		if err := r.run(ctx, tx, c); err != nil {
			return err
		}
	}
	for _, position := range these.unreadable {
		r.unreadable[position] = true
	}
	after, err := writes(ctx, tx, r.schemasBeside())
	if err != nil {
		return err
	}
	for table, n := range after {
		if n > before[table] {
			return fmt.Errorf("its reactions would write to %s, which is no table of the read model", table)
		}
	}
	return nil
}

// writes counts what this connection has written lately to tables of other schemas than these.
func writes(ctx context.Context, tx pgx.Tx, but []string) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `select schemaname || '.' || relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_xact_user_tables
		where n_tup_ins + n_tup_upd + n_tup_del > 0 and schemaname <> all($1)`, but)
	if err != nil {
		return nil, fmt.Errorf("look what is written: %w", err)
	}
	counted := map[string]int64{}
	var table string
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { counted[table] = n; return nil }); err != nil {
		return nil, fmt.Errorf("look what is written: %w", err)
	}
	return counted, nil
}

func (r *rebuilding) schemasBeside() []string {
	var schemas []string
	for _, schema := range r.model.schemas() {
		schemas = append(schemas, schema+rebuiltSuffix)
	}
	return schemas
}

// run runs the command of a reaction.
func (r *rebuilding) run(ctx context.Context, tx pgx.Tx, c commandOf) error {
	last := c.events[len(c.events)-1]
	told, err := c.command.Handle(ctx, domain.Tx{Tx: besideTx{tx, r.redirect}, Now: last.OccurredAt})
	if err != nil {
		return fmt.Errorf("apply the events from position %d to %d: %w", c.events[0].Position, last.Position, err)
	}
	if len(told) > 0 {
		return fmt.Errorf("%s tells events, so what it writes is no read model", c.reaction.kind)
	}
	return nil
}

const (
	// holdAtFirst and holdAtMost are how long the model's readers and writers may have to wait for somebody who has it, while the
	// rebuild waits for the same: it asks for short moments first.
	holdAtFirst, holdAtMost = 100 * time.Millisecond, 1600 * time.Millisecond
	// swapWithin is how long it goes on asking.
	swapWithin = 5 * time.Minute
)

// swap puts the model in the place of the one in use, as soon as nobody has that in a transaction.
func (r *rebuilding) swap(ctx context.Context) error {
	for begun, wait := time.Now(), holdAtFirst; ; wait = min(2*wait, holdAtMost) {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		r.doing("taking its place")
		err := r.trySwap(ctx, wait)
		var pg *pgconn.PgError
		switch {
		case err == nil:
			r.doing("done")
			return nil
		case !errors.As(err, &pg) || pg.Code != "55P03" && pg.Code != "40P01": // neither a lock that was not to be had in time nor a deadlock
			return err
		case time.Since(begun) > swapWithin:
			return fmt.Errorf("somebody has been using its tables for %s without a pause (pg_stat_activity says who): %w", swapWithin, err)
		}
		r.doing("waiting for whoever uses its tables")
		if err := sleep(ctx, wait+rand.N(wait)); err != nil {
			return err
		}
	}
}

// trySwap holds the model, so that no job can be between an event and its rows, applies what has been committed up to this moment,
// and swaps. What is committed later has its jobs still before it, and they find the new tables.
func (r *rebuilding) trySwap(ctx context.Context, wait time.Duration) error {
	var held time.Time
	err := pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf("set local lock_timeout = %d; set local jit = off", wait.Milliseconds()), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
		held = time.Now()
		// Views first, as those who read by them take the locks. To make one again as it is locks it and not what it reads.
		if err := execAll(ctx, tx, r.made.views); err != nil {
			return err
		}
		for _, table := range r.model.names() {
			if _, err := tx.Exec(ctx, "lock table "+table+" in access exclusive mode"); err != nil {
				return fmt.Errorf("lock %s: %w", table, err)
			}
		}
		events, err := readEvents(ctx, dbsqlc.New(tx), r.events, r.at, theEnd)
		if err != nil {
			return err
		}
		these := r.chunk(events, theEnd)
		if these.err != nil {
			return these.err
		}
		if err := r.apply(ctx, tx, these); err != nil {
			return err
		}
		if err := r.put(ctx, tx); err != nil {
			return err
		}
		if err := dbsqlc.New(tx).RecordChange(ctx, dbsqlc.RecordChangeParams{Topics: []string{everything}, At: time.Now()}); err != nil {
			return fmt.Errorf("record what changed: %w", err)
		}
		r.progress.Done += int64(len(events))
		return nil
	})
	if err == nil {
		r.progress.Held = time.Since(held)
		r.progress.All = r.progress.Done
	}
	return err
}

// everything is the topic that stands for all of them.
const everything = "*"
