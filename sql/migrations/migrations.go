// Package migrations brings a database up to date: the program's own tables with goose, forward only, and River's with
// River's migrator, while programs of before go on working. A new step is a new numbered .sql file here; a file that has landed is
// never edited. What a step may do is in MIGRATIONS.md, and TestStepsLeaveProgramsOfBeforeAlone holds it to that.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
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

// Up applies what is missing and returns the names of the steps it applied, none when the database was up to date. Processes that start
// together wait for one another. A step waits for a lock for at most lockWithin, since everybody else waits behind it, and is then tried
// again for up to patience; the error after that says who was in its way.
func Up(ctx context.Context, pool *pgxpool.Pool) (applied []string, err error) {
	s, err := openSessions(ctx, pool)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if applied, err = upOurs(ctx, s); err != nil {
		return applied, err
	}
	steps, err := upRiver(ctx, s)
	return append(applied, steps...), err
}

func upOurs(ctx context.Context, s *sessions) (applied []string, err error) {
	locker, err := oneAtATime(lock.DefaultLockID)
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, s.db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	for {
		current, _, err := provider.GetVersions(ctx)
		if err != nil {
			return applied, fmt.Errorf("look at the database's steps: %w", err)
		}
		var step string
		for _, source := range slices.Backward(provider.ListSources()) {
			if source.Version > current {
				step = path.Base(source.Path)
			}
		}
		if err := s.waitFor(step); err != nil {
			return applied, err
		}
		err = s.patiently(ctx, step, func() error {
			result, err := provider.UpByOne(ctx)
			if err == nil {
				applied = append(applied, path.Base(result.Source.Path))
			}
			return err
		})
		if errors.Is(err, goose.ErrNoNextVersion) {
			return applied, nil
		}
		if err != nil {
			return applied, fmt.Errorf("migrate: %w", err)
		}
	}
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
func upRiver(ctx context.Context, s *sessions) (applied []string, err error) {
	const key = 7291946 // any constant: only River's steps wait on it
	locker, err := oneAtATime(key)
	if err != nil {
		return nil, err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate River: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := locker.SessionLock(ctx, conn); err != nil {
		return nil, fmt.Errorf("lock River's migrations: %w", err)
	}
	defer func() {
		if unlockErr := locker.SessionUnlock(context.WithoutCancel(ctx), conn); unlockErr != nil {
			err = errors.Join(err, fmt.Errorf("unlock River's migrations: %w", unlockErr))
		}
	}()
	migrator, err := rivermigrate.New(riverpgxv5.New(s.pool), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return nil, fmt.Errorf("read River's migrations: %w", err)
	}
	err = s.patiently(ctx, "River's schema", func() error {
		_, err := s.pool.Exec(ctx, "create schema if not exists "+RiverSchema)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create River's schema: %w", err)
	}
	for {
		var result *rivermigrate.MigrateResult
		err := s.patiently(ctx, "a step of River", func() (err error) {
			result, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{MaxSteps: 1})
			return err
		})
		if err != nil {
			return applied, fmt.Errorf("migrate River: %w", err)
		}
		if len(result.Versions) == 0 {
			dropped, err := dropUnread(ctx, s)
			return append(applied, dropped...), err
		}
		for _, v := range result.Versions {
			applied = append(applied, fmt.Sprintf("river %d: %s", v.Version, v.Name))
		}
	}
}

// UnreadIndexes are those of River's that nobody reads: whoever looks for jobs does so by their state, queue, kind or number. Each job costs
// entries in both whenever it changes its state.
var UnreadIndexes = []string{"river_job_args_index", "river_job_metadata_index"}

// dropUnread drops the indexes that nobody reads, if they are there. Another River does not make them again.
func dropUnread(ctx context.Context, s *sessions) (dropped []string, err error) {
	for _, index := range UnreadIndexes {
		var there bool
		name := RiverSchema + "." + index
		if err := s.pool.QueryRow(ctx, "select to_regclass($1) is not null", name).Scan(&there); err != nil {
			return dropped, fmt.Errorf("look for the index %s: %w", name, err)
		}
		if !there {
			continue
		}
		step := "drop index " + name
		err := s.patiently(ctx, step, func() error {
			_, err := s.pool.Exec(ctx, "drop index if exists "+name)
			return err
		})
		if err != nil {
			return dropped, fmt.Errorf("migrate River: %w", err)
		}
		dropped = append(dropped, "river "+step)
	}
	return dropped, nil
}
