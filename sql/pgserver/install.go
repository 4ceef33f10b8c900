package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// install makes binaries available where there are none. npm comes first: it takes seconds, leaves the system as it is, and
// what it brings is checked against a hash in this program. apt-get takes half a minute and changes the machine, so it
// is for root only, who is asked for nothing else on a fresh machine or in a container.
func (f finder) install(ctx context.Context, wanted int, log *slog.Logger) (binaries, error) {
	var failed error
	if wanted == 0 || wanted == fetchedMajor {
		bin, err := f.fetch(ctx, log)
		if err == nil {
			return bin, nil
		}
		failed = err
	}
	if os.Geteuid() == 0 && hasApt() {
		err := aptInstall(ctx, wanted, log)
		if err == nil {
			if bin, ok := choose(f.installed(ctx), wanted); ok {
				return bin, nil
			}
			err = errors.New("apt-get installed no PostgreSQL that fits")
		}
		failed = errors.Join(failed, err)
	}
	version := fmt.Sprintf("%d or newer", minMajor)
	if wanted != 0 {
		version = fmt.Sprint(wanted)
	}
	return binaries{}, fmt.Errorf("no PostgreSQL %s found: install it (%s), or set DATABASE_URL to a server\n%w",
		version, installCommand(wanted), failed)
}

// installCommand is what a person types to install the major version, 0 for any.
func installCommand(major int) string {
	suffix := func(format string) string {
		if major == 0 {
			return ""
		}
		return fmt.Sprintf(format, major)
	}
	if runtime.GOOS == "darwin" {
		if major == 0 {
			major = fetchedMajor
		}
		return fmt.Sprintf("brew install postgresql@%d", major)
	}
	managers := []struct{ program, command string }{
		{"apt-get", "sudo apt-get install postgresql" + suffix("-%d")},
		{"apk", "apk add postgresql" + suffix("%d")},
		{"dnf", "sudo dnf install postgresql" + suffix("%d") + "-server"},
		{"pacman", "sudo pacman -S postgresql"},
	}
	for _, m := range managers {
		if _, err := exec.LookPath(m.program); err == nil {
			return m.command
		}
	}
	return "the package is called postgresql or postgresql-server"
}

// cacheDir is where fetched binaries are kept. Root's own cache would be out of reach for the account that has to run them.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/ates/postgres", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the binaries: %w", err)
	}
	return filepath.Join(dir, "ates", "postgres"), nil
}
