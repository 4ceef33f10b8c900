package pgserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFolderThatTheAccountCannotEnterIsNamed(t *testing.T) {
	t.Parallel()
	a := account{name: "somebody", uid: 12345, gid: 12345, drop: true}
	private := t.TempDir()
	require.NoError(t, os.Chmod(private, 0o700))
	inside := filepath.Join(private, "open")
	require.NoError(t, os.Mkdir(inside, 0o755))

	err := a.canEnter(inside)
	require.ErrorContains(t, err, "user somebody")
	require.ErrorContains(t, err, private)
	require.NoError(t, a.canEnter("/"))
}

func TestRootRefusesAFolderThatPostgresCannotEnter(t *testing.T) {
	t.Parallel()
	private := folder(t)
	require.NoError(t, mkdirEnterable(private))
	require.NoError(t, os.Chmod(private, 0o700))
	_, err := Start(t.Context(), Config{Dir: filepath.Join(private, "pg")})
	if os.Geteuid() != 0 {
		require.NoError(t, err, "one's own folder may be private")
		return
	}
	require.ErrorContains(t, err, "cannot enter "+private)
}

func TestTheServersAccountIsNotRoot(t *testing.T) {
	t.Parallel()
	a, err := accountFor(filepath.Join(t.TempDir(), "data"))
	require.NoError(t, err)
	require.NotZero(t, a.uid)
	require.Equal(t, os.Geteuid() == 0, a.drop)
}

func TestSomebodyElsesDataIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if os.Geteuid() == 0 {
		_, err := accountFor(data)
		require.ErrorContains(t, err, "belongs to root")
		return
	}
	_, err := accountFor("/")
	require.ErrorContains(t, err, "belongs to user root")
}

func TestTheDataDecidesTheAccount(t *testing.T) {
	t.Parallel()
	a, err := accountFor("")
	require.NoError(t, err)
	if !a.drop {
		return // only root can give a folder away
	}
	data := t.TempDir()
	require.NoError(t, os.Chown(data, 65534, 65534))
	owner, err := accountFor(data)
	require.NoError(t, err)
	require.Equal(t, 65534, owner.uid)
}
