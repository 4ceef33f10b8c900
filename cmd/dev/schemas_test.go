package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A context owns the schema of its name. The log is nobody's; River's tables are reached through River.
var (
	contexts = []string{"auth", "tracker", "accounting", "log"}

	sqlComment = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/`)
	sqlText    = regexp.MustCompile(`'(?:[^']|'')*'`)
	schemaName = regexp.MustCompile(`(?i)(?:^|[^\w.@])"?(auth|tracker|accounting|log|river)"?\s*\.`)
)

func TestQueriesStayInTheirContext(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(filepath.Join(root, "sql", "queries"))
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(root, "sql", "queries", entry.Name()))
		require.NoError(t, err)
		context, _, found := strings.Cut(entry.Name(), "_")
		if !found || !slices.Contains(contexts, context) || filepath.Ext(entry.Name()) != ".sql" {
			t.Errorf("sql/queries/%s: files of queries are named for their context, such as tracker_board.sql", entry.Name())
			continue
		}
		for _, schema := range schemasOf(string(text)) {
			if schema != context {
				t.Errorf("sql/queries/%s names the schema %s: a context reads and writes its own tables only, and learns the rest from events",
					entry.Name(), schema)
			}
		}
	}
}

func TestForeignSchemasAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"select * from tracker.tasks":                                  {"tracker"},
		"select 1 from\nAuth . people, \"log\".events":                 {"auth", "log"},
		"select b.log, l.tracker from accounting.x b -- not tracker.y": {"accounting"},
		"/* auth.people */ select 'river.jobs', catalog.log.x":         nil,
		"delete from river.river_job using log.events":                 {"river", "log"},
	} {
		require.Equal(t, want, schemasOf(text), text)
	}
}

// schemasOf lists the schemas that SQL names, leaving out comments and text.
func schemasOf(text string) (schemas []string) {
	text = sqlText.ReplaceAllString(sqlComment.ReplaceAllString(text, " "), "''")
	for _, m := range schemaName.FindAllStringSubmatch(text, -1) {
		schemas = append(schemas, strings.ToLower(m[1]))
	}
	return schemas
}
