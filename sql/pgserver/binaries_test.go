package pgserver

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// testFinder looks where the program itself would look.
func testFinder(t *testing.T) finder {
	t.Helper()
	a, err := accountFor("")
	require.NoError(t, err)
	f, err := newFinder(a)
	require.NoError(t, err)
	return f
}

// emptyMachine has nothing installed. Folders below it are the machine's root, its PATH and the cache.
func emptyMachine(t *testing.T) finder {
	t.Helper()
	dir := t.TempDir()
	return finder{
		root:   filepath.Join(dir, "root"),
		path:   []string{filepath.Join(dir, "path"), filepath.Join(dir, "path2")},
		cache:  filepath.Join(dir, "cache"),
		usable: func(string) error { return nil },
	}
}

func installFake(t *testing.T, dir, version string) {
	t.Helper()
	writeScript(t, filepath.Join(dir, "postgres"), `echo "postgres (PostgreSQL) `+version+`"`)
	writeScript(t, filepath.Join(dir, "initdb"))
}

func TestInstallationsOfEveryKindAreFound(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{
		"usr/lib/postgresql/16/bin",
		"usr/pgsql-16/bin",
		"usr/libexec/postgresql16",
		"usr/lib/postgresql16/bin",
		"opt/homebrew/opt/postgresql@16/bin",
		"usr/local/opt/postgresql@16/bin",
		"home/linuxbrew/.linuxbrew/opt/postgresql@16/bin",
		"Applications/Postgres.app/Contents/Versions/16/bin",
		"Library/PostgreSQL/16/bin",
		"opt/PostgreSQL/16/bin",
		"usr/local/pgsql/bin",
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			f := emptyMachine(t)
			at := filepath.Join(f.root, dir)
			installFake(t, at, "16.4")
			require.Equal(t, []binaries{{dir: at, major: 16, version: "16.4"}}, f.installed(t.Context()))
		})
	}
}

func TestInstallationsAreFoundInOrder(t *testing.T) {
	t.Parallel()
	f := emptyMachine(t)
	installFake(t, filepath.Join(f.path[1], "elsewhere", "bin"), "17.1 (Debian 17.1-1)")
	installFake(t, filepath.Join(f.path[0]), "18beta1")
	installFake(t, filepath.Join(f.root, "usr/lib/postgresql/15/bin"), "15.18")
	installFake(t, filepath.Join(f.root, "usr/lib/postgresql/16/bin"), "16.4")
	writeScript(t, filepath.Join(f.path[1], "pg_config"), "echo "+filepath.Join(f.path[1], "elsewhere", "bin"))
	// What the PATH links to is found once.
	require.NoError(t, os.Symlink(filepath.Join(f.root, "usr/lib/postgresql/16/bin/postgres"), filepath.Join(f.path[1], "postgres")))

	var versions []string
	for _, b := range f.installed(t.Context()) {
		versions = append(versions, b.version)
	}
	require.Equal(t, []string{"18beta1", "16.4", "17.1", "15.18"}, versions)
}

func TestIncompleteInstallationsAreLeftOut(t *testing.T) {
	t.Parallel()
	f := emptyMachine(t)
	writeScript(t, filepath.Join(f.path[0], "postgres"), `echo "postgres (PostgreSQL) 16.1"`) // without initdb
	writeScript(t, filepath.Join(f.path[1], "postgres"), "exit 1")                            // for another processor
	writeScript(t, filepath.Join(f.path[1], "initdb"))
	secret := filepath.Join(f.root, "usr/lib/postgresql/16/bin")
	installFake(t, secret, "16.4")
	f.usable = func(dir string) error {
		if dir == secret {
			return os.ErrPermission
		}
		return nil
	}
	require.Empty(t, f.installed(t.Context()))
}

func TestBinariesAreChosenByTheCluster(t *testing.T) {
	t.Parallel()
	found := []binaries{{dir: "a", major: 14}, {dir: "b", major: 15}, {dir: "c", major: 17}, {dir: "d", major: 17}}
	for _, c := range []struct {
		name   string
		wanted int
		dir    string
		ok     bool
	}{
		{"a new cluster gets the newest, the first found of it", 0, "c", true},
		{"a cluster gets its own version", 15, "b", true},
		{"even an old one", 14, "a", true},
		{"or none", 16, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bin, ok := choose(found, c.wanted)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.dir, bin.dir)
		})
	}
	_, ok := choose(found[:1], 0)
	require.False(t, ok, "a new cluster is not made by a version that is too old")
}

func TestFetchedBinariesAreFoundAgain(t *testing.T) {
	t.Parallel()
	f := emptyMachine(t)
	at := filepath.Join(f.cache, "linux-amd64-18.4", "bin")
	installFake(t, at, "18.4")
	require.Empty(t, f.installed(t.Context()))
	require.Equal(t, []binaries{{dir: at, major: 18, version: "18.4"}}, f.fetched(t.Context()))
}

func TestAFetchThatBringsSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	f := emptyMachine(t)
	writeScript(t, filepath.Join(f.path[0], "npm"),
		`while [ "$1" != --pack-destination ]; do shift; done`,
		`echo tampered >"$2/package.tgz"`)
	_, err := f.fetch(t.Context(), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "SHA-512 differs")
	left, err := os.ReadDir(f.cache)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAFetchWithoutNPMSaysSo(t *testing.T) {
	t.Parallel()
	_, err := emptyMachine(t).fetch(t.Context(), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "npm")
}

func TestDebiansMainClusterIsRefused(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{
		"commented out": "# Default values\n#create_main_cluster = true\nstart_conf = 'auto'\n",
		"set":           "create_main_cluster = true\n",
		"absent":        "start_conf = 'auto'\n",
		"no file":       "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "postgresql-common", "createcluster.conf")
			if before != "" {
				require.NoError(t, os.Mkdir(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, []byte(before), 0o644))
			}
			require.NoError(t, refuseMainCluster(path))
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, "\n"+string(after), "\ncreate_main_cluster = false\n")
			require.NotContains(t, string(after), "= true")
		})
	}
}
