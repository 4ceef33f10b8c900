package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reported feeds lines of go test -json to a report and returns what it shows.
func reported(t *testing.T, skipsFail bool, ended error, lines ...string) (shown string, failed bool) {
	t.Helper()
	var out strings.Builder
	r := newReport(&out)
	r.skipsFail = skipsFail
	require.NoError(t, r.read(strings.NewReader(strings.Join(lines, "\n"))))
	failed = r.summary(ended, time.Second)
	return out.String(), failed
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

var aFailure = []string{
	`{"Action":"run","Package":"ates/a","Test":"TestX"}`,
	`{"Action":"output","Package":"ates/a","Test":"TestX","Output":"=== RUN   TestX\n"}`,
	`{"Action":"run","Package":"ates/a","Test":"TestX/one"}`,
	`{"Action":"output","Package":"ates/a","Test":"TestX/one","Output":"    x_test.go:7: parrot\n"}`,
	`{"Action":"fail","Package":"ates/a","Test":"TestX/one","Elapsed":0.5}`,
	`{"Action":"pass","Package":"ates/a","Test":"TestX/two","Elapsed":0.1}`,
	`{"Action":"fail","Package":"ates/a","Test":"TestX","Elapsed":0.6}`,
	`{"Action":"fail","Package":"ates/a","Elapsed":0.7}`,
}

func TestSubtestsCountAndFailuresAreShown(t *testing.T) {
	t.Parallel()
	shown, failed := reported(t, false, errors.New("exit status 1"), aFailure...)
	require.True(t, failed)
	require.Equal(t, "1 passed, 1 failed, 0 skipped", lastLine(shown))
	require.Contains(t, shown, "--- FAIL ates/a TestX/one (0.50s)\n        x_test.go:7: parrot\n")
	require.NotContains(t, shown, "=== RUN")
}

func TestATestThatFailsBesideItsSubtestsCounts(t *testing.T) {
	t.Parallel()
	shown, failed := reported(t, false, errors.New("exit status 1"),
		`{"Action":"pass","Package":"ates/a","Test":"TestX/one"}`,
		`{"Action":"fail","Package":"ates/a","Test":"TestX"}`,
		`{"Action":"fail","Package":"ates/a"}`)
	require.True(t, failed)
	require.Equal(t, "1 passed, 1 failed, 0 skipped", lastLine(shown))
}

func TestAPackageThatDoesNotCompileIsAFailure(t *testing.T) {
	t.Parallel()
	shown, failed := reported(t, false, errors.New("exit status 1"),
		`{"ImportPath":"ates/a [ates/a.test]","Action":"build-output","Output":"a/a.go:3:1: syntax error\n"}`,
		`{"ImportPath":"ates/a [ates/a.test]","Action":"build-fail"}`,
		`{"Action":"start","Package":"ates/a"}`,
		`{"Action":"output","Package":"ates/a","Output":"FAIL\tates/a [build failed]\n"}`,
		`{"Action":"fail","Package":"ates/a","Elapsed":0,"FailedBuild":"ates/a [ates/a.test]"}`)
	require.True(t, failed)
	require.Equal(t, "0 passed, 1 failed, 0 skipped", lastLine(shown))
	require.Contains(t, shown, "syntax error")
}

func TestAProcessThatEndsUnderItsTestsIsAFailure(t *testing.T) {
	t.Parallel()
	shown, failed := reported(t, false, errors.New("exit status 1"),
		`{"Action":"run","Package":"ates/a","Test":"TestX"}`,
		`{"Action":"output","Package":"ates/a","Test":"TestX","Output":"panic: oh\n"}`,
		`{"Action":"output","Package":"ates/a","Output":"signal: killed\n"}`,
		`{"Action":"fail","Package":"ates/a"}`)
	require.True(t, failed)
	require.Equal(t, "0 passed, 1 failed, 0 skipped", lastLine(shown))
	require.Contains(t, shown, "TestX did not end:\n    panic: oh\n")
	require.Contains(t, shown, "signal: killed")
}

func TestGoTestThatFailsWithoutATestIsAFailure(t *testing.T) {
	t.Parallel()
	shown, failed := reported(t, false, errors.New("exit status 2"), "flag provided but not defined: -parrot")
	require.True(t, failed)
	require.Equal(t, "0 passed, 1 failed, 0 skipped", lastLine(shown))
	require.Contains(t, shown, "-parrot")
}

func TestSkippedTestsFailInCI(t *testing.T) {
	t.Parallel()
	skip := []string{
		`{"Action":"output","Package":"ates/a","Test":"TestX","Output":"    x_test.go:7: no parrot\n"}`,
		`{"Action":"skip","Package":"ates/a","Test":"TestX"}`,
		`{"Action":"pass","Package":"ates/a"}`,
		`{"Action":"skip","Package":"ates/without_tests"}`,
	}
	shown, failed := reported(t, false, nil, skip...)
	require.False(t, failed)
	require.Equal(t, "0 passed, 0 failed, 1 skipped", lastLine(shown))
	require.Contains(t, shown, "no parrot")

	shown, failed = reported(t, true, nil, skip...)
	require.True(t, failed)
	require.Equal(t, "0 passed, 1 failed, 0 skipped", lastLine(shown))
}

func TestAllPackagesAreTestedUnlessSomeAreNamed(t *testing.T) {
	t.Parallel()
	all := withPackages([]string{"-run", "X"})
	require.Equal(t, []string{"./...", "-run", "X"}, all[len(all)-3:])
	for _, dir := range all[:len(all)-3] {
		require.DirExists(t, filepath.Join("../..", dir), "each of those that are named first is there")
	}
	require.Equal(t, []string{"./sql/...", "-v"}, withPackages([]string{"./sql/...", "-v"}))
	require.Equal(t, []string{"ates/jobs"}, withPackages([]string{"ates/jobs"}))
}
