package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	Names []string `arg:"" optional:"" name:"name" help:"Benchmarks to run; without one they are listed."`
	JSON  bool     `name:"json" help:"Print the results as JSON."`
}

// benchSize is how much of everything there is in a benchmark.
type benchSize struct {
	Rounds    int           `name:"rounds" default:"5" help:"How often everything is measured, the program and its ceiling in turn."`
	Workers   int           `name:"workers" default:"10000" help:"Workers of the company."`
	Entries   int           `name:"entries" default:"100000" help:"Ledger entries of its business day, about."`
	Kills     int           `name:"kills" default:"20" help:"How often a process is killed."`
	Processes int           `name:"processes" default:"1" help:"How many processes work side by side where processes are killed."`
	DaysOff   int           `name:"days-off" default:"1" help:"How many days are overdue where processes are killed."`
	During    time.Duration `name:"during" default:"5m" help:"How long things go wrong in chaos."`
	People    int           `name:"people" default:"300" help:"How many people work meanwhile."`
	Tasks     int           `name:"tasks" default:"100000" help:"Tasks of the company whose pages are looked at."`
	Ledger    int           `name:"ledger" default:"1000000" help:"Entries in the ledger of that company, about."`
	Staff     int           `name:"staff" default:"200" help:"Workers of that company."`
	Requests  int           `name:"requests" default:"60" help:"How often each page is asked for."`
}

// check refuses sizes with which there is nothing to measure.
func (s benchSize) check() error {
	for name, n := range map[string]int{"rounds": s.Rounds, "workers": s.Workers, "entries": s.Entries, "kills": s.Kills, "processes": s.Processes, "days-off": s.DaysOff,
		"people": s.People, "tasks": s.Tasks, "ledger": s.Ledger, "staff": s.Staff, "requests": s.Requests} {
		if n < 1 {
			return fmt.Errorf("--%s is %d; use 1 or more", name, n)
		}
	}
	return nil
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
		{"pages", "the server's time for each page of a company with many tasks and a long ledger, and what its pages weigh", measurePages},
	}
}

// measuring is a run of one benchmark.
type measuring struct {
	benchSize
	server *benchServer
	notes  []string
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
	// round; all zero where there is no ceiling.
	Ceiling       string  `json:"ceiling,omitempty"`
	CeilingMedian float64 `json:"ceiling_median,omitempty"`
	Ratio         float64 `json:"ratio,omitempty"`
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
	pool, closeAll, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	var reports []report
	for _, b := range chosen {
		found, err := c.measure(ctx, b, &benchServer{admin: pool})
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
	m := &measuring{benchSize: c.benchSize, server: server}
	defer func() { err = errors.Join(err, server.dropAll(context.WithoutCancel(ctx))) }()
	settings, err := server.describe(ctx)
	if err != nil {
		return report{}, err
	}
	m.note("%s; %d processors", settings, runtime.NumCPU())
	rows, err := b.run(ctx, m)
	return report{Name: b.name, Measures: b.measures, Rows: rows, Notes: m.notes}, err
}

// noteLoad looks how busy the machine is with something else, just before a round, and says so below the results if it is too busy.
func (m *measuring) noteLoad(ctx context.Context, round int) error {
	busy, known, err := busyShare(ctx, time.Second)
	if err != nil || !known {
		return err
	}
	if busy > tooBusy {
		m.note("WARNING: before round %d something else had %.0f%% of the processors; measure again when the machine is quiet", round, busy*100)
	}
	slog.InfoContext(ctx, "round", "number", round, "busy with something else", fmt.Sprintf("%.0f%%", busy*100))
	return nil
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
	fmt.Fprintln(table, "WHAT\tMEDIAN\tLOWEST\tP99\tOF\tCEILING\tMEDIAN\tRATIO")
	for _, w := range r.Rows {
		fmt.Fprintf(table, "%s\t%.3f %s\t%.3f\t%.3f\t%d\t", w.What, w.Median, w.Unit, w.Lowest, w.P99, w.Of)
		if w.Ceiling == "" {
			fmt.Fprint(table, "-\t-\t-\n")
			continue
		}
		fmt.Fprintf(table, "%s\t%.3f %s\t%.2f\n", w.Ceiling, w.CeilingMedian, w.Unit, w.Ratio)
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
