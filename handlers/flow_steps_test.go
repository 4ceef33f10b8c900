package handlers

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/sql/dbsqlc"
	"ates/views"
)

var begin = time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }

// drawn is a draw of 1,000 tasks whose fees are booked by two jobs, of which the second has still to be tried again.
func drawn() (flowFacts, uuid.UUID) {
	command, run, shown := uuid.New(), uuid.New(), uuid.New()
	done := at(30)
	return flowFacts{
		command: dbsqlc.FindCommandRow{ID: command, Name: "tracker.AssignTasks", OccurredAt: begin, DoneAt: &done},
		sums: []dbsqlc.SumFlowRow{
			{Batch: command, Name: "Task.Assigned", Producer: "tracker", Events: 1000, First: 1, Last: 1000, OccurredAt: begin, Cause: command},
			{Batch: run, Name: "Account.BalanceChanged", Producer: "accounting", Events: 500, First: 1001, Last: 1500, OccurredAt: at(40), Cause: uuid.New()},
		},
		runs: []dbsqlc.ListRunsRow{
			{Told: run, Job: 7, Kind: "withdraw_money", Queue: "money", Attempt: 1, Events: 500, Batch: command, First: 1, Last: 500, OccurredAt: begin, BeganAt: at(40), EndedAt: at(90)},
			{Told: shown, Job: 9, Kind: "refresh_daily_balances", Queue: "read_models", Attempt: 2, Events: 500, Batch: run, First: 1001, Last: 1500, OccurredAt: at(40), BeganAt: at(100), EndedAt: at(104)},
		},
		open:    []Job{{ID: 8, Kind: "withdraw_money", Queue: "money", State: "retryable", Attempt: 3, Batch: command, First: 501, Last: 1000, Error: "deadlock detected\nand more"}},
		entries: []dbsqlc.SumEntriesRow{{Kind: "fee", EventName: "Task.Assigned", BookedAt: at(40), Transfers: 500, Amount: 750000}},
		reactions: map[string][]string{
			"withdraw_money": {"Task.Assigned"}, "refresh_daily_balances": {"Account.BalanceChanged"},
		},
	}, run
}

// causesOf are the names of the steps of a flow, each with those of what led to it.
func causesOf(steps []*step) map[string][]string {
	all := map[string][]string{}
	for _, s := range steps {
		causes := []string{}
		for _, cause := range s.Causes {
			causes = append(causes, steps[cause].Name)
		}
		all[s.Name] = causes
	}
	return all
}

func TestAFlowLeadsFromTheCommandToWhatItSetOff(t *testing.T) {
	t.Parallel()
	facts, _ := drawn()
	steps := flowSteps(facts)
	require.Equal(t, map[string][]string{
		"tracker.AssignTasks": {}, "Task.Assigned": {"tracker.AssignTasks"}, "withdraw_money": {"Task.Assigned"}, "fee": {"withdraw_money"},
		"Account.BalanceChanged": {"withdraw_money"}, "refresh_daily_balances": {"Account.BalanceChanged"},
	}, causesOf(steps))
	require.Equal(t, "tracker.AssignTasks", steps[0].Name)
	require.Equal(t, 30*time.Millisecond, steps[0].Until)
	last := steps[len(steps)-1]
	require.Equal(t, views.FlowStep{
		ID: last.ID, Kind: views.FlowJob, Name: "refresh_daily_balances", Lane: views.LanePages, Queue: "read_models", Causes: last.Causes, Depth: 4, Count: 1, Done: 1,
		At: 100 * time.Millisecond, Until: 104 * time.Millisecond, Attempts: 2,
		Waited: &views.Spread{Least: 60 * time.Millisecond, Middle: 60 * time.Millisecond, Most: 60 * time.Millisecond},
		Ran:    &views.Spread{Least: 4 * time.Millisecond, Middle: 4 * time.Millisecond, Most: 4 * time.Millisecond},
	}, last.FlowStep)
}

func TestStepsThatAreAlikeAreOne(t *testing.T) {
	t.Parallel()
	facts, _ := drawn()
	for _, s := range flowSteps(facts) {
		switch s.Name {
		case "Task.Assigned":
			require.Equal(t, 1000, s.Count)
		case "fee":
			require.Equal(t, 500, s.Count)
			require.EqualValues(t, 750000, s.Amount)
		case "withdraw_money":
			require.Equal(t, []int{2, 1, 1, 3}, []int{s.Count, s.Done, s.Failing, s.Attempts})
			require.Equal(t, views.FlowFailing, s.State())
			require.Equal(t, "deadlock detected", s.Error)
			jobs, next := s.jobsAfter(facts, 7)
			require.Len(t, jobs, 1, "the page goes on behind a job")
			require.EqualValues(t, 8, jobs[0].ID)
			require.Zero(t, next)
		}
	}
}

// A batch has events of several commands where these shared a transaction; what works for the others belongs to their flows.
func TestAFlowLeavesOutTheJobsOfOthersInItsBatch(t *testing.T) {
	t.Parallel()
	facts, _ := drawn()
	shared := uuid.New()
	facts.sums[0].Batch, facts.runs[0].Batch, facts.open[0].Batch = shared, shared, shared
	before := flowSteps(facts)
	facts.open = append(facts.open, Job{ID: 10, Kind: "withdraw_money", Queue: "money", State: "retryable", Batch: shared, First: 1001, Last: 1400})
	require.Equal(t, before, flowSteps(facts))
}

func TestAStepKeepsItsNameWhileItsJobsEnd(t *testing.T) {
	t.Parallel()
	facts, _ := drawn()
	before := map[string]string{}
	for _, s := range flowSteps(facts) {
		before[s.Name] = s.ID
	}
	facts.open = nil
	for _, s := range flowSteps(facts) {
		require.Equal(t, before[s.Name], s.ID)
	}
}

// What the runs have told is still in the log when they are forgotten, with the event that caused it.
func TestAForgottenJobLeavesWhatItToldBehindItsCause(t *testing.T) {
	t.Parallel()
	facts, run := drawn()
	facts.runs, facts.open = nil, nil
	cause := facts.sums[1].Cause
	facts.causes = map[uuid.UUID]dbsqlc.WhereToldRow{cause: {ID: cause, Batch: facts.command.ID, Name: "Task.Assigned"}}
	steps := flowSteps(facts)
	require.Equal(t, map[string][]string{
		"tracker.AssignTasks": {}, "Task.Assigned": {"tracker.AssignTasks"}, "Account.BalanceChanged": {"Task.Assigned"}, "fee": {"Task.Assigned"},
	}, causesOf(steps))
	require.True(t, steps[1].Forgotten)

	facts.causes = nil
	require.Equal(t, []string{"tracker.AssignTasks"}, causesOf(flowSteps(facts))["Account.BalanceChanged"], "batch %s is left to the command", run)
}

func TestFactsSayWhatACommandWasAskedAndNoSecret(t *testing.T) {
	t.Parallel()
	facts := askedFacts(t.Context(), []byte(`{"by": {"id": "x"}, "key": "k", "login": "ann", "new_password": "s3cret", "Number": 0, "fee": 1500, "task": "00000000-0000-0000-0000-000000000000", "none": null}`))
	require.Equal(t, []views.Fact{{Name: "fee", Value: "$15.00"}, {Name: "login", Value: "ann"}, {Name: "new_password", Value: "•••"}}, facts)
	require.Empty(t, readFacts(t.Context(), []byte(`[]`)))
}
