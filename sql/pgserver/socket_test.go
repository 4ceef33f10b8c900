package pgserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALongPathPutsTheSocketElsewhere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), strings.Repeat("long", 25))
	s := start(t, dir)
	require.NoError(t, ping(t.Context(), s.URL()))
	elsewhere := s.cluster.socketDir
	require.Equal(t, "/tmp", filepath.Dir(elsewhere))
	require.LessOrEqual(t, len(socketIn(elsewhere)), maxSocketPath)
	require.NoError(t, s.Stop(t.Context()))
	require.NoDirExists(t, elsewhere)
}

func TestAnyPathCanHoldAServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`my "own" data`, "100%+1", "a, b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(filepath.Dir(folder(t)), name)
			require.NoError(t, os.Rename(used(t), dir))
			remembers(t, start(t, dir).URL())
		})
	}
}

func TestAFolderThatSomebodyElseMadeIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), strings.Repeat("long", 25))
	a, err := accountFor(filepath.Join(dir, "data"))
	require.NoError(t, err)
	at, err := makeSocketDir(dir, a)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(at)) })

	_, err = makeSocketDir(dir, account{name: "somebody", uid: a.uid + 1, gid: a.gid})
	require.ErrorContains(t, err, "not a folder of user somebody")

	require.NoError(t, os.Remove(at))
	require.NoError(t, os.Symlink(filepath.Dir(dir), at))
	_, err = makeSocketDir(dir, a)
	require.ErrorContains(t, err, "not a folder")
}
