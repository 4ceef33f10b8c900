package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// minMajor is the oldest version that the program's SQL works with.
const minMajor = 15

// binaries are the programs of one installed version.
type binaries struct {
	dir     string
	major   int
	version string
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// folders are where installations of PostgreSQL put their programs, besides the PATH and what pg_config says.
var folders = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // the PostgreSQL project's own packages for Red Hat
	"/usr/libexec/postgresql*",                           // Alpine
	"/usr/lib/postgresql*/bin",                           // SUSE
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple's processors
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel's
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	"/Library/PostgreSQL/*/bin",                          // EDB's installer on macOS
	"/opt/PostgreSQL/*/bin",                              // and on Linux
	"/usr/local/pgsql/bin",                               // built from source
}

// finder looks for installed binaries. Tests give it another root and PATH.
type finder struct {
	root  string
	path  []string
	cache string
	// usable refuses a folder that the server's account cannot enter.
	usable func(dir string) error
}

func newFinder(a account) (finder, error) {
	cache, err := cacheDir()
	if err != nil {
		return finder{}, err
	}
	return finder{root: "/", path: filepath.SplitList(os.Getenv("PATH")), cache: cache, usable: a.canEnter}, nil
}

// findOrFetch returns binaries of the wanted major version, or of the newest there is when wanted is 0. What is not
// installed is fetched.
func findOrFetch(ctx context.Context, wanted int, a account, log *slog.Logger) (binaries, error) {
	f, err := newFinder(a)
	if err != nil {
		return binaries{}, err
	}
	found := f.find(ctx)
	if bin, ok := choose(found, wanted); ok {
		return bin, nil
	}
	if wanted != 0 && len(found) > 0 && wanted != fetchedMajor {
		return binaries{}, otherVersion(wanted, found)
	}
	bin, err := f.install(ctx, wanted, log)
	if err != nil {
		if wanted != 0 && len(found) > 0 {
			return binaries{}, errors.Join(otherVersion(wanted, found), err)
		}
		return binaries{}, err
	}
	return bin, nil
}

// choose takes the first of the wanted major version, or of the newest when wanted is 0.
func choose(found []binaries, wanted int) (best binaries, ok bool) {
	for _, b := range found {
		if wanted != 0 && b.major == wanted {
			return b, true
		}
		if wanted == 0 && b.major >= minMajor && b.major > best.major {
			best, ok = b, true
		}
	}
	return best, ok
}

func otherVersion(wanted int, found []binaries) error {
	var have []string
	for _, b := range found {
		have = append(have, fmt.Sprintf("%s in %s", b.version, b.dir))
	}
	return fmt.Errorf("the cluster was made by PostgreSQL %d, but installed is %s; versions do not read each other's data. "+
		"Install PostgreSQL %d (%s). To upgrade, dump with the old version's pg_dump, move the folder away, start, and restore the dump",
		wanted, strings.Join(have, " and "), wanted, installCommand(wanted))
}

// find returns what is installed, in the order of trust: the PATH, pg_config, the usual folders, the cache.
func (f finder) find(ctx context.Context) []binaries {
	var found []binaries
	seen := map[string]bool{}
	for _, dir := range f.candidates(ctx) {
		postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
		if err != nil {
			continue
		}
		// A link on the PATH leads to a folder that has initdb too; a wrapper script may not.
		if real := filepath.Dir(postgres); isExecutable(filepath.Join(real, "initdb")) {
			dir = real
		}
		if seen[dir] || !isExecutable(filepath.Join(dir, "initdb")) || f.usable(dir) != nil {
			continue
		}
		seen[dir] = true
		if bin, err := identify(ctx, dir); err == nil {
			found = append(found, bin)
		}
	}
	return found
}

func (f finder) candidates(ctx context.Context) []string {
	dirs := append([]string(nil), f.path...)
	for _, dir := range f.path {
		// pg_config --bindir names the folder of the server's programs even where the PATH has only the client's.
		if out, err := exec.CommandContext(ctx, filepath.Join(dir, "pg_config"), "--bindir").Output(); err == nil {
			dirs = append(dirs, strings.TrimSpace(string(out)))
			break
		}
	}
	for _, pattern := range folders {
		matches, err := filepath.Glob(filepath.Join(f.root, pattern))
		if err != nil {
			continue // the patterns are constants, and a test uses each
		}
		dirs = append(dirs, matches...)
	}
	cached, err := filepath.Glob(filepath.Join(f.cache, "*", "bin"))
	if err != nil {
		return dirs
	}
	return append(dirs, cached...)
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// identify asks the binaries for their version.
func identify(ctx context.Context, dir string) (binaries, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("ask %s/postgres for its version: %w", dir, err)
	}
	m := versionPattern.FindStringSubmatch(string(out))
	if m == nil {
		return binaries{}, fmt.Errorf("%s/postgres says its version is %q", dir, out)
	}
	major, err := strconv.Atoi(m[2])
	if err != nil {
		return binaries{}, err
	}
	return binaries{dir: dir, major: major, version: m[1]}, nil
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
