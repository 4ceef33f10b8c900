package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ates/sql/migrations"
)

// benchServer makes databases for benchmarks on a server, beside the one that it was reached by, which stays as it is.
type benchServer struct {
	admin *pgxpool.Pool
	made  []string
}

// describe says what kind of server it is, as far as it matters for what is measured.
func (s *benchServer) describe(ctx context.Context) (string, error) {
	var version, fsync, commit string
	var left int
	err := s.admin.QueryRow(ctx, `select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		(select count(*) from pg_database where starts_with(datname, $1))`, benchPrefix).Scan(&version, &fsync, &commit, &left)
	if err != nil {
		return "", fmt.Errorf("look at the server: %w", err)
	}
	said := fmt.Sprintf("Postgres %s, fsync %s, synchronous_commit %s", version, fsync, commit)
	if fsync != "on" || commit == "off" {
		said += " (WARNING: nothing is durable here)"
	}
	if left > 0 {
		said += fmt.Sprintf(" (%d databases %s* of other benchmarks, or of some that were interrupted)", left, benchPrefix)
	}
	return said, nil
}

// benchPrefix is how the names of all databases of benchmarks begin.
const benchPrefix = "ates_bench_"

// benchDatabase is a database of a benchmark.
type benchDatabase struct {
	name, address string
}

// create makes a migrated database.
func (s *benchServer) create(ctx context.Context) (benchDatabase, error) {
	db, err := s.make(ctx, "template0")
	if err != nil {
		return db, err
	}
	return db, migrateAt(ctx, db.address)
}

// migrateAt brings the database at an address up to date.
func migrateAt(ctx context.Context, address string) error {
	pool, err := connect(ctx, address)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = migrations.Up(ctx, pool)
	return err
}

// copyOf makes a database with the same rows as another, to which nobody may be connected.
func (s *benchServer) copyOf(ctx context.Context, template benchDatabase) (benchDatabase, error) {
	return s.make(ctx, template.name)
}

func (s *benchServer) make(ctx context.Context, template string) (benchDatabase, error) {
	db := benchDatabase{name: benchPrefix + strings.ToLower(rand.Text())}
	db.address = databaseAt(s.admin.Config().ConnString(), db.name)
	cfg, err := pgx.ParseConfig(db.address)
	if err != nil {
		return db, fmt.Errorf("find the address of a database for the benchmark: %w", err)
	}
	if cfg.Database != db.name {
		return db, errors.New("DATABASE_URL names its database among the parameters; write postgres://user:password@host:5432/database")
	}
	// Copying files keeps the copy out of the log of the server, which what is measured then has for itself.
	create := fmt.Sprintf("create database %s template %s strategy file_copy", pgx.Identifier{db.name}.Sanitize(), pgx.Identifier{template}.Sanitize())
	if _, err := s.admin.Exec(ctx, create); err != nil {
		return db, fmt.Errorf("create a database for the benchmark: %w", err)
	}
	s.made = append(s.made, db.name)
	return db, nil
}

// drop removes a database, whoever is connected to it.
func (s *benchServer) drop(ctx context.Context, name string) error {
	if _, err := s.admin.Exec(ctx, "drop database if exists "+pgx.Identifier{name}.Sanitize()+" with (force)"); err != nil {
		return fmt.Errorf("drop the benchmark's database: %w", err)
	}
	return nil
}

// dropAll removes all databases that were made.
func (s *benchServer) dropAll(ctx context.Context) (err error) {
	for _, name := range s.made {
		err = errors.Join(err, s.drop(ctx, name))
	}
	s.made = nil
	return err
}

// databaseAt is the address of another database on the same server.
func databaseAt(address, name string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return u.String()
	}
	return address + " dbname=" + name
}

// databaseWith is an address with one more parameter.
func databaseWith(address, name, value string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		query := u.Query()
		query.Set(name, value)
		u.RawQuery = query.Encode()
		return u.String()
	}
	return address + " " + name + "=" + value
}
