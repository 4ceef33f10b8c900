package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/sql/dbsqlc"
	"ates/sql/migrations"
	"ates/sql/verify"
)

// Verify proves what must hold of the books, checks the log, and compares the read models with what the log makes of them: the events that
// were told since they were last checked and kept to be right, and the parts of read models that these tell of; or all.
func Verify(ctx context.Context, pool *pgxpool.Pool, all bool) ([]verify.Result, error) {
	results, err := verify.Run(ctx, pool)
	if err != nil {
		return nil, err
	}
	read, err := readLog(ctx, pool, all, theEnd)
	return append(results, read...), err
}

// readLog is what is found by reading the log: whether events can be read, and whether the read models are what it makes of them.
func readLog(ctx context.Context, pool *pgxpool.Pool, all bool, most int64) ([]verify.Result, error) {
	checked, err := checkEvents(ctx, pool, all, most)
	if err != nil {
		return nil, fmt.Errorf("check events: %w", err)
	}
	compared, err := compareReadModels(ctx, pool, all, most)
	return append([]verify.Result{checked}, compared...), err
}

const (
	// waitToCompare is how long a comparison waits for a rebuild or another comparison to end.
	waitToCompare = 5 * time.Minute
	// compareAtMost is how many places of the log the daily verification takes at most, so that it ends in its time where there is much to catch up.
	compareAtMost = 1_000_000
	// rowsNamed is how many rows that differ are named.
	rowsNamed = 5
)

// compareReadModels builds read models beside those in use and compares them, without holding anybody up; nothing is put in the place
// of anything. Where it is not all, it is what some events tell of: those since the last comparison, at most so many places of the log.
// What jobs have still to do is left out, and so is what was told meanwhile; both come with the next comparison.
func compareReadModels(ctx context.Context, pool *pgxpool.Pool, all bool, most int64) (results []verify.Result, err error) {
	err = apart(ctx, pool, waitToCompare, func(conn *pgx.Conn) error {
		for _, m := range readModels() {
			c := &comparison{rebuilding: newRebuilding(conn, m, func(Progress) {})}
			found, err := c.compare(ctx, all, most)
			if err != nil {
				return fmt.Errorf("compare %s: %w", m.name, err)
			}
			results = append(results, found...)
			if err := clearRebuilds(ctx, conn); err != nil {
				return fmt.Errorf("clear up: %w", err)
			}
		}
		return nil
	})
	return results, err
}

// comparison is a read model that is compared with one that is being built beside it.
type comparison struct {
	*rebuilding
	// partial says that only parts are built and compared, which are these.
	partial bool
	parts   []string
	// upTo is the place in the log up to which parts have been taken.
	upTo int64
}

// nameOf is the check that a table of a read model is what it should be.
func (t modelTable) nameOf() string { return t.name + " is what the log makes of it" }

func (c *comparison) compare(ctx context.Context, all bool, most int64) ([]verify.Result, error) {
	var from int64
	if !all {
		var err error
		if from, err = c.comparedUpTo(ctx, endOfTime); err != nil {
			return nil, err
		}
	}
	settled, err := settledPosition(ctx, c.conn)
	if err != nil {
		return nil, err
	}
	c.upTo = settled
	n, err := dbsqlc.New(c.conn).CountEvents(ctx, dbsqlc.CountEventsParams{Names: c.events, After: from, UpTo: settled})
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	if n == 0 && !all {
		c.partial, c.at = true, settled
		return c.look(ctx)
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	if from > 0 || settled > most {
		c.partial = true
		if settled-from > most {
			c.upTo = from + most
		}
		if err := c.buildParts(ctx, from, settled); err != nil {
			return nil, err
		}
	} else if err := c.applyUpTo(ctx, settled); err != nil {
		return nil, err
	}
	c.at = settled
	for _, table := range c.besides() {
		if _, err := c.conn.Exec(ctx, "analyze "+table, pgx.QueryExecModeSimpleProtocol); err != nil {
			return nil, fmt.Errorf("analyze %s: %w", table, err)
		}
	}
	return c.look(ctx)
}

// endOfTime is after any moment of the program's clock.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// comparedUpTo is the place in the log up to which all tables of the model had been compared before a moment.
func (c *comparison) comparedUpTo(ctx context.Context, before time.Time) (int64, error) {
	first := int64(theEnd)
	for _, t := range c.model.tables {
		if t.part == "" {
			continue
		}
		at, err := dbsqlc.New(c.conn).ComparedUpTo(ctx, dbsqlc.ComparedUpToParams{Name: t.nameOf(), Before: before})
		if err != nil {
			return 0, fmt.Errorf("find the last comparison: %w", err)
		}
		first = min(first, at)
	}
	if first == theEnd {
		return 0, nil
	}
	return first, nil
}

// buildParts builds the parts that the events after one position up to upTo tell of, from all of their events.
func (c *comparison) buildParts(ctx context.Context, from, settled int64) (err error) {
	q := dbsqlc.New(c.conn)
	if c.parts, err = c.model.parts.list(ctx, q, c.events, from, c.upTo); err != nil || len(c.parts) == 0 {
		return err
	}
	before := func(moment time.Time) (int64, error) { return c.comparedUpTo(ctx, moment) }
	return c.model.parts.read(ctx, q, c.events, c.parts, settled, before, func(events []domain.Envelope) error {
		these := c.chunk(events, theEnd)
		if these.err != nil {
			return these.err
		}
		return c.applyApart(ctx, these)
	})
}

// look compares in one snapshot, and writes nothing, so that it is in nobody's way however long it takes.
func (c *comparison) look(ctx context.Context) (results []verify.Result, err error) {
	err = pgx.BeginTxFunc(ctx, c.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local jit = off"); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
		busy, waiting, err := c.busy(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range c.model.tables {
			result := verify.Result{Name: t.nameOf(), Examples: []string{}}
			switch {
			case t.sums == "" && t.part != "":
				result.UpTo = min(c.upTo, waiting)
				if !c.partial || len(c.parts) > 0 {
					err = c.lookAtRows(ctx, tx, t, busy, &result)
				}
			case c.partial || len(busy) > 0:
				// What parts have in common can be compared only where all are there and nothing goes on.
			case t.sums != "":
				err = c.lookAtSums(ctx, tx, t, &result)
			default:
				err = c.lookAtRows(ctx, tx, t, nil, &result)
			}
			if err != nil {
				return fmt.Errorf("compare the rows of %s: %w", t.name, err)
			}
			results = append(results, result)
		}
		return nil
	})
	return results, err
}

// unfinished are the jobs of the reactions $1 that have still to be done.
var unfinished = pgx.Identifier{migrations.RiverSchema, "river_job"}.Sanitize() + ` j where j.kind = any($1) and j.state not in ('completed', 'cancelled', 'discarded')`

// busy are the parts that are not at rest: those that a job has still to work on, and those of which more was told since they were built.
// waiting is the place in the log before the first event that a job has still to react to.
func (c *comparison) busy(ctx context.Context, tx pgx.Tx) (busy []string, waiting int64, err error) {
	of := c.model.parts.of()
	err = tx.QueryRow(ctx, `select coalesce((select min((j.args ->> 'first')::bigint) - 1 from `+unfinished+`), $4), coalesce(array_agg(distinct b.part), '{}') from (
			select `+of+` as part from log.events e where e.position > $3 and e.name = any($2)
			union all
			select `+of+` from (select (j.args ->> 'batch')::uuid as batch, (j.args ->> 'first')::bigint as first, (j.args ->> 'last')::bigint as last from `+unfinished+`) j
			join log.events e on e.batch = j.batch and e.position between j.first and j.last and e.name = any($2)
		) b where b.part is not null`, c.model.kinds(), c.events, c.at, int64(theEnd)).Scan(&waiting, &busy)
	if err != nil {
		return nil, 0, fmt.Errorf("look what jobs have still to do: %w", err)
	}
	return slices.DeleteFunc(busy, func(part string) bool { return !c.model.parts.valid(part) }), waiting, nil
}

// lookAtRows compares the rows of a table with those beside it to the byte, but for those of parts that are busy.
func (c *comparison) lookAtRows(ctx context.Context, tx pgx.Tx, t modelTable, busy []string, result *verify.Result) error {
	var key []string
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(a.attname::text order by k.place), '{}') from pg_index i
		cross join unnest(i.indkey) with ordinality k (number, place) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
		where i.indrelid = $1::regclass and i.indisprimary`, t.name).Scan(&key); err != nil {
		return fmt.Errorf("read the primary key: %w", err)
	}
	if len(key) == 0 {
		return errors.New("without a primary key nobody can say which row is which")
	}
	var where []string
	args := []any{}
	if c.partial && t.part != "" {
		args = append(args, c.parts)
		where = append(where, fmt.Sprintf("x.%s = any($%d::text[]::%s[])", t.part, len(args), c.model.parts.column()))
	}
	if len(busy) > 0 {
		args = append(args, busy)
		where = append(where, fmt.Sprintf("x.%s <> all($%d::text[]::%s[])", t.part, len(args), c.model.parts.column()))
	}
	rows := func(table string) string {
		if len(where) == 0 {
			return table
		}
		return "(select * from " + table + " x where " + strings.Join(where, " and ") + ")"
	}
	from := " from " + rows(t.name) + " l full join " + rows(beside(t.name, rebuiltSuffix)) + " b using (" + strings.Join(key, ", ") + ")"
	const differs = "(l *<> b) is not false" // not known where one of them is not there
	if err := tx.QueryRow(ctx, "select count(*), count(*) filter (where "+differs+")"+from, args...).Scan(&result.Looked, &result.Broken); err != nil {
		return err
	}
	if result.Broken == 0 {
		return nil
	}
	return tx.QueryRow(ctx, `select array(
		select key || ': ' || case when to_jsonb(l) is null then 'is missing' when to_jsonb(b) is null then 'is told by no event' else coalesce(
			(select string_agg(n.key, ', ' order by n.key) from jsonb_each(to_jsonb(l)) n join jsonb_each(to_jsonb(b)) m using (key) where n.value is distinct from m.value), 'differs') end
		from (select concat_ws(' ', `+strings.Join(key, ", ")+`) as key, l, b`+from+` where `+differs+` order by key limit `+strconv.Itoa(rowsNamed)+`) named)`, args...).Scan(&result.Examples)
}

// lookAtSums compares what must be the same of a table whose rows need not be.
func (c *comparison) lookAtSums(ctx context.Context, tx pgx.Tx, t modelTable, result *verify.Result) error {
	var is, made *string
	if err := tx.QueryRow(ctx, "select (select to_jsonb(s)::text from ("+t.sums+") s), (select to_jsonb(s)::text from ("+c.redirect(t.sums)+") s)").Scan(&is, &made); err != nil {
		return err
	}
	result.Looked = 1
	if text := func(s *string) string {
		if s == nil {
			return "nothing"
		}
		return *s
	}; text(is) != text(made) {
		result.Broken, result.Examples = 1, []string{text(is) + " and not " + text(made)}
	}
	return nil
}
