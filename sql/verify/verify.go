// Package verify proves on a live database what must hold of it always. It is the one place that reads across the contexts'
// schemas, as an auditor does: it compares what each has written down of the same events, changes nothing, and nothing
// that the program does depends on it. A new promise is one more Check in checks.go.
package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Check is one promise.
type Check struct {
	// Name is the promise in a few words.
	Name string
	// looked counts the rows that were looked at; broken selects the ids, as text, of those that break the promise.
	looked, broken string
	// informs means that broken rows only tell something: small books may show them rightly.
	informs bool
}

// Result is what was found of one check.
type Result struct {
	Name   string `json:"name"`
	Looked int64  `json:"looked"`
	Broken int64  `json:"broken"`
	// Examples are the first ids of what is broken.
	Examples []string `json:"examples"`
	// Informs means that what is broken does not make the books unsound.
	Informs bool `json:"informs"`
	// UpTo is the place in the log up to which a read model has been compared with it; 0 where that is not what was looked at.
	UpTo int64 `json:"up_to,omitempty" db:"-"`
}

// OK reports whether the promise holds.
func (r Result) OK() bool { return r.Broken == 0 || r.Informs }

// Sound reports whether every promise holds.
func Sound(results []Result) bool {
	for _, r := range results {
		if !r.OK() {
			return false
		}
	}
	return true
}

// Beginner is a pool, a connection or a transaction.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Run looks at everything in one statement, and so in one snapshot: the program may go on meanwhile. What a job has still to do is
// not broken; what a job was given up on is.
func Run(ctx context.Context, db Beginner) (results []Result, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// To compile a statement this long takes ten times as long as to run it, and what most checks have to hold is more than what a
		// page may.
		if _, err := tx.Exec(ctx, "set local jit = off; set local work_mem = '16MB'", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, statement())
		if err != nil {
			return err
		}
		results, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Result])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("verify the books: %w", err)
	}
	return results, nil
}

// examples is how many ids of broken rows are named.
const examples = 5

func statement() string {
	var sql strings.Builder
	sql.WriteString("with " + busy + ", " + daySums)
	for i, c := range checks {
		if i > 0 {
			sql.WriteString("\nunion all\n")
		}
		fmt.Fprintf(&sql, "select '%s', (%s), count(*), coalesce((array_agg(b.id order by b.id))[1:%d], '{}'), %t from (%s) b (id)",
			strings.ReplaceAll(c.Name, "'", "''"), c.looked, examples, c.informs, c.broken)
	}
	return sql.String()
}
