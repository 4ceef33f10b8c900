package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's folder, as the tests of this package see it.
const root = "../.."

func TestTheTopLevelStaysShort(t *testing.T) {
	t.Parallel()
	belongs := []string{
		"cmd", "domain", "handlers", "views", "jobs", "sql", "static",
		"sqlc.yaml", "go.mod", "go.sum", "README.md",
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		// What go build and go test -c leave is ignored by git too.
		built := name == "ates" && !entry.IsDir() || strings.HasSuffix(name, ".test")
		if strings.HasPrefix(name, ".") || built || slices.Contains(belongs, name) {
			continue
		}
		t.Errorf("%s does not belong at the top level: every thing has a folder already", name)
	}
}
