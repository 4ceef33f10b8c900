package main

import (
	"debug/elf"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheProgramIsOneStaticFile reads the file that the other tests start in empty folders. It needs nothing of the system that it runs
// on, no loader and no library, so that an image with nothing else in it will do.
func TestTheProgramIsOneStaticFile(t *testing.T) {
	t.Parallel()
	file, err := elf.Open(plain(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)
	for _, part := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, part.Type)
	}
}
