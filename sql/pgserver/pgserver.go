// Package pgserver runs a PostgreSQL server that belongs to this program alone, for machines where nobody has set up one:
// it finds or fetches the binaries, makes the cluster, starts it and stops it again. The server listens on a unix socket in
// a folder that only its owner may enter, and on no port, which is why it needs no password. It is not for production with
// more than one machine: there, DATABASE_URL names a server that somebody looks after.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Config says which server to start.
type Config struct {
	// Dir is the data folder, kept between runs. Nothing ever deletes it.
	Dir string
	// Throwaway asks for a server for tests: quick, not durable, in a temporary folder that Stop removes. Dir must be empty.
	Throwaway bool
	// Log hears of what takes time and of what is unusual. Nil is silence.
	Log *slog.Logger
}

// Server is a running server.
type Server struct {
	cluster cluster
	log     *slog.Logger
	// The server of another process has neither.
	postmaster *postmaster
	lock       *os.File

	stop     sync.Once
	stopErr  error
	stopping atomic.Bool
}

// Start starts the server and returns when it answers and has a database named ates. The first start makes the cluster.
//
// When another process runs the server of the same folder, Start returns that one. It ends with that process, not with
// this one. When a process was killed and left its server behind, Start stops that server and goes on with its data.
//
// A cluster that another major version of PostgreSQL made is refused, and so is a folder that the server's account cannot
// enter: PostgreSQL does not run as root, so root starts it as the owner of the data, else as $ATES_PG_USER, postgres or nobody.
//
// On Linux the server also ends when this process is killed; elsewhere it lives until the next Start.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if cfg.Throwaway {
		if cfg.Dir != "" {
			return nil, errors.New("start PostgreSQL: a throwaway server chooses its own folder")
		}
		return startThrowaway(ctx, log)
	}
	c, err := openCluster(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s, err := startOrJoin(ctx, c, log)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return s, nil
}

// startOrJoin starts the server of the folder, or finds that another process has. Whoever holds the lock owns the server.
func startOrJoin(ctx context.Context, c cluster, log *slog.Logger) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		lock, err := tryLock(c.lockFile())
		if err != nil {
			return nil, err
		}
		if lock != nil {
			s, err := startOwned(ctx, c, lock, log)
			if err != nil {
				return nil, errors.Join(err, lock.Close())
			}
			return s, nil
		}
		// The owner may be starting, which we wait for, or stopping, whereupon the lock is ours.
		if ping(ctx, c.url(database)) == nil {
			log.Info("sharing the PostgreSQL server of another process; it ends with that process", "dir", c.dir)
			return &Server{cluster: c, log: log}, nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, fmt.Errorf("another process holds %s, but its server does not answer: %w", c.lockFile(), err)
		}
	}
}

func startOwned(ctx context.Context, c cluster, lock *os.File, log *slog.Logger) (*Server, error) {
	major, err := c.version()
	if err != nil {
		return nil, err
	}
	bin, err := findOrFetch(ctx, major, c.account, log)
	if err != nil {
		return nil, fmt.Errorf("data in %s: %w", c.dir, err)
	}
	if err := c.stopLeftover(ctx, syscall.SIGINT, log); err != nil {
		return nil, err
	}
	if major == 0 {
		if !c.throwaway {
			log.Info("making a PostgreSQL cluster", "dir", c.dir, "version", bin.version)
		}
		if err := c.init(ctx, bin); err != nil {
			return nil, err
		}
	}
	p, err := c.launch(ctx, bin)
	if err != nil {
		return nil, err
	}
	s := &Server{cluster: c, log: log, postmaster: p, lock: lock}
	if err := c.ensureDatabase(ctx); err != nil {
		return nil, errors.Join(err, s.end(ctx))
	}
	go s.watch()
	log.Debug("PostgreSQL is up", "dir", c.dir, "version", bin.version)
	return s, nil
}

// watch tells of a server that ends by itself. It also keeps the lock: without a reference to it, the collector would close
// it under a server whose owner remembers no more than its URL.
func (s *Server) watch() {
	<-s.postmaster.exited
	if !s.stopping.Load() {
		s.log.Error("PostgreSQL has ended by itself", "error", s.postmaster.err, "log", s.cluster.logFile())
	}
	runtime.KeepAlive(s.lock)
}

// URL is how to connect to the database named ates, as libpq and pgx read it. There is no password.
func (s *Server) URL() string { return s.cluster.url(database) }

// Stop stops the server and, when it was a throwaway, removes its folder. Sessions that are still open are ended. When ctx
// ends first, the server is stopped at once, which costs its next start some time but no data. Further calls do nothing,
// and neither does one on the server of another process.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(func() { s.stopErr = s.end(ctx) })
	if s.stopErr != nil {
		return fmt.Errorf("stop PostgreSQL: %w", s.stopErr)
	}
	return nil
}

func (s *Server) end(ctx context.Context) error {
	if s.postmaster == nil {
		return nil
	}
	s.stopping.Store(true)
	signal := syscall.SIGINT
	if s.cluster.throwaway {
		signal = syscall.SIGQUIT
	}
	err := s.postmaster.stop(ctx, signal)
	err = errors.Join(err, s.cluster.removeSocketDir())
	if s.cluster.throwaway {
		err = errors.Join(err, os.RemoveAll(s.cluster.dir))
	}
	return errors.Join(err, s.lock.Close())
}

// DefaultDir is where this user's data is kept when nobody says otherwise.
func DefaultDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/ates/pg", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ates", "pg"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the data: %w", err)
	}
	return filepath.Join(home, dataHome, "ates", "pg"), nil
}
