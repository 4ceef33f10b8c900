package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

func TestEveryPageIsMeasuredOnBooksThatAreSound(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"bench", "pages", "--json", "--busy", "--tasks=300", "--ledger=3000", "--staff=10", "--requests=1", "--database-url", sqltest.URL(t)}, &out, &errs))
	var printed struct {
		Benchmarks []struct {
			Rows  []row
			Notes []string
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	measured := printed.Benchmarks[0]
	require.Greater(t, len(measured.Rows), 25)
	for _, r := range measured.Rows {
		require.Equal(t, 1, r.Of, r.What)
		require.Positive(t, r.Lowest, r.What)
		require.Positive(t, r.Ratio, r.What)
	}
	notes := strings.Join(measured.Notes, "\n")
	require.Regexp(t, `first load of the board: \d+\.\d KB compressed in all, in \d\d files: /tasks .*app\.`, notes)
}
