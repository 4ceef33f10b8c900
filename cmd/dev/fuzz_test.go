package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFuzzTargetsAreFoundByTheirSignature(t *testing.T) {
	t.Parallel()
	found := fuzzTarget.FindAllStringSubmatch("func FuzzA(f *testing.F) {\n\nfunc fuzzed(f *testing.F) {\n// func FuzzB(f *testing.F)\nfunc FuzzC(f *testing.F) {\nfunc FuzzD(t *testing.T) {\n", -1)
	var names []string
	for _, match := range found {
		names = append(names, match[1])
	}
	require.Equal(t, []string{"FuzzA", "FuzzC"}, names)
}

func TestFuzzingCountsAmongTheTests(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := newReport(&out)
	r.fuzzed(result{name: "ates/a fuzzing FuzzA", action: "pass", seconds: 2, said: "fuzz: elapsed: 1s, execs: 12 (1/sec)\nfuzz: elapsed: 2s, execs: 345 (1/sec)\nPASS\n"})
	r.fuzzed(result{name: "ates/a fuzzing FuzzB", action: "fail", seconds: 1, said: "panic: parrot\n"})
	require.True(t, r.summary(nil, 0))
	require.Contains(t, out.String(), "ok   ates/a fuzzing FuzzA (345 inputs, 2.0s)\n")
	require.Contains(t, out.String(), "--- FAIL ates/a fuzzing FuzzB (1.00s)\n    panic: parrot\n")
	require.Equal(t, "1 passed, 1 failed, 0 skipped", lastLine(out.String()))
}
