package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// report reads what go test -json says, shows packages as they end and failures with their output, and counts. A test with
// subtests counts as its subtests; by itself it counts only when it failed and none of them did. A package that fails
// without a failed test, as one that does not compile, counts as one failure.
type report struct {
	out io.Writer
	// skipsFail makes a skipped test a failure.
	skipsFail bool

	packages map[string]*packageReport
	builds   map[string]*strings.Builder
	results  []result
}

type packageReport struct {
	said    strings.Builder
	tests   map[string]*strings.Builder // of the tests that have not ended
	failed  int
	passed  int
	skipped int
	parents map[string]outcomes
}

// outcomes are how the subtests of a test ended.
type outcomes struct{ any, failed bool }

type result struct {
	name    string
	action  string
	seconds float64
	said    string
}

// event is a line of go test -json; see "go doc test2json" and "go help buildjson".
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*packageReport{}, builds: map[string]*strings.Builder{}}
}

func (r *report) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil && e.Action != "" {
			r.add(e)
		} else {
			fmt.Fprintf(r.out, "%s", line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	switch {
	case e.Action == "build-output":
		said, ok := r.builds[e.ImportPath]
		if !ok {
			said = &strings.Builder{}
			r.builds[e.ImportPath] = said
		}
		said.WriteString(e.Output)
	case e.Package == "":
	case e.Test == "":
		r.addPackage(e)
	default:
		r.addTest(e)
	}
}

func (r *report) of(pkg string) *packageReport {
	p, ok := r.packages[pkg]
	if !ok {
		p = &packageReport{tests: map[string]*strings.Builder{}, parents: map[string]outcomes{}}
		r.packages[pkg] = p
	}
	return p
}

func (r *report) addTest(e event) {
	p := r.of(e.Package)
	said, ok := p.tests[e.Test]
	if !ok {
		said = &strings.Builder{}
		p.tests[e.Test] = said
	}
	switch e.Action {
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") {
			said.WriteString(e.Output)
		}
	case "pass", "fail", "skip":
		delete(p.tests, e.Test)
		r.ended(p, e, said.String())
	}
}

func (r *report) ended(p *packageReport, e event, said string) {
	subtests := p.parents[e.Test]
	if at := strings.LastIndexByte(e.Test, '/'); at >= 0 {
		parent := p.parents[e.Test[:at]]
		p.parents[e.Test[:at]] = outcomes{any: true, failed: parent.failed || e.Action == "fail"}
	}
	if subtests.any && (e.Action != "fail" || subtests.failed) {
		return
	}
	done := result{name: e.Package + " " + e.Test, action: e.Action, seconds: e.Elapsed}
	switch e.Action {
	case "pass":
		p.passed++
	case "skip":
		p.skipped++
		done.said = said
	case "fail":
		p.failed++
		done.said = said
		fmt.Fprintf(r.out, "--- FAIL %s (%.2fs)\n%s", done.name, done.seconds, indent(said))
	}
	r.results = append(r.results, done)
}

func (r *report) addPackage(e event) {
	p := r.of(e.Package)
	switch e.Action {
	case "output":
		p.said.WriteString(e.Output)
	case "pass":
		fmt.Fprintf(r.out, "ok   %s (%d tests, %.1fs)\n", e.Package, p.passed+p.skipped, e.Elapsed)
		delete(r.packages, e.Package)
	case "fail":
		fmt.Fprintf(r.out, "FAIL %s (%.1fs)\n", e.Package, e.Elapsed)
		if p.failed == 0 {
			r.packageFailed(p, e)
		}
		delete(r.packages, e.Package)
	}
}

// packageFailed reports a failure that is no test's: the package does not compile, or its process ended under its tests.
func (r *report) packageFailed(p *packageReport, e event) {
	var said strings.Builder
	if build, ok := r.builds[e.FailedBuild]; ok {
		said.WriteString(build.String())
	}
	said.WriteString(p.said.String())
	for _, name := range slices.Sorted(mapKeys(p.tests)) {
		fmt.Fprintf(&said, "%s did not end:\n%s", name, p.tests[name])
	}
	failure := result{name: e.Package, action: "fail", said: said.String()}
	fmt.Fprint(r.out, indent(failure.said))
	r.results = append(r.results, failure)
}

func mapKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// summary ends the report and says whether anything failed. ended is how go test itself did.
func (r *report) summary(ended error, took time.Duration) (failed bool) {
	count := map[string]int{}
	for _, done := range r.results {
		count[done.action]++
	}
	if ended != nil && count["fail"] == 0 {
		r.results = append(r.results, result{name: "go test: " + ended.Error(), action: "fail"})
		count["fail"]++
	}
	r.slowest()
	r.list("skip", "skipped")
	if r.skipsFail && count["skip"] > 0 {
		fmt.Fprintln(r.out, "with CI=true a skipped test has failed")
		count["fail"] += count["skip"]
		count["skip"] = 0
	}
	r.list("fail", "failed")
	fmt.Fprintf(r.out, "\n%.1fs\n%d passed, %d failed, %d skipped\n", took.Seconds(), count["pass"], count["fail"], count["skip"])
	return count["fail"] > 0
}

func (r *report) slowest() {
	const shown = 10
	tests := slices.SortedStableFunc(slices.Values(r.results), func(a, b result) int { return cmp.Compare(b.seconds, a.seconds) })
	tests = tests[:min(shown, len(tests))]
	if len(tests) > 0 {
		fmt.Fprintln(r.out, "\nslowest:")
	}
	for _, done := range tests {
		fmt.Fprintf(r.out, "  %6.2fs %s\n", done.seconds, done.name)
	}
}

func (r *report) list(action, title string) {
	for _, done := range r.results {
		if done.action != action {
			continue
		}
		if title != "" {
			fmt.Fprintf(r.out, "\n%s:\n", title)
			title = ""
		}
		fmt.Fprintf(r.out, "  %s\n", done.name)
		if action == "skip" {
			fmt.Fprint(r.out, indent(done.said))
		}
	}
}

func indent(text string) string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return ""
	}
	return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}
