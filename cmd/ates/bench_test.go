package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs"
	"ates/sql/sqltest"
)

func TestBenchWithoutANameListsWhatCanBeMeasured(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"bench"}, &out, &errs))
	for _, b := range benchmarks() {
		require.Contains(t, out.String(), b.name+" ")
		require.Contains(t, out.String(), b.measures)
	}
	require.ErrorContains(t, run(t.Context(), []string{"bench", "levitation"}, &out, &errs), `no benchmark "levitation"`)
	require.ErrorContains(t, run(t.Context(), []string{"bench", "close", "--rounds=0"}, &out, &errs), "--rounds is 0")
}

// TestTheCloseIsMeasuredAgainstItsFloor also tries that both write the same rows, which the benchmark itself compares.
func TestTheCloseIsMeasuredAgainstItsFloor(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"bench", "close", "--json", "--busy", "--rounds=2", "--workers=60", "--entries=600", "--database-url", database}, &out, &errs))
	var printed struct {
		Benchmarks []struct {
			Name  string
			Rows  []row
			Notes []string
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.Len(t, printed.Benchmarks, 1)
	measured := printed.Benchmarks[0]
	require.Equal(t, "close", measured.Name)
	require.Len(t, measured.Rows, 3)
	for _, r := range measured.Rows {
		require.Equal(t, 2, r.Of, r.What)
		require.Positive(t, r.Lowest, r.What)
		require.LessOrEqual(t, r.Lowest, r.Median, r.What)
		require.LessOrEqual(t, r.Median, r.P99, r.What)
		require.Positive(t, r.Ratio, r.What)
		require.NotEmpty(t, r.Ceiling, r.What)
	}
	require.Contains(t, strings.Join(measured.Notes, "\n"), "60 closings")
	require.Zero(t, number(t, dial(t, database), "select count(*) from accounting.days"), "the given database stays as it is")
}

// TestEveryBenchmarkMeasuresWhatItSays is the short form of them, in one program on one server, whatever else the machine is busy
// with; growth has the pages in it. Each compares or verifies by itself what the program and its ceiling wrote.
func TestEveryBenchmarkMeasuresWhatItSays(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), plain(t), "bench", "commands", "booking", "latency", "assign", "streams", "rebuild", "growth", "--json", "--busy", "--rounds=1",
		"--commands=24", "--clients=3", "--processes=2", "--backlog=400", "--clicks=3", "--crew=10", "--open=20,60", "--streams=40", "--events=4500", "--growth-from=4000", "--growth-to=4500", "--requests=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // so that it ends its own processes
	cmd.Env = append(os.Environ(), "DATABASE_URL="+sqltest.URL(t))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(t, err, errs.String())
	var printed struct {
		Benchmarks []struct {
			Name string
			Rows []row
		}
	}
	require.NoError(t, json.Unmarshal(out, &printed))
	rows := map[string]int{"commands": 3, "booking": 2, "latency": 12, "assign": 5, "streams": 5, "rebuild": 2}
	require.Len(t, printed.Benchmarks, len(rows)+1)
	for _, b := range printed.Benchmarks {
		if b.Name == "growth" {
			require.Greater(t, len(b.Rows), 30)
		} else {
			require.Len(t, b.Rows, rows[b.Name], b.Name)
		}
		for _, r := range b.Rows {
			require.Positive(t, r.Of, r.What)
			if r.What == "streams dropped" {
				require.Zero(t, r.P99, r.What)
				continue
			}
			require.LessOrEqual(t, r.Lowest, r.Median, r.What)
			require.LessOrEqual(t, r.Median, r.P99, r.What)
			require.Equal(t, r.Ceiling != "", r.Ratio > 0, r.What)
		}
	}
}

func TestABusyMachineIsSeenAndTold(t *testing.T) {
	t.Parallel()
	before := load{idle: 100, all: 1000, measured: 50}
	require.InDelta(t, 0.1, load{idle: 150, all: 1100, measured: 90}.elsewhere(before), 1e-9, "of 100 ticks 50 were idle and 40 were for what is measured")
	require.Zero(t, load{idle: 110, all: 1100, measured: 150}.elsewhere(before), "never less than nothing")
	require.ErrorContains(t, errBusy("before round 2", 0.43), "before round 2 something else had 43% of the processors")

	family := map[int]process{1: {0, 5}, 10: {1, 7}, 11: {10, 2}, 12: {11, 3}, 20: {1, 100}}
	require.EqualValues(t, 12, ticksOf(family, []int{10}), "with children and theirs")
	require.EqualValues(t, 105, ticksOf(family, []int{11, 20, 12}), "each once")
}

// TestEverybodyIsPaidOnceWhateverIsKilled is the short form of "ates bench close-kill --kills 20", in processes that are killed.
func TestEverybodyIsPaidOnceWhateverIsKilled(t *testing.T) {
	t.Parallel()
	p := launch(t, plain(t), []string{"DATABASE_URL=" + sqltest.URL(t)}, "bench", "close-kill", "--kills=3", "--workers=2000", "--entries=4000", "--days-off=2")
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute):
		p.end(syscall.SIGTERM) // so that it ends its own processes
		t.Fatalf("the days were not closed in time:\n%s", p.logged())
	}
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.logged())
	require.Equal(t, 3, strings.Count(p.logged(), "msg=killed"), p.logged())
	require.Regexp(t, `3 kills over [123] closes of 2 days.*: after each close every wallet had been closed once`, p.logged())
}

// TestNothingIsLostOrDoubledInChaos is the short form of "ates bench chaos --during=30m".
func TestNothingIsLostOrDoubledInChaos(t *testing.T) {
	t.Parallel()
	p := launch(t, plain(t), []string{"DATABASE_URL=" + sqltest.URL(t)}, "bench", "chaos", "--during=8s", "--people=12")
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute):
		p.end(syscall.SIGTERM) // so that it ends its own processes
		t.Fatalf("it was not over in time:\n%s", p.logged())
	}
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.logged())
	require.Positive(t, strings.Count(p.logged(), "msg=suffered"), p.logged())
	require.Regexp(t, `[1-9]\d* commands were done`, p.logged())
	require.Contains(t, p.logged(), "0 answered commands were lost, 0 effects doubled, nothing refused left a trace; the books were verified")
}

func TestTheProofOfChaosFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	pool := dial(t, database)
	_, err := pool.Exec(t.Context(), `insert into auth.accounts (id, login, name, email, role, status, version, created_at, updated_at)
		values ('00000000-0000-0000-0000-00000000000a', 'ann', 'Ann', 'ann@popug.example', 'worker', 'active', 1, now(), now())`)
	require.NoError(t, err)
	require.NoError(t, proveDeeds(t.Context(), pool, []wish{{key: "1", command: "tracker.CreateTask", by: "ann", about: "Task", told: refused}, {key: "2", command: "tracker.CreateTask", by: "ann", about: "Other"}}))
	require.ErrorContains(t, proveDeeds(t.Context(), pool, []wish{{key: "1", command: "tracker.CreateTask", by: "ann", about: "Task", told: done}}), "lost")
	_, err = pool.Exec(t.Context(), `insert into log.commands (id, name, actor, key, input, outcome, request_id, occurred_at)
		values (gen_random_uuid(), 'tracker.CreateTask', '00000000-0000-0000-0000-00000000000a', '1', '{}', '{}', '', now())`)
	require.NoError(t, err)
	require.ErrorContains(t, proveDeeds(t.Context(), pool, []wish{{key: "1", command: "tracker.CreateTask", by: "ann", about: "Task", told: refused}}), "refused and done all the same")
	require.ErrorContains(t, proveDeeds(t.Context(), pool, []wish{{key: "1", command: "tracker.CreateTask", by: "ann", about: "Task"}}), "half done: 0 events")
}

func TestTheProofOfACloseFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	address := sqltest.URL(t)
	db, pool := benchDatabase{address: address}, dial(t, address)
	require.NoError(t, fillDay(t.Context(), db, benchSize{Workers: 20, Entries: 400}, benchDay))
	expected, err := expectClose(t.Context(), pool, benchDay, 1)
	require.NoError(t, err)
	require.ErrorContains(t, expected.prove(t.Context(), pool), "and was reset by 0")

	company, err := openCompany(t.Context(), db, benchDay.Add(25*time.Hour))
	require.NoError(t, err)
	require.NoError(t, company.bus.Do(t.Context(), jobs.CloseDay(benchBooks())))
	require.NoError(t, company.idle(t.Context(), 30*time.Second))
	require.NoError(t, company.close())
	require.NoError(t, expected.prove(t.Context(), pool))

	const unguarded = "set session_replication_role = replica; "
	for wrong, change := range map[string]string{
		"paid 0 and left": "delete from accounting.transfers where id = (select id from accounting.transfers where kind = 'payout' order by id limit 1)",
		"workers, days and channels with a message:": "delete from accounting.messages where id = (select min(id) from accounting.messages)",
		"wallets closed for a day:":                  "delete from accounting.closings where wallet = (select wallet from accounting.closings order by wallet limit 1)",
		"events of a payout:":                        "delete from log.events where position = (select max(position) from log.events where name = 'Account.PayoutCommitted')",
		"the books are not sound:":                   "update accounting.daily_balances set fees = fees + 1",
	} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), unguarded+change)
		require.NoError(t, err)
		require.ErrorContains(t, expected.prove(t.Context(), tx), wrong)
		require.NoError(t, tx.Rollback(t.Context()))
	}
	require.NoError(t, expected.prove(t.Context(), pool))
}

func TestPercentilesAreFiguresThatWereMeasured(t *testing.T) {
	t.Parallel()
	figures := make([]float64, 200)
	for i, at := range rand.Perm(len(figures)) {
		figures[i] = float64(at + 1)
	}
	require.Equal(t, []float64{1, 100, 198, 200}, []float64{percentile(figures, 0), percentile(figures, 50), percentile(figures, 99), percentile(figures, 100)})
	require.Equal(t, 7.0, percentile([]float64{7}, 99))
	r := newRow("x", "s", []float64{2, 9, 4}).against("floor", []float64{2, 9, 4}, []float64{1, 3, 1})
	require.InDelta(t, 3, r.Ratio, 0, "of the rounds' own ratios 2, 3 and 4")
	require.InDelta(t, 1, r.CeilingMedian, 0)
}
