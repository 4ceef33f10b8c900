package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fuzzFor is how long each fuzz target is tried.
const fuzzFor = time.Second

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// fuzzTargets returns the names of the fuzz targets of each package, by its folder.
func fuzzTargets() (map[string][]string, error) {
	files, err := filesWithSuffix("_test.go")
	if err != nil {
		return nil, err
	}
	targets := map[string][]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, found := range fuzzTarget.FindAllStringSubmatch(string(source), -1) {
			dir := filepath.Dir(file)
			targets[dir] = append(targets[dir], found[1])
		}
	}
	return targets, nil
}

// fuzzAll tries each fuzz target for a moment with inputs of its own making, beginning with what testdata has, and adds how each
// ended to the report. It uses the programs of the tests, which are kept in a folder: with the coverage that "go test -fuzz" builds
// in, which is what to use for longer, everything would have to be compiled anew.
func fuzzAll(ctx context.Context, r *report, programs string, env []string) error {
	targets, err := fuzzTargets()
	if err != nil {
		return err
	}
	// All at once: each spends most of its time on beginning and ending.
	dirs := slices.Sorted(maps.Keys(targets))
	ended := make([][]result, len(dirs))
	var group sync.WaitGroup
	for i, dir := range dirs {
		program, err := kept(programs, dir)
		if err != nil {
			return err
		}
		ended[i] = make([]result, len(targets[dir]))
		for n, name := range targets[dir] {
			group.Go(func() { ended[i][n] = fuzzOne(ctx, program, dir, name, env) })
		}
	}
	group.Wait()
	for _, done := range slices.Concat(ended...) {
		r.fuzzed(done)
	}
	return nil
}

// fuzzOne tries one target of a package, whose folder is dir.
func fuzzOne(ctx context.Context, program, dir, name string, env []string) result {
	begin := time.Now()
	said, err := fuzz(ctx, program, dir, name, fuzzFor, program+".cache", env)
	done := result{name: "ates/" + filepath.ToSlash(dir) + " fuzzing " + name, action: "pass", seconds: time.Since(begin).Seconds(), said: said}
	if err != nil {
		done.action, done.said = "fail", said+err.Error()+"\n"
	}
	return done
}

// fuzz tries one target in the folder of its package, where an input that fails is written to testdata.
func fuzz(ctx context.Context, program, dir, name string, within time.Duration, cache string, env []string) (said string, err error) {
	cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.fuzz=^"+name+"$", "-test.fuzztime="+within.String(),
		"-test.fuzzcachedir="+cache, "-test.parallel=1", "-test.timeout=2m")
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	said = string(out)
	// Before Go 1.27 the fuzzer now and then takes the end of its own time for a failure: go.dev/issue/75804.
	if outOfTime := strings.Contains(said, "context deadline exceeded") && !strings.Contains(said, "Failing input"); err != nil && !outOfTime {
		return said, fmt.Errorf("fuzz %s: %w", name, err)
	}
	return said, nil
}

var fuzzExecs = regexp.MustCompile(`execs: (\d+)`)

// fuzzed adds how a fuzz target ended, with the number of inputs it was tried with.
func (r *report) fuzzed(done result) {
	r.results = append(r.results, done)
	if done.action == "fail" {
		fmt.Fprintf(r.out, "--- FAIL %s (%.2fs)\n%s", done.name, done.seconds, indent(done.said))
		return
	}
	tries := "no"
	if all := fuzzExecs.FindAllStringSubmatch(done.said, -1); len(all) > 0 {
		tries = all[len(all)-1][1]
	}
	fmt.Fprintf(r.out, "ok   %s (%s inputs, %.1fs)\n", done.name, tries, done.seconds)
}
