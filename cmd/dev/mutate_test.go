package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutationsAreOfWhatIsThere keeps the list of guards in step with the code: each can still be taken out, and its test is there.
// That the tests fail then takes minutes: go run ./cmd/dev mutate.
func TestMutationsAreOfWhatIsThere(t *testing.T) {
	t.Chdir("../..")
	for _, m := range mutations() {
		text := map[string]string{}
		for _, e := range m.edits {
			var err error
			text[e.file], err = e.apply(text[e.file])
			require.NoError(t, err, m.guard)
		}
		files, err := filepath.Glob(filepath.Join(m.folder, "*_test.go"))
		require.NoError(t, err)
		found := false
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			found = found || strings.Contains(string(content), "func "+m.test+"(t *testing.T)")
		}
		require.True(t, found, "%s: there is no %s in %s", m.guard, m.test, m.folder)
	}
}
