package sqltest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/pgpool"
	"ates/sql/pgserver"
)

const (
	setUpTimeout = 2 * time.Minute
	// connections is how many a pool may have, whatever the number of processors: enough for all queues to be worked on at once, and
	// no more, because a connection costs more than what most tests do with it.
	connections = 6
	// sharedConnections are more than there are parallel tests, whose transactions must not wait for one another's: that could be
	// for ever.
	sharedConnections = 100
)

// server is where the databases are made.
type server struct {
	url *url.URL
	// admin is for creating and dropping.
	admin *pgxpool.Pool
	// strategy is how a template is copied.
	strategy string

	template func() (string, error)
	shared   func() (*pgxpool.Pool, error)
}

var theServer = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), setUpTimeout)
	defer cancel()
	address := os.Getenv("ATES_TEST_DATABASE_URL")
	if address == "" {
		// Nothing is told when a test binary ends, so nobody stops this server: the kernel does where it can, and the next
		// throwaway server removes what is left.
		own, err := pgserver.Start(ctx, pgserver.Config{Throwaway: true})
		if err != nil {
			return nil, err
		}
		address = own.URL()
	}
	return newServer(ctx, address)
})

func newServer(ctx context.Context, address string) (*server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return nil, errors.New("ATES_TEST_DATABASE_URL must be of the form postgres://user:password@host/database")
	}
	admin, err := newPool(ctx, address, connections)
	if err != nil {
		return nil, err
	}
	s := &server{url: u, admin: admin}
	s.template = sync.OnceValues(s.makeTemplate)
	s.shared = sync.OnceValues(s.makeShared)

	// Copying files is quickest where nothing is synced. On a durable server it would force checkpoints on everybody.
	var fsync bool
	if err := admin.QueryRow(ctx, "select current_setting('fsync')::boolean").Scan(&fsync); err != nil {
		return nil, fmt.Errorf("reach the test server: %w", err)
	}
	s.strategy = "file_copy"
	if fsync {
		s.strategy = "wal_log"
	}
	return s, nil
}

// create makes a database for one test.
func (s *server) create(t testing.TB, template string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	require.NoError(t, s.copy(t.Context(), template, name))
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), setUpTimeout)
		defer cancel()
		_, err := s.admin.Exec(ctx, "drop database if exists "+name+" with (force)")
		require.NoError(t, err)
	})
	return s.address(name)
}

func (s *server) copy(ctx context.Context, template, name string) error {
	_, err := s.admin.Exec(ctx, fmt.Sprintf("create database %s template %s strategy %s", name, template, s.strategy))
	if err != nil {
		return fmt.Errorf("create test database: %w", err)
	}
	return nil
}

func (s *server) address(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}

// makeTemplate makes the database that the others are copies of, once per server and schema, and returns its name.
func (s *server) makeTemplate() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), setUpTimeout)
	defer cancel()
	fingerprint, err := schemaFingerprint()
	if err != nil {
		return "", err
	}
	name := "template_" + fingerprint
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // which also gives the lock back
	// Packages are tested by processes of their own, which all come here at once.
	const key = 3108517
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", key); err != nil {
		return "", err
	}

	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists); err != nil || exists {
		return name, err
	}
	// It gets its name when it is complete, since whoever makes it may be interrupted.
	unfinished := name + "_unfinished"
	if _, err := conn.Exec(ctx, "drop database if exists "+unfinished+" with (force)"); err != nil {
		return "", err
	}
	if err := s.copy(ctx, "template0", unfinished); err != nil {
		return "", err
	}
	if err := migrate(ctx, s.address(unfinished)); err != nil {
		return "", err
	}
	// A template cannot be copied while somebody is connected to it.
	if _, err := conn.Exec(ctx, "alter database "+unfinished+" with allow_connections false"); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "alter database "+unfinished+" rename to "+name)
	return name, err
}

func migrate(ctx context.Context, address string) error {
	pool, err := newPool(ctx, address, connections)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = migrations.Up(ctx, pool)
	return err
}

// makeShared makes the database of this process's transactions. It goes with a throwaway server and stays on any other,
// because nothing is told when a test binary ends.
func (s *server) makeShared() (*pgxpool.Pool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), setUpTimeout)
	defer cancel()
	template, err := s.template()
	if err != nil {
		return nil, err
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.copy(ctx, template, name); err != nil {
		return nil, err
	}
	return newPool(ctx, s.address(name), sharedConnections)
}

func newPool(ctx context.Context, address string, most int32) (*pgxpool.Pool, error) {
	cfg, err := pgpool.Config(address)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = most
	return pgxpool.NewWithConfig(ctx, cfg)
}
