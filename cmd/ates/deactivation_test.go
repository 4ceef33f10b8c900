package main

import (
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/jobs"
	"ates/jobs/jobstest"
)

// TestAWorkerWhoLeavesIsOutAtOnceAndPaid deactivates a worker who has two pages open, a task in hand and money coming.
func TestAWorkerWhoLeavesIsOutAtOnceAndPaid(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := start(t, demo(database))
	someTask(t, database, "worker", true)
	manager, admin := signIn(t, p.address, "manager"), signIn(t, p.address, "admin")
	leaving := idOf(t, pool, "worker-2")
	held := moneyAndATask(t, manager, pool, leaving)

	tasks, balance := enter(t, p.address, "worker-2"), enter(t, p.address, "worker-2")
	live := `document.querySelector("#live-state").dataset.state === "live"`
	tasks.Wait(live)
	balance.Open(p.address + "/balance")
	balance.Wait(live)
	_, page := admin.get("/people/" + leaving + "/deactivate")
	begin := time.Now()
	status, body := admin.post("/people/"+leaving+"/deactivate", url.Values{"idempotency_key": {hidden(t, page, "idempotency_key")}, "seen": {hidden(t, page, "seen")}})
	require.Equal(t, http.StatusOK, status, body)
	for _, tab := range []interface {
		Do(...chromedp.Action[chromedp.Void])
	}{tasks, balance} {
		tab.Do(chromedp.WaitReady(chromedp.CSS("input[name=password]")))
	}
	t.Logf("both pages were signed out %v after the form was sent", time.Since(begin).Round(time.Millisecond))

	require.Equal(t, held, number(t, pool, "select count(*) from tracker.tasks where status = 'open' and assignee = $1", leaving), "open tasks stay")
	jobstest.Idle(t, pool, 30*time.Second)
	status, body = manager.post("/tasks/assign", url.Values{"idempotency_key": {"after"}})
	require.Equal(t, http.StatusOK, status, body)
	require.Zero(t, number(t, pool, "select count(*) from tracker.tasks where status = 'open' and assignee = $1", leaving), "until the next draw")
	jobstest.Idle(t, pool, 30*time.Second)
	owed := number(t, pool, "select balance from accounting.accounts where id = $1", leaving)
	require.Positive(t, owed)
	p.end(syscall.SIGTERM)

	start(t, append(demo(database), "ATES_CLOCK_OFFSET=24h"))
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books(), Now: func() time.Time { return time.Now().Add(24 * time.Hour) }})
	require.NoError(t, err)
	require.NoError(t, bus.Do(t.Context(), jobs.CloseDay(jobstest.Books())))
	require.Eventually(t, func() bool {
		return number(t, pool, "select coalesce(sum(amount), 0) from accounting.transfers where kind = 'payout' and wallet = $1", leaving) == owed
	}, 30*time.Second, 20*time.Millisecond, "the wallet is paid")
}

// moneyAndATask has tasks created and resolved until a worker's balance is above zero and a task is open with them; it returns how
// many are.
func moneyAndATask(t *testing.T, manager *person, pool *pgxpool.Pool, worker string) (held int) {
	t.Helper()
	for i := range 200 {
		status, body := manager.post("/tasks", url.Values{"idempotency_key": {"work " + strconv.Itoa(i)}, "description": {"Work"}})
		require.Equal(t, http.StatusOK, status, body)
		jobstest.Idle(t, pool, 30*time.Second)
		held = number(t, pool, "select count(*) from tracker.tasks where status = 'open' and assignee = $1", worker)
		if held == 0 {
			continue
		}
		// As if the day had gone well so far: what is in hand but one is done.
		for n := held; n > 1 || number(t, pool, "select balance from accounting.accounts where id = $1", worker) <= 0 && n > 0; n-- {
			var id string
			require.NoError(t, pool.QueryRow(t.Context(), "select id::text from tracker.tasks where status = 'open' and assignee = $1 limit 1", worker).Scan(&id))
			status, body := manager.post("/tasks/"+id+"/resolve", url.Values{"idempotency_key": {"resolve " + id}})
			require.Equal(t, http.StatusOK, status, body)
			jobstest.Idle(t, pool, 30*time.Second)
		}
		held = number(t, pool, "select count(*) from tracker.tasks where status = 'open' and assignee = $1", worker)
		if held > 0 && number(t, pool, "select balance from accounting.accounts where id = $1", worker) > 0 {
			return held
		}
	}
	t.Fatal("the worker did not earn anything in 200 tasks")
	return 0
}
