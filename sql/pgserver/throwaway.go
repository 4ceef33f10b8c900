package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const throwawayPattern = "ates-pg-*"

func startThrowaway(ctx context.Context, log *slog.Logger) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	bases := throwawayBases()
	sweep(ctx, bases, log)
	base, err := chooseBase(bases)
	if err != nil {
		return nil, fmt.Errorf("start a throwaway PostgreSQL: %w", err)
	}
	dir, err := os.MkdirTemp(base, throwawayPattern)
	if err != nil {
		return nil, fmt.Errorf("start a throwaway PostgreSQL: %w", err)
	}
	s, err := startThrowawayIn(ctx, dir, log)
	if err != nil {
		return nil, fmt.Errorf("start a throwaway PostgreSQL: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	return s, nil
}

func startThrowawayIn(ctx context.Context, dir string, log *slog.Logger) (*Server, error) {
	lock, err := tryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if lock == nil {
		return nil, fmt.Errorf("%s is locked by another process", dir)
	}
	// The folder holds nothing secret itself; what it holds has folders of its own.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	c, err := openCluster(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	c.throwaway = true
	s, err := startOwned(ctx, c, lock, log)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// throwawayBases are the folders where throwaway servers may be, best first. Files in memory make copying a database some
// ten times quicker than files on a busy disk.
func throwawayBases() []string {
	return append(memoryFolders(), os.TempDir(), "/tmp", "/var/tmp")
}

// chooseBase takes the first folder that the server's account may enter: TMPDIR may be private.
func chooseBase(bases []string) (string, error) {
	a, err := accountFor("")
	if err != nil {
		return "", err
	}
	var refused error
	for _, base := range bases {
		if err := a.canEnter(base); err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		return base, nil
	}
	return "", refused
}

// sweep removes the throwaway servers of processes that ended without stopping them, as a test binary does. What it cannot
// remove stays for another time.
func sweep(ctx context.Context, bases []string, log *slog.Logger) {
	for _, base := range bases {
		dirs, err := filepath.Glob(filepath.Join(base, throwawayPattern))
		if err != nil {
			continue // a folder whose name is no pattern
		}
		for _, dir := range dirs {
			if err := sweepOne(ctx, dir, log); err != nil {
				log.Debug("an abandoned throwaway server stays", "dir", dir, "error", err)
			}
		}
	}
}

func sweepOne(ctx context.Context, dir string, log *slog.Logger) error {
	// Others may put folders of that name there, with a pid file that names any process.
	owner, err := ownerOf(dir)
	if err != nil || owner != os.Geteuid() {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil && time.Since(info.ModTime()) < time.Minute {
		return nil // its owner is about to lock it
	}
	lock, err := tryLock(filepath.Join(dir, "lock"))
	if err != nil || lock == nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(filepath.Join(dir, "data")); errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(dir)
	}
	c, err := openCluster(dir)
	if err != nil {
		return err
	}
	if err := c.stopLeftover(ctx, syscall.SIGQUIT, log); err != nil {
		return err
	}
	return errors.Join(c.removeSocketDir(), os.RemoveAll(dir))
}
