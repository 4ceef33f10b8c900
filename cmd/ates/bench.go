package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// bench runs the benchmarks. Each measures the program against a ceiling that it measures beside it, in the same run and on the
// same server: absolute numbers say something about a machine, ratios about the program. A new one is a file bench_<name>.go
// and a line in benchmarks.
type bench struct {
	database
	benchSize
	profiling
	Names []string `arg:"" optional:"" name:"name" help:"Benchmarks to run; without one they are listed."`
	JSON  bool     `name:"json" help:"Print the results as JSON."`
}

// benchmark is one thing that is measured.
type benchmark struct {
	name     string
	measures string
	run      func(context.Context, *measuring) ([]row, error)
}

// benchmarks are all of them.
func benchmarks() []benchmark {
	return []benchmark{
		{"close", "the close of a business day: from the sweep until it is closed, paid, shown and told", measureClose},
		{"close-kill", "the same in processes that are killed at random points (kill -9), and the proof that nobody is paid twice or not at all", measureCloseKill},
		{"chaos", "two processes and Postgres while all sorts of things go wrong under the load of people, and the proof that everybody was told the truth", measureChaos},
		{"failover", "two processes on a primary with synchronous standbys, under Patroni, that is killed, cut off and stopped under the load of people: for how long nothing works, and the proof that nothing is lost or doubled", measureFailover},
		{"upgrade", "a program of before, this one, which migrates, the one of before again and this one again under the load of people: what they feel of it, and the proof that nothing fails, is lost or doubled", measureUpgrade},
		{"pages", "the server's time for each page of a company with many tasks and a long ledger, and what its pages weigh", measurePages},
		{"commands", "tasks created by people with a session, until everything that they set off is booked and shown", measureCommands},
		{"booking", "a backlog of events applied to the ledger by jobs", measureBooking},
		{"latency", "from a click to the event on the stream of an open page and to its fragment, idle and under load", measureLatency},
		{"assign", "one draw of many open tasks, until every balance and page is current, and what other commands feel of it", measureAssign},
		{"streams", "many open pages on one process: what one costs, and when they hear of a change that all or one of them see", measureStreams},
		{"rebuild", "all read models made anew from a long log, beside the time that commands took to produce it", measureRebuild},
		{"growth", "commands, latency and every page with ever longer books, each beside its figure in short ones", measureGrowth},
	}
}

// measuring is a run of one benchmark.
type measuring struct {
	benchSize
	profiling
	server  *benchServer
	machine machine
	notes   []string
	// profiles is how many processes have been started with a profile of theirs.
	profiles int
	// bookers are how many connections book most, once that was found out.
	bookers int
}

// note adds a line below the results.
func (m *measuring) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// row is one line of a benchmark's results: what the program took, what the ceiling took, and how often the one goes into the other.
type row struct {
	What string `json:"what"`
	// Unit is that of the figures below, except for Ratio.
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	Lowest float64 `json:"lowest"`
	// P99 is the highest of less than 100 figures.
	P99 float64 `json:"p99"`
	Of  int     `json:"of"`
	// Ceiling is what it is measured against, its median, and Ratio the median of the program's figures by those of the same
	// round, or where nothing pairs them the one median by the other. P99Ratio is P99 by the ceiling's median. All are zero where there
	// is no ceiling.
	Ceiling       string  `json:"ceiling,omitempty"`
	CeilingMedian float64 `json:"ceiling_median,omitempty"`
	Ratio         float64 `json:"ratio,omitempty"`
	P99Ratio      float64 `json:"p99_ratio,omitempty"`
}

// newRow sums figures up.
func newRow(what, unit string, figures []float64) row {
	return row{What: what, Unit: unit, Median: percentile(figures, 50), Lowest: percentile(figures, 0), P99: percentile(figures, 99), Of: len(figures)}
}

// against compares with the ceiling, whose figures are those of the same rounds.
func (r row) against(ceiling string, figures, ceilings []float64) row {
	ratios := make([]float64, len(figures))
	for i := range figures {
		ratios[i] = figures[i] / ceilings[i]
	}
	r.Ceiling, r.CeilingMedian, r.Ratio = ceiling, percentile(ceilings, 50), percentile(ratios, 50)
	r.P99Ratio = r.P99 / r.CeilingMedian
	return r
}

// over compares with a ceiling whose figures are not those of the same rounds: median by median.
func (r row) over(ceiling string, ceilings []float64) row {
	r.Ceiling, r.CeilingMedian = ceiling, percentile(ceilings, 50)
	r.Ratio, r.P99Ratio = r.Median/r.CeilingMedian, r.P99/r.CeilingMedian
	return r
}

// percentile is the smallest of the figures that is not below p percent of them.
func percentile(figures []float64, p float64) float64 {
	if len(figures) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

// report is what a benchmark found.
type report struct {
	Name     string   `json:"name"`
	Measures string   `json:"measures"`
	Rows     []row    `json:"rows"`
	Notes    []string `json:"notes"`
}

// Run measures what is named, or lists what can be.
func (c *bench) Run(ctx context.Context, stdout io.Writer) (err error) {
	if len(c.Names) == 0 {
		return listBenchmarks(stdout)
	}
	chosen := make([]benchmark, len(c.Names))
	for i, name := range c.Names {
		at := slices.IndexFunc(benchmarks(), func(b benchmark) bool { return b.name == name })
		if at < 0 {
			return fmt.Errorf("there is no benchmark %q (ates bench lists what there is)", name)
		}
		chosen[i] = benchmarks()[at]
	}
	if err := c.check(); err != nil {
		return err
	}
	stopProfile, err := c.profile()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	var reports []report
	for _, b := range chosen {
		found, err := c.measure(ctx, b, &benchServer{admin: db.direct})
		if err != nil {
			return fmt.Errorf("bench %s: %w", b.name, err)
		}
		reports = append(reports, found)
	}
	if c.JSON {
		printed := json.NewEncoder(stdout)
		printed.SetIndent("", "  ")
		return printed.Encode(map[string]any{"cpus": runtime.NumCPU(), "benchmarks": reports})
	}
	for _, r := range reports {
		if err := r.print(stdout); err != nil {
			return fmt.Errorf("print the results: %w", err)
		}
	}
	return nil
}

// measure runs one benchmark and removes its databases.
func (c *bench) measure(ctx context.Context, b benchmark, server *benchServer) (found report, err error) {
	m := &measuring{benchSize: c.benchSize, profiling: c.profiling, server: server}
	defer func() { err = errors.Join(err, server.dropAll(context.WithoutCancel(ctx))) }()
	settings, err := server.describe(ctx)
	if err != nil {
		return report{}, err
	}
	m.note("%s; %d processors", settings, runtime.NumCPU())
	if m.machine, err = watchMachine(ctx, server.admin); err != nil {
		return report{}, err
	}
	rows, err := b.run(ctx, m)
	if err == nil {
		err = m.wasAlone(ctx)
	}
	return report{Name: b.name, Measures: b.measures, Rows: rows, Notes: m.notes}, err
}

func listBenchmarks(stdout io.Writer) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, b := range benchmarks() {
		fmt.Fprintf(table, "%s\t%s\n", b.name, b.measures)
	}
	return table.Flush()
}

// print prints the results as a table for people.
func (r report) print(stdout io.Writer) error {
	fmt.Fprintf(stdout, "%s: %s\n\n", r.Name, r.Measures)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tMEDIAN\tLOWEST\tP99\tOF\tCEILING\tMEDIAN\tRATIO\tP99 RATIO")
	for _, w := range r.Rows {
		fmt.Fprintf(table, "%s\t%.3f %s\t%.3f\t%.3f\t%d\t", w.What, w.Median, w.Unit, w.Lowest, w.P99, w.Of)
		if w.Ceiling == "" {
			fmt.Fprint(table, "-\t-\t-\t-\n")
			continue
		}
		fmt.Fprintf(table, "%s\t%.3f %s\t%.2f\t%.2f\n", w.Ceiling, w.CeilingMedian, w.Unit, w.Ratio, w.P99Ratio)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\n\n", strings.Join(r.Notes, "\n"))
	return nil
}

// seconds are durations as figures.
func seconds(durations []time.Duration) []float64 {
	figures := make([]float64, len(durations))
	for i, d := range durations {
		figures[i] = d.Seconds()
	}
	return figures
}

// milliseconds is a duration as a figure.
func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// until asks again and again until the answer is yes, the time is over or the context ends.
func until(ctx context.Context, within time.Duration, what string, yes func() (bool, error)) error {
	const pause = 10 * time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("not within %s: %s", within, what))
	defer cancel()
	look := time.NewTicker(pause)
	defer look.Stop()
	for {
		if ok, err := yes(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}
