package main

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestATaskTellsItsStoryWithTheMoneyItMoved is day 1 of the worked example, as everybody may read it.
func TestATaskTellsItsStoryWithTheMoneyItMoved(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	task := f.given(f.ann, 15, 30)
	f.moved(f.bob)
	manager, ann, bob := f.name(f.manager), f.name(f.ann), f.name(f.bob)

	worker := f.as("worker")
	page := f.page(worker, "/tasks/"+task.String())
	require.Regexp(t, "Drawn anew: from "+ann+" to "+bob+" .{2} "+manager+" Mar 1, 2026, 09:00 UTC assignment 2 See the draw −\\$15.00 Fee charged to "+bob+" booked 0 ms later", textOf(t, page, "story"))
	require.Regexp(t, "Drawn for "+ann+" .*assignment 1 −\\$15.00 Fee charged to "+ann, textOf(t, page, "story"))
	require.Equal(t, "2 fees × $15.00 +$30.00 The company has earned so far +$30.00 Once the reward of $30.00 is paid $0.00", textOf(t, page, "task-sums"))

	f.resolved(task)
	page = f.page(worker, "/tasks/"+task.String())
	require.Contains(t, textOf(t, page, "story"), "+$30.00 Reward paid to "+bob)
	require.Equal(t, "2 fees × $15.00 +$30.00 Reward paid −$30.00 The company earned $0.00", textOf(t, page, "task-sums"))

	// A story that is longer than a page goes on, and every part of it has its entries.
	long := f.given(f.ann, 10, 20)
	for range 13 {
		f.moved(f.bob)
		f.moved(f.ann)
		f.moved(f.bob)
		f.moved(f.ann)
	}
	page = f.page(worker, "/tasks/"+long.String())
	require.Contains(t, textOf(t, page, "story"), "assignment 53 See the draw −$10.00 Fee charged to "+ann)
	require.NotContains(t, textOf(t, page, "story"), "assignment 3 ")
	older := linksTo(page, "/tasks/"+long.String()+"?before=")
	require.Len(t, older, 1)
	page = f.page(worker, older[0])
	require.Contains(t, textOf(t, page, "story"), "assignment 3 See the draw −$10.00 Fee charged to "+ann)
	require.Contains(t, textOf(t, page, "task-sums"), "53 fees × $10.00 +$530.00")
	status, _ := worker.get("/tasks/" + long.String() + "?before=soon")
	require.Equal(t, http.StatusUnprocessableEntity, status)
}

// TestABalanceSaysWhy looks for yesterday's payout and for the reason of a debt.
func TestABalanceSaysWhy(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	task := f.given(f.ann, 15, 30)
	f.moved(f.bob)
	f.resolved(task)
	f.at("2026-03-02T00:01:00Z")
	f.sweep()
	f.given(f.ann, 12, 25)
	manager := f.name(f.manager)

	bob := f.as("worker-2")
	page := f.page(bob, "/balance")
	booking := strconv.Itoa(number(t, f.pool, "select id from accounting.transfers where kind = 'payout' and wallet = $1", f.bob.ID))
	require.Equal(t, "Yesterday's payout $15.00 paid For Sunday, March 1, 2026. Left the books on Mar 2, 2026, 00:01 UTC, booking "+booking+". How it came about All payouts",
		textOf(t, page, "yesterdays-payout"))
	require.Contains(t, textOf(t, page, "day-2026-03-01"), "Payout Payout for Sunday, March 1, 2026 Left the books on Mar 2, 2026, 00:01 UTC, booking "+booking)
	require.Contains(t, textOf(t, page, "day-2026-03-01"), "Reward for T-1 POPUG-42 =1+1 Resolved by "+manager+" at 09:00 +$30.00 $15.00")
	for _, link := range append(linksTo(page, "/audit"), linksTo(page, "/tasks/"+task.String())...) {
		f.page(bob, link)
	}

	ann := f.as("worker")
	page = f.page(ann, "/balance")
	owed := "You owed $15.00, in debt since Mar 1, 2026 : it is carried from day to day until rewards cover it."
	require.Contains(t, textOf(t, page, "yesterdays-payout"), "$0.00 Nothing was paid out for Sunday, March 1, 2026: it ended at −$15.00, which is carried.")
	require.Contains(t, textOf(t, page, "day-2026-03-02"), "Fee for T-2, assignment 1 POPUG-42 =1+1 Drawn for you by "+manager+" at 00:01 −$12.00 −$27.00")
	require.Contains(t, textOf(t, page, "day-2026-03-02"), "Carried "+owed+" −$15.00")
	require.Contains(t, page, `href="/balance?day=2026-03-01"`)

	page = f.page(ann, "/balance?day=2026-03-01")
	require.Contains(t, textOf(t, page, "day-2026-03-01"), "Fee for T-1, assignment 1")
	require.NotContains(t, page, `id="day-2026-03-02"`, "it begins with the day that was asked for")
	page = f.page(f.as("worker-3"), "/balance?day=2026-03-01")
	require.Contains(t, textOf(t, page, "day-2026-03-01"), "Nothing was booked on this day.")
	for _, day := range []string{"2020-01-01", "2026-03-03", "yesterday"} {
		status, _ := ann.get("/balance?day=" + day)
		require.Equal(t, http.StatusUnprocessableEntity, status, day)
	}
}
