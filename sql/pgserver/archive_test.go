package pgserver

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

type file struct {
	name, text string
	mode       int64
	link       string
}

// pack makes an archive and returns its path and its sum.
func pack(t *testing.T, files ...file) (path, sum string) {
	t.Helper()
	var raw bytes.Buffer
	gz := gzip.NewWriter(&raw)
	w := tar.NewWriter(gz)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		if f.link != "" {
			header.Typeflag, header.Linkname = tar.TypeSymlink, f.link
		}
		require.NoError(t, w.WriteHeader(header))
		_, err := w.Write([]byte(f.text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, gz.Close())
	path = filepath.Join(t.TempDir(), "package.tgz")
	require.NoError(t, os.WriteFile(path, raw.Bytes(), 0o600))
	digest := sha512.Sum512(raw.Bytes())
	return path, base64.StdEncoding.EncodeToString(digest[:])
}

func TestAnArchiveIsUnpackedWithItsLinks(t *testing.T) {
	t.Parallel()
	archive, sum := pack(t,
		file{name: "package/package.json", text: "{}"},
		file{name: "package/native/bin/postgres", text: "program", mode: 0o700},
		file{name: "package/native/lib/libpq.so.5.18", text: "library", mode: 0o600},
		file{name: "package/native/pg-symlinks.json",
			text: `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`})
	dst := filepath.Join(t.TempDir(), "dst")
	require.NoError(t, unpackChecked(archive, sum, dst))

	text, err := os.ReadFile(filepath.Join(dst, "lib", "libpq.so.5"))
	require.NoError(t, err)
	require.Equal(t, "library", string(text))
	info, err := os.Stat(filepath.Join(dst, "bin", "postgres"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm(), "another account has to run it")
	require.NoFileExists(t, filepath.Join(dst, "package.json"))
}

func TestATamperedArchiveIsRefused(t *testing.T) {
	t.Parallel()
	archive, sum := pack(t, file{name: "package/native/pg-symlinks.json", text: "[]"})
	raw, err := os.ReadFile(archive)
	require.NoError(t, err)
	raw[len(raw)/2] ^= 1
	require.NoError(t, os.WriteFile(archive, raw, 0o600))

	dst := filepath.Join(t.TempDir(), "dst")
	require.ErrorContains(t, unpackChecked(archive, sum, dst), "SHA-512 differs")
	require.NoDirExists(t, dst)
}

func TestAnArchiveCannotLeaveItsFolder(t *testing.T) {
	t.Parallel()
	links := file{name: "package/native/pg-symlinks.json", text: "[]"}
	for name, files := range map[string][]file{
		"file above":     {{name: "package/native/../../../escaped"}, links},
		"absolute file":  {{name: "package/native//etc/escaped"}, links},
		"link above":     {{name: "package/native/pg-symlinks.json", text: `[{"source":"native/x","target":"native/../../escaped"}]`}},
		"link to above":  {{name: "package/native/pg-symlinks.json", text: `[{"source":"native/../../../etc/passwd","target":"native/escaped"}]`}},
		"link elsewhere": {{name: "package/native/pg-symlinks.json", text: `[{"source":"/etc/passwd","target":"native/escaped"}]`}},
		"file twice":     {{name: "package/native/postgres"}, {name: "package/native/postgres"}, links},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive, sum := pack(t, files...)
			parent := t.TempDir()
			require.Error(t, unpackChecked(archive, sum, filepath.Join(parent, "a", "dst")))
			found, err := filepath.Glob(filepath.Join(parent, "*escaped*"))
			require.NoError(t, err)
			require.Empty(t, found)
		})
	}
}

func TestLinksInTheArchiveItselfAreNotMade(t *testing.T) {
	t.Parallel()
	archive, sum := pack(t,
		file{name: "package/native/lib", link: "/etc"},
		file{name: "package/native/pg-symlinks.json", text: "[]"})
	dst := filepath.Join(t.TempDir(), "dst")
	require.NoError(t, unpackChecked(archive, sum, dst))
	require.NoFileExists(t, filepath.Join(dst, "lib"))
}
