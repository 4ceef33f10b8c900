package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// settings are the variables that the program reads by its flags, of all subcommands.
func settings(t testing.TB) (names []string) {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	require.NoError(t, err)
	for _, command := range parser.Model.Children {
		for _, flag := range command.Flags {
			names = append(names, flag.Envs...)
		}
	}
	require.Contains(t, names, "DATABASE_URL")
	return names
}

// read is a file of this package's folder.
func read(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(content)
}

// What is written about settings, and what files for operations set, is there to be set; and every setting is written about.
func TestSettingsAreThoseThatAreWrittenAbout(t *testing.T) {
	t.Parallel()
	known := settings(t)
	elsewhere := []string{"ATES_TEST_POOLER", "ATES_TEST_PROXY"} // of the tests
	for _, name := range []string{"../../README.md", "OPERATIONS.md", "OPENID.md", "operations/ates.service", "operations/Containerfile", "operations/compose.yaml", "operations/nginx.conf", "operations/pgbouncer.ini"} {
		for _, setting := range regexp.MustCompile(`\b(ATES|DATABASE|SMTP|OIDC)_[A-Z_]+\b`).FindAllString(read(t, name), -1) {
			require.True(t, slices.Contains(known, setting) || slices.Contains(elsewhere, setting), "%s names %s, which is no setting", name, setting)
		}
	}
	for _, setting := range known {
		if !strings.HasPrefix(setting, "OTEL_") { // OpenTelemetry's own, which has pages about them
			require.Contains(t, read(t, "../../README.md"), "`"+setting+"`")
		}
	}
}

// An image is made by the Go that go.mod asks for, or each build of it would fetch that first.
func TestTheImageIsMadeByTheRightGo(t *testing.T) {
	t.Parallel()
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	require.NotNil(t, wanted)
	require.Contains(t, read(t, "operations/Containerfile"), "\nARG GO_VERSION="+wanted[1]+"\n")
}
