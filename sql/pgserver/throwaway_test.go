package pgserver

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAThrowawayServerLeavesNothing(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Config{Throwaway: true})
	require.NoError(t, err)
	require.Equal(t, "off", query(t, s.URL(), "show fsync"))
	require.Equal(t, "попуг", query(t, s.URL(), "select lower('ПОПУГ')"))
	require.NoError(t, s.Stop(t.Context()))
	require.NoDirExists(t, s.cluster.dir)
	require.Error(t, ping(t.Context(), s.URL()))
}

func TestAThrowawayServerTakesNobodysFolder(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{Throwaway: true, Dir: t.TempDir()})
	require.ErrorContains(t, err, "chooses its own folder")
}

func TestAnAbandonedThrowawayServerIsSweptUp(t *testing.T) {
	t.Parallel()
	program, _, dir := startProgram(t, "")
	require.NoError(t, program.Process.Kill())
	require.Error(t, program.Wait())
	require.DirExists(t, dir)

	next, err := Start(t.Context(), Config{Throwaway: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, next.Stop(t.Context())) }()
	_, err = os.Stat(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}
