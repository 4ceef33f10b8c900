package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/views/viewstest"
)

// follows is true on a page whose stream is there.
const follows = `document.querySelector("#live-state").dataset.state === "live"`

// uuids are what tells pages of one kind apart.
var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// day is a business day of a company, as its people go through it one after the other.
type day struct {
	t        *testing.T
	database string
	pool     *pgxpool.Pool
	p        *program
	// seen are the kinds of page that have been looked at.
	seen map[string]bool
}

// in is somebody at a desk in a part of the day. What moves on pages does not move for them, as it would be looked at half-way.
func (d *day) in(t *testing.T, login string) *viewstest.Tab {
	t.Helper()
	tab := enter(t, d.p.address, login)
	tab.Look(viewstest.Look{Width: 1280, Height: 900, Still: true})
	return tab
}

// see waits for a page by its heading, and looks at it: it fits, and what is on the first of its kind is accessible. What all pages have
// around it is examined in package views.
func (d *day) see(t testing.TB, tab *viewstest.Tab, heading string) {
	t.Helper()
	tab.WaitText("h1", heading)
	tab.Wait(follows)
	tab.FitsSideways()
	kind := uuids.ReplaceAllString(viewstest.Value[string](tab, "location.pathname"), "{id}")
	if !d.seen[kind] {
		d.seen[kind] = true
		tab.Accessible("main")
	}
}

// given has a manager create tasks until the draw gives one to somebody. It returns how people call it.
func given(t testing.TB, pool *pgxpool.Pool, manager *person, login, description string) (id, name string) {
	t.Helper()
	for n := range 200 {
		status, body := manager.post("/tasks", url.Values{"idempotency_key": {fmt.Sprint(description, n)}, "description": {description}})
		require.Equal(t, http.StatusOK, status, body)
		err := pool.QueryRow(t.Context(), `select t.id::text, 'T-' || t.number from tracker.tasks t join auth.accounts a on a.id = t.assignee
			where a.login = $1 and t.description = $2`, login, description).Scan(&id, &name)
		if err == nil {
			jobstest.Idle(t, pool, 30*time.Second)
			return id, name
		}
	}
	t.Fatalf("%s is never drawn", login)
	return "", ""
}

// amount is the JavaScript that reads the money that an element shows, in whole units.
func amount(selector string) string {
	return fmt.Sprintf(`Number(document.querySelector(%q).innerText.replace("−", "-").replace(/[^-.\d]/g, ""))`, selector)
}

// TestADayOfEveryRole goes through a day and the next morning with each role in turn, while others watch.
func TestADayOfEveryRole(t *testing.T) {
	t.Parallel()
	d := &day{t: t, database: demoCompany.URL(t), seen: map[string]bool{}}
	d.pool = dial(t, d.database)
	d.p = start(t, demo(d.database))
	someTask(t, d.database, "worker", true)
	jobstest.Idle(t, d.pool, 30*time.Second)
	for _, part := range []struct {
		name string
		run  func(*day, *testing.T)
	}{
		{"manager", (*day).managers}, {"worker", (*day).workers}, {"top-manager", (*day).topManagers}, {"admin", (*day).admins},
		{"the worker on the next morning", (*day).nextMorning},
	} {
		require.True(t, t.Run(part.name, func(t *testing.T) { part.run(d, t) }))
	}
	t.Logf("looked at %d kinds of page", len(d.seen))
}

func (d *day) managers(t *testing.T) {
	worker := d.in(t, "worker")
	worker.Open(d.p.address + "/tasks?q=perch+green")
	d.see(t, worker, "Tasks")
	manager := d.in(t, "manager")

	manager.Click(`#menu a[href="/accounting"]`)
	d.see(t, manager, "Accounting")
	manager.Press("c")
	manager.Wait(`document.activeElement.id === "description"`)
	manager.Press("Paint the perch green\r")
	manager.WaitText("#toasts [role=status]", "has been created.")
	require.Equal(t, "/accounting", viewstest.Value[string](manager, "location.pathname"), "one stays where one is")
	worker.WaitText("#board tbody", "Paint the perch green")

	manager.Press("gb")
	d.see(t, manager, "Tasks")
	manager.Click("a[data-dialog]")
	manager.WaitText("#dialog #assign .lead", "8 active workers")
	manager.Click("#assign .primary")
	manager.WaitText("#draw [role=status]", "Done")
	d.see(t, manager, "Draw of ")
	manager.Click(".crumbs a")
	d.see(t, manager, "Draws")
	manager.Wait(`document.querySelectorAll("#draws tbody tr").length === 2`)

	manager.Press("gb")
	manager.WaitText("h1", "Tasks")
	manager.Press("/")
	manager.Press("perch green")
	manager.Wait(`document.querySelectorAll("#board tbody tr").length === 1`)
	worker.WaitText("#board tbody .cell-status", "Open")
	manager.Click("#board tbody [data-resolve]")
	manager.WaitText("#toasts [role=status]", "The task is resolved.")
	worker.WaitText("#board tbody .cell-status", "Resolved")
	require.Equal(t, "?q=perch+green", viewstest.Value[string](manager, "location.search"), "the search is still there")

	jobstest.Idle(t, d.pool, 30*time.Second)
	manager.Press("\x1b")
	manager.Click(`#menu a[href="/accounting"]`)
	d.see(t, manager, "Accounting")
	file := viewstest.Value[string](manager, `fetch(document.querySelector("main a[download]").href).then(answer => answer.text())`)
	rows := strings.Fields(file)
	earned := fmt.Sprintf("%.2f", viewstest.Value[float64](manager, amount("#total-earned")))
	require.True(t, strings.HasSuffix(rows[len(rows)-1], ","+earned), "the file ends with what the page says was earned, %s: %s", earned, rows[len(rows)-1])
}

func (d *day) workers(t *testing.T) {
	manager := signIn(t, d.p.address, "manager")
	top, watching := d.in(t, "top-manager"), d.in(t, "worker")
	worker := watching.Another()
	worker.Look(viewstest.Look{Width: 1280, Height: 900, Still: true})
	worker.Open(d.p.address + "/tasks/mine")
	d.see(t, worker, "My tasks")
	watching.Open(d.p.address + "/balance")
	d.see(t, watching, "Balance")
	top.Open(d.p.address + "/analytics")
	d.see(t, top, "Analytics")

	const count = `Number(document.querySelector("#bell .bell-count")?.textContent ?? 0)`
	before := viewstest.Value[int](worker, count)
	id, name := given(t, d.pool, manager, "worker", "Look for the lost feather")
	worker.Wait(fmt.Sprintf("%s === %d", count, before+1))
	worker.Click("#bell a")
	d.see(t, worker, "Notifications")
	worker.Click(".told-unread .told-what a")
	worker.Wait(fmt.Sprintf(`location.pathname === "/tasks/%s"`, id))
	d.see(t, worker, "Task "+name)
	worker.Wait(fmt.Sprintf("%s === %d", count, before))

	balance, earned := viewstest.Value[float64](watching, amount("#current-balance")), viewstest.Value[float64](top, amount("#earned-today"))
	reward := float64(number(t, d.pool, "select reward from tracker.board where task = $1", id)) / 100
	worker.Press("gm")
	worker.WaitText("h1", "My tasks")
	worker.Press("j")
	worker.Wait(fmt.Sprintf(`document.activeElement.closest("tr")?.id === "task-%s"`, id))
	worker.Press("e")
	worker.WaitText("#toasts [role=status]", "The task is resolved.")
	worker.Wait(fmt.Sprintf(`!document.getElementById("task-%s")`, id))
	watching.Wait(fmt.Sprintf("Math.abs(%s - %f) < 0.005", amount("#current-balance"), balance+reward))
	top.Wait(fmt.Sprintf("Math.abs(%s - %f) < 0.005", amount("#earned-today"), earned-reward))

	// Why is it what it is? From the line to the task, and from the line to its cause.
	line := ".entry-reward"
	watching.WaitText(line, "Reward for "+name)
	watching.WaitText(line, "Resolved by you")
	watching.Click(line + " .cell-text > a")
	d.see(t, watching, "Task "+name)
	watching.WaitText("#story", "Reward paid to")
	watching.Do(chromedp.NavigateBack())
	d.see(t, watching, "Balance")
	watching.Click(line + " .entry-how a")
	d.see(t, watching, "Ledger")
	watching.WaitText("main .ledger", name)
}

func (d *day) topManagers(t *testing.T) {
	top := d.in(t, "top-manager")
	top.Click(`#menu a[href="/analytics"]`)
	d.see(t, top, "Analytics")
	earned := viewstest.Value[float64](top, amount("#earned-today"))
	top.Click("#earned-today a")
	d.see(t, top, "Accounting")
	require.InDelta(t, earned, viewstest.Value[float64](top, amount("#total-earned")), 0.001)
	require.Equal(t, "Open", top.Text("#day-status"))
	top.Click("main tbody tr .money[href]")
	d.see(t, top, "Ledger")
	top.Wait(`document.querySelectorAll("main .ledger tbody tr").length > 0`)
}

func (d *day) admins(t *testing.T) {
	watching := d.in(t, "admin")
	watching.Open(d.p.address + "/people?q=gray")
	d.see(t, watching, "People")
	admin := watching.Another()
	admin.Look(viewstest.Look{Width: 1280, Height: 900, Still: true})
	admin.Open(d.p.address + "/people")
	admin.Click("main a[href='/people/new']")
	d.see(t, admin, "New person")
	admin.Type("#name", "Gloria Gray")
	admin.Type("#login", "gray")
	admin.Type("#email", "gray@popug.example\r")
	d.see(t, admin, "One-time link")
	watching.WaitText("#people .rows", "Gloria Gray")

	watching.Open(d.p.address + "/ops")
	watching.Wait(follows)
	admin.Click(`#menu a[href="/ops"]`)
	d.see(t, admin, "Operations")
	const verified = `document.querySelector("#verdict time")?.dateTime ?? ""`
	before := viewstest.Value[string](admin, verified)
	admin.Click("form[action='/ops/verify'] button")
	for _, tab := range []*viewstest.Tab{admin, watching} {
		tab.Wait(fmt.Sprintf("(%s) > %q", verified, before))
		require.Contains(t, tab.Text("#verdict"), "Everything holds")
	}

	admin.Press("gb")
	admin.WaitText("h1", "Tasks")
	admin.Click("#board tbody tr .cell-text a")
	admin.WaitText("h1", "Task T-")
	admin.Click(".timeline-created .timeline-flow")
	d.see(t, admin, "CreateTask")
	admin.WaitText("#flow-summary", "All done")
	admin.Wait(`document.querySelectorAll(".flow-box").length > 5`)
	admin.Click(`.crumbs a[href="/ops/events"]`)
	d.see(t, admin, "Events")
}

// nextMorning restarts the program a day later, for a worker who looks for what they were paid.
func (d *day) nextMorning(t *testing.T) {
	manager := signIn(t, d.p.address, "manager")
	const wallet = "select balance from accounting.accounts a join auth.accounts p on p.id = a.id where p.login = 'worker'"
	for n := 0; number(t, d.pool, wallet) <= 0; n++ {
		id, _ := given(t, d.pool, manager, "worker", fmt.Sprintf("Earn something, %d", n))
		status, body := manager.post("/tasks/"+id+"/resolve", nil)
		require.Equal(t, http.StatusOK, status, body)
		jobstest.Idle(t, d.pool, 30*time.Second)
	}
	owed := float64(number(t, d.pool, wallet)) / 100
	d.p.end(syscall.SIGTERM)

	d.p = start(d.t, append(demo(d.database), "ATES_CLOCK_OFFSET=24h"))
	tomorrow := func() time.Time { return time.Now().Add(24 * time.Hour) }
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: d.pool, Books: jobstest.Books(), Now: tomorrow})
	require.NoError(t, err)
	require.NoError(t, bus.Do(context.WithoutCancel(t.Context()), jobs.CloseDay(jobstest.Books())))
	jobstest.Idle(t, d.pool, 30*time.Second)

	worker := d.in(t, "worker")
	worker.Click(`#menu a[href="/balance"]`)
	d.see(t, worker, "Balance")
	require.InDelta(t, owed, viewstest.Value[float64](worker, amount("#yesterdays-payout .last-payout-amount")), 0.001)
	worker.WaitText("#yesterdays-payout .badge", "paid")
	worker.Click("#yesterdays-payout li a")
	worker.Wait(`location.search.startsWith("?day=")`)
	worker.WaitText(".entry-payout", "Payout for")
	worker.Click(".entry-payout .entry-how a")
	d.see(t, worker, "Ledger")
	worker.WaitText("main .ledger", "Payout")

	admin := d.in(t, "admin")
	admin.Click(`#menu a[href="/ops/mail"]`)
	d.see(t, admin, "Mail")
	admin.Click("main tbody .cell-text a")
	admin.WaitText("main", "Earned with tasks")
	d.see(t, admin, "")
}
