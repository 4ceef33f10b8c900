package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/views/viewstest"
)

// signedOut is true on the page that asks who one is.
const signedOut = `location.pathname === "/auth/login" && document.querySelector("input[name=password]")`

// TestWhateverHappensThePageSaysSoAndCatchesUp is a worker with the board open while this and that happens to it, to their machine
// and to the server. In the meantime others go on.
func TestWhateverHappensThePageSaysSoAndCatchesUp(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := start(t, demo(database))
	someTask(t, database, "worker", true)
	tab := enter(t, p.address, "worker")
	manager := signIn(t, p.address, "manager")
	tab.Open(p.address + "/tasks")
	tab.Wait(follows)
	catchesUp := func(t *testing.T, tab *viewstest.Tab, what string) {
		t.Helper()
		tab.WaitText("#board tbody", what)
		tab.WaitText("#live-state", "Live")
		tab.Wait(`document.querySelector("#stale").hidden`)
	}

	t.Run("offline for a while", func(t *testing.T) {
		tab := tab.For(t)
		tab.Forgive("htmx:error: Failed to fetch") // the stream goes on for as long as it is open, and tells of what cannot be fetched
		tab.Offline(true)
		tab.WaitText("#live-state", "Offline")
		tab.WaitText("#stale", "may be out of date")
		createTask(t, manager, "Came while it was offline")
		tab.Offline(false)
		catchesUp(t, tab, "Came while it was offline")
	})
	t.Run("asleep", func(t *testing.T) {
		tab := tab.For(t)
		hide := func(hidden bool) {
			tab.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
				"Object.defineProperty(document, 'hidden', {value: %t, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))", hidden)))
		}
		hide(true)
		// What it had asked for before may still come, and have the first of these on it.
		slept := ""
		for n := range 5 {
			slept = fmt.Sprintf("Came while it slept, %d", n)
			createTask(t, manager, slept)
			if !viewstest.Value[bool](tab, fmt.Sprintf(`document.querySelector("#board").innerText.includes(%q)`, slept)) {
				break
			}
			require.Less(t, n, 4, "what nobody looks at does not follow")
		}
		hide(false)
		catchesUp(t, tab, slept)
	})
	t.Run("a connection that is dead without a word", func(t *testing.T) {
		tab := tab.For(t)
		// The server is held, as a network would hold it that lets nothing through and says nothing.
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
		tab.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#live").dataset.silence = 300; document.dispatchEvent(new Event("visibilitychange"))`))
		tab.WaitText("#live-state", "Reconnecting")
		tab.WaitText("#stale", "may be out of date")
		elsewhere(t, pool, "Came over another way")
		tab.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#live").dataset.silence = 60000`))
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
		catchesUp(t, tab, "Came over another way")
	})
	t.Run("two tabs of one person", func(t *testing.T) {
		here, there := tab.For(t), tab.Another().For(t)
		there.Open(p.address + "/tasks/mine")
		there.Wait(follows)
		id, _ := given(t, pool, manager, "worker", "Resolve it in the other tab")
		row := fmt.Sprintf("#task-%s", id)
		here.WaitText(row, "Open")
		there.WaitText(row, "Resolve it in the other tab")
		there.Click(row + " [data-resolve]")
		here.WaitText(row, "Resolved")
		there.Click(".personal summary")
		there.Click(`form[action="/logout"] button`)
		for _, tab := range []*viewstest.Tab{there, here} {
			tab.Wait(signedOut)
		}
	})
	t.Run("a session that is ended elsewhere", func(t *testing.T) {
		tab := enter(t, p.address, "worker")
		tab.Open(p.address + "/balance?day=" + viewstest.Value[string](tab, `new Date().toISOString().slice(0, 10)`))
		tab.Wait(follows)
		address := viewstest.Value[string](tab, "location.href")
		phone := signIn(t, p.address, "worker")
		status, body := phone.post("/sessions/end", url.Values{"idempotency_key": {"others"}, "session": {"others"}})
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, "Signed out of 1 session.")
		tab.Wait(signedOut)
		tab.Type("input[name=login]", "worker\tdemo-worker\r")
		tab.Wait(fmt.Sprintf("location.href === %q && document.querySelector('#current-balance')", address))
		tab.Wait(follows)
	})
	t.Run("a server that is killed and started again", func(t *testing.T) {
		tab := enter(t, p.address, "worker")
		tab.Open(p.address + "/tasks")
		tab.Wait(follows)
		tab.Forgive("htmx:error: Failed to fetch")
		p.end(syscall.SIGKILL)
		tab.WaitText("#live-state", "Reconnecting")
		tab.WaitText("#stale", "may be out of date")
		elsewhere(t, pool, "Came while it was dead")
		again := start(t, append(demo(database), p.samePlace()...))
		require.Equal(t, p.address, again.address)
		catchesUp(t, tab, "Came while it was dead")
		tab.Press("c")
		tab.Wait(`document.activeElement.id === "description"`)
		tab.Press("Written on the same page as before\r")
		catchesUp(t, tab, "Written on the same page as before")
	})
}

// elsewhere creates a task in another process: this one.
func elsewhere(t testing.TB, pool *pgxpool.Pool, description string) {
	t.Helper()
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books(), Now: time.Now})
	require.NoError(t, err)
	manager, err := auth.FindPersonByLogin(t.Context(), pool, "manager")
	require.NoError(t, err)
	require.NoError(t, bus.Do(context.WithoutCancel(t.Context()), &tracker.CreateTask{Request: domain.Request{By: manager.Actor()}, Description: description}))
}
