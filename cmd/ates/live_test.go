package main

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

// enter opens the program in a real browser for a person of the demo who has signed in. How people sign in there has tests of its own.
func enter(t testing.TB, address, login string) *viewstest.Tab {
	t.Helper()
	page, err := url.Parse(address)
	require.NoError(t, err)
	cookies := signIn(t, address, login).client.Jar.Cookies(page)
	tab := viewstest.Browser(t)
	tab.SetCookies(address, cookies)
	tab.Open(address + "/")
	tab.Do(chromedp.WaitReady(chromedp.CSS("#live")))
	return tab
}

// TestTheWorkersPagesFollowTheManager is the story of the front page of the README: a manager presses Assign tasks in one
// window, and in two others the worker's tasks and balance change by themselves.
func TestTheWorkersPagesFollowTheManager(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := start(t, demo(database))
	require.Eventually(t, func() bool { return number(t, pool, "select count(*) from log.commands where key = 'demo'") == 1 }, 20*time.Second, 20*time.Millisecond)

	manager := enter(t, p.address, "manager")
	mine := enter(t, p.address, "worker")
	balance := enter(t, p.address, "worker")
	mine.Open(p.address + "/tasks/mine")
	balance.Open(p.address + "/balance")
	for _, tab := range []*viewstest.Tab{manager, mine, balance} {
		tab.Wait(`document.querySelector("#live-state").dataset.state === "live"`)
	}

	// Press until the draw has moved something of this worker's, and time each press that did from click to changed page.
	var took []time.Duration
	for range 12 {
		before := viewstest.Value[string](mine, `document.querySelector("#mine").innerText`)
		balanceBefore := viewstest.Value[string](balance, `document.querySelector("#balance").innerText`)
		watch := `(() => { window.changed = null; new MutationObserver((_, o) => { window.changed = Date.now(); o.disconnect() }).observe(document.querySelector("#%s") ?? document.body, {childList: true, subtree: true, characterData: true}) })()`
		viewstest.Value[any](mine, strings.Replace(watch, "%s", "mine", 1))
		manager.Open(p.address + "/tasks/assign")
		clicked := viewstest.Value[int64](manager, `(() => { const at = Date.now(); document.querySelector("form[action='/tasks/assign'] button").click(); return at })()`)
		manager.Wait(`location.pathname.startsWith("/tasks/draws/")`)
		worker := number(t, pool, `select count(*) from log.events e where e.name = 'Task.Assigned' and (e.data->>'assignee' = (select id::text from auth.accounts where login = 'worker') or e.data->>'previous' = (select id::text from auth.accounts where login = 'worker'))
			and e.correlation_id = (select id from log.commands where name = 'tracker.AssignTasks' order by occurred_at desc limit 1)`)
		if worker == 0 {
			continue
		}
		mine.Wait(`document.querySelector("#mine").innerText !== ` + strconv.Quote(before))
		mine.Wait(`window.changed !== null`)
		took = append(took, time.Duration(viewstest.Value[int64](mine, "window.changed")-clicked)*time.Millisecond)
		charged := number(t, pool, `select count(*) from log.events e where e.name = 'Task.Assigned' and e.data->>'assignee' = (select id::text from auth.accounts where login = 'worker')
			and e.correlation_id = (select id from log.commands where name = 'tracker.AssignTasks' order by occurred_at desc limit 1)`)
		if charged > 0 {
			balance.Wait(`document.querySelector("#balance").innerText !== ` + strconv.Quote(balanceBefore))
		}
	}
	require.NotEmpty(t, took)
	slices.Sort(took)
	t.Logf("from the manager's click to the worker's changed page: median %v, worst %v of %d", took[len(took)/2], took[len(took)-1], len(took))
}

func TestAnAdminLooksAfterJobsInRiversDashboard(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	someTask(t, database, "worker", true)
	pool := dial(t, database)
	_, err := pool.Exec(t.Context(), `update river.river_job set state = 'discarded', finalized_at = now(),
		errors = array['{"at": "2026-01-01T00:00:00Z", "attempt": 1, "error": "the bank is closed", "trace": ""}'::jsonb] where id = (select min(id) from river.river_job where kind = 'withdraw_money')`)
	require.NoError(t, err)
	id := number(t, pool, "select id from river.river_job where state = 'discarded'")

	admin := enter(t, p.address, "admin")
	admin.Open(p.address + "/ops/jobs/jobs/" + strconv.Itoa(id))
	admin.WaitText("body", "the bank is closed")
	// The dashboard's own button; that its scripts and styles are let through, the browser would complain about otherwise.
	admin.Do(chromedp.Click(chromedp.Search(`//button[contains(., "Retry")]`), chromedp.NodeVisible))
	require.Eventually(t, func() bool {
		return number(t, pool, "select count(*) from river.river_job where id = $1 and state = 'completed'", id) == 1
	}, viewstest.Patience, 20*time.Millisecond, "retried, and booked what had been booked already without a second fee")
	require.Zero(t, number(t, pool, "select count(*) from (select 1 from accounting.transfers where kind = 'fee' group by task, assignment having count(*) > 1) twice"))
	p.says(t, regexp.MustCompile("an admin acted on jobs"))
}
