package jobs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
)

func theFlow() flow {
	return newFlow(accounting.Books{Zone: time.UTC, Unit: 100}, accounting.InBooks{}, true)
}

// The flow is the place to see what happens because of what, so an event that is not in it has been forgotten.
func TestEveryEventHasOneLineInTheFlow(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	for _, rule := range theFlow() {
		lines[rule.on.EventName()]++
	}
	declared := declaredEvents(t)
	require.Greater(t, len(declared), 5)
	for name, where := range declared {
		require.Equal(t, 1, lines[name], "%s of %s needs one line in newFlow, without jobs when nobody needs it", name, where)
		delete(lines, name)
	}
	require.Empty(t, lines, "no context tells these events")
}

// declaredEvents finds the names of the events that the contexts declare, with the types that have them.
func declaredEvents(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../domain/*/*.go")
	require.NoError(t, err)
	events := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "EventName" {
				continue
			}
			name := string(source[f.Body.Lbrace : f.Body.Rbrace-1])
			_, name, ok = strings.Cut(name, `"`)
			require.True(t, ok, "%s: EventName returns its name as it is", file)
			name, _, _ = strings.Cut(name, `"`)
			where := parsed.Name.Name + "." + string(source[f.Recv.List[0].Type.Pos()-1:f.Recv.List[0].Type.End()-1])
			require.NotContains(t, events, name, "%s and %s have the same name", events[name], where)
			events[name] = where
		}
	}
	return events
}

func TestKindsOfJobs(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for _, r := range theFlow().reactions() {
		require.False(t, kinds[r.kind], "two reactions are of the kind %s", r.kind)
		kinds[r.kind] = true
		require.Contains(t, queues, r.queue, "%s: nobody works on its queue", r.kind)
	}
	for _, c := range chores(accounting.Books{Zone: time.UTC, Unit: 100}) {
		require.False(t, kinds[c.kind], "%s is a reaction and a chore", c.kind)
		kinds[c.kind] = true
	}
	for _, landed := range []string{"tracker_learn_people", "accounting_learn_people", "price_tasks", "withdraw_money", "deposit_money",
		"refresh_tasks", "refresh_daily_balances", "forget_changes", "sweep_expired", "rotate_signing_key", "revive_jobs",
		"close_day", "close_next_day", "reset_balance", "commit_payout", "pay_out_day", "notify_balances", "verify_books"} {
		require.True(t, kinds[landed], "jobs of the kind %s may wait in somebody's database", landed)
	}
	var names []string
	for name := range queues {
		names = append(names, name)
	}
	require.ElementsMatch(t, names, Queues())
}

func TestEventsAreCutIntoJobs(t *testing.T) {
	t.Parallel()
	batch := uuid.New()
	var events []domain.Envelope
	for i := range 1201 { // every other one for another reaction, with gaps between their positions
		events = append(events, domain.Envelope{Position: int64(10 * (2*i + 1)), Name: "Task.Priced"}, domain.Envelope{Position: int64(10 * (2*i + 2)), Name: "Account.BalanceChanged"})
	}
	cut := map[string][][2]int64{}
	for _, job := range theFlow().jobsFor(batch, events) {
		args := job.Args.(*reactionArgs)
		require.Equal(t, batch, args.Batch)
		cut[args.Kind()] = append(cut[args.Kind()], [2]int64{args.First, args.Last})
	}
	require.Equal(t, map[string][][2]int64{
		"refresh_tasks":          {{10, 9990}, {10010, 19990}, {20010, 24010}},
		"refresh_daily_balances": {{20, 10000}, {10020, 20000}, {20020, 24020}},
	}, cut, "each event is in one job of each reaction, and a job has 500 at most")
	require.Empty(t, theFlow().jobsFor(batch, []domain.Envelope{{Position: 1, Name: "Weather.Changed"}}), "nobody needs it")
}

// Commands that share a transaction share jobs too, of the kinds that can tell what follows from which.
func TestEventsOfSeveralCommandsShareJobsWhereTheirKindCan(t *testing.T) {
	t.Parallel()
	var events []domain.Envelope
	for i := range 3 {
		command := uuid.New()
		events = append(events, domain.Envelope{Position: int64(2*i + 1), Name: "Task.Created", CorrelationID: command}, domain.Envelope{Position: int64(2*i + 2), Name: "Tasks.Drawn", CorrelationID: command})
	}
	type part struct {
		first, last int64
		joint       bool
	}
	cut := map[string][]part{}
	for _, job := range theFlow().jobsFor(uuid.New(), events) {
		args := job.Args.(*reactionArgs)
		cut[args.Kind()] = append(cut[args.Kind()], part{args.First, args.Last, args.Joint})
	}
	require.Equal(t, map[string][]part{
		"price_tasks": {{1, 5, true}}, "refresh_tasks": {{1, 5, true}}, "notify_given": {{1, 5, true}},
		"refresh_draws": {{2, 2, false}, {4, 4, false}, {6, 6, false}}, "notify_draw": {{2, 2, false}, {4, 4, false}, {6, 6, false}},
	}, cut)
}
