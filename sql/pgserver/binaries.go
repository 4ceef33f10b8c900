package pgserver

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// findOrFetch returns binaries of the wanted major version, or of the newest installed one when wanted is 0. Where there are
// none it takes those it fetched before, or fetches them.
func findOrFetch(ctx context.Context, wanted int, a account, log *slog.Logger) (binaries, error) {
	f, err := newFinder(a)
	if err != nil {
		return binaries{}, err
	}
	installed, fetched := f.installed(ctx), f.fetched(ctx)
	if bin, ok := choose(installed, wanted); ok {
		return bin, nil
	}
	if bin, ok := choose(fetched, wanted); ok {
		return bin, nil
	}
	found := append(installed, fetched...)
	if wanted != 0 && wanted != fetchedMajor && len(found) > 0 {
		return binaries{}, otherVersion(wanted, found)
	}
	bin, err := f.install(ctx, wanted, log)
	if err != nil && wanted != 0 && len(found) > 0 {
		return binaries{}, otherVersion(wanted, found)
	}
	return bin, err
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

// installed returns what others have installed: on the PATH, where pg_config says, in the usual folders, in this order.
func (f finder) installed(ctx context.Context) []binaries {
	dirs := slices.Clone(f.path)
	// pg_config --bindir names the folder of the server's programs even where the PATH has only the client's.
	if config := f.lookPath("pg_config"); config != "" {
		if out, err := exec.CommandContext(ctx, config, "--bindir").Output(); err == nil {
			dirs = append(dirs, strings.TrimSpace(string(out)))
		}
	}
	for _, pattern := range folders {
		dirs = append(dirs, glob(filepath.Join(f.root, pattern))...)
	}
	return f.identify(ctx, dirs)
}

// fetched returns what earlier starts have fetched.
func (f finder) fetched(ctx context.Context) []binaries {
	return f.identify(ctx, glob(filepath.Join(f.cache, "*", "bin")))
}

// identify leaves out folders without the programs, and those that another one only links to.
func (f finder) identify(ctx context.Context, dirs []string) []binaries {
	var found []binaries
	seen := map[string]bool{}
	for _, dir := range dirs {
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

func (f finder) lookPath(program string) string {
	for _, dir := range f.path {
		if path := filepath.Join(dir, program); isExecutable(path) {
			return path
		}
	}
	return ""
}

// glob is filepath.Glob for patterns that are known to be well formed.
func glob(pattern string) []string {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	return matches
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
