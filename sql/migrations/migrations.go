// Package migrations brings a database up to date: the program's own tables with goose, forward only, and River's with
// River's migrator. A new step is a new numbered .sql file here; a file that has landed is never edited.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"sync"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// RiverSchema is where River keeps its tables.
const RiverSchema = "river"

//go:embed *.sql
var files embed.FS

// Files are the program's own migrations, for tools that build a fingerprint of the schema.
func Files() embed.FS { return files }

// Up applies what is missing and returns the names of the steps it applied, none when the database was up to date.
// Processes that start together wait for one another.
func Up(ctx context.Context, pool *pgxpool.Pool) (applied []string, err error) {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		applied = append(applied, path.Base(r.Source.Path))
	}

	steps, err := upRiver(ctx, pool)
	return append(applied, steps...), err
}

// Compare counts the steps that the database lacks, and those it has that this program does not know, since a newer one has been there.
func Compare(ctx context.Context, pool *pgxpool.Pool) (missing, unknown int, err error) {
	known, err := steps()
	if err != nil {
		return 0, 0, err
	}
	rows, err := pool.Query(ctx, `select version_id::text from goose_db_version where version_id > 0 and is_applied
		union select 'river ' || version from `+RiverSchema+`.river_migration where line = 'main'`)
	var applied []string
	if err == nil {
		applied, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	var pg *pgconn.PgError
	if err != nil && (!errors.As(err, &pg) || pg.Code != pgerrcode.UndefinedTable) {
		return 0, 0, fmt.Errorf("list applied migrations: %w", err)
	}
	missing = len(known)
	for _, step := range applied {
		if known[step] {
			missing--
		} else {
			unknown++
		}
	}
	return missing, unknown, nil
}

// steps are all that this program knows: ours by their number, River's by its name and theirs.
var steps = sync.OnceValues(func() (map[string]bool, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	known := map[string]bool{}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, fmt.Errorf("read the number of %s: %w", name, err)
		}
		known[strconv.FormatInt(version, 10)] = true
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return nil, fmt.Errorf("read River's migrations: %w", err)
	}
	for _, v := range migrator.AllVersions() {
		known[fmt.Sprintf("river %d", v.Version)] = true
	}
	return known, nil
})

// River's steps cannot be part of one of ours: one of them adds a value to an enum, which no transaction may both do and use.
func upRiver(ctx context.Context, pool *pgxpool.Pool) (applied []string, err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate River: %w", err)
	}
	defer conn.Release()
	const key = 7291946 // any constant: only River's steps wait on it
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", key); err != nil {
		return nil, fmt.Errorf("lock River's migrations: %w", err)
	}
	defer func() {
		if _, unlockErr := conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", key); unlockErr != nil {
			err = errors.Join(err, fmt.Errorf("unlock River's migrations: %w", unlockErr))
		}
	}()
	if _, err := conn.Exec(ctx, "create schema if not exists "+RiverSchema); err != nil {
		return nil, fmt.Errorf("create River's schema: %w", err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return nil, fmt.Errorf("read River's migrations: %w", err)
	}
	result, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return nil, fmt.Errorf("migrate River: %w", err)
	}
	for _, v := range result.Versions {
		applied = append(applied, fmt.Sprintf("river %d: %s", v.Version, v.Name))
	}
	return applied, nil
}
