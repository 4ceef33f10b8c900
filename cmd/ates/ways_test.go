package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/views/viewstest"
)

// TestTheProgramIsUsedInOtherWays is what people do who have no mouse, no JavaScript, or no more than a phone.
func TestTheProgramIsUsedInOtherWays(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := start(t, demo(database))
	someTask(t, database, "worker", true)
	jobstest.Idle(t, pool, 30*time.Second)
	t.Run("with the keyboard alone", func(t *testing.T) { byKeyboard(t, p, pool) })
	t.Run("without JavaScript", func(t *testing.T) { withoutScripts(t, p, pool) })
	for login, more := range map[string][]string{
		"worker":      {"/tasks/new", "/notifications", "/notifications/preferences", "/sessions", "/palette", "/help"},
		"manager":     {"/tasks/assign", "/tasks/draws"},
		"top-manager": nil,
		"admin":       {"/people/new", "/people/import", "/ops/events"},
	} {
		t.Run("on a phone, in the dark, in Russian, as "+login, func(t *testing.T) { onAPhone(t, p, login, more) })
	}
}

func byKeyboard(t *testing.T, p *program, pool *pgxpool.Pool) {
	id, _ := given(t, pool, signIn(t, p.address, "manager"), "worker", "Resolve it by keyboard")
	tab := viewstest.Browser(t)
	tab.Open(p.address + "/")
	tab.Wait(`document.activeElement.name === "login"`)
	tab.Press("worker\tdemo-worker\r")
	tab.Wait(`document.querySelector("#live") && ` + follows)
	palette := func(words, chosen string) {
		tab.Do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
		tab.Wait(`document.querySelector("#palette").open`)
		tab.Press(words)
		tab.Wait(fmt.Sprintf(`document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.innerText.trim() === %q`, chosen))
		tab.Press("\r")
	}

	tab.Press("c")
	tab.Wait(`document.activeElement.id === "description"`)
	tab.Press("Typed, not clicked\r")
	tab.WaitText("#toasts [role=status]", "has been created.")
	tab.Wait(`!document.querySelector("#dialog").open`)

	palette("my tas", "My tasks")
	tab.WaitText("h1", "My tasks")
	for range 30 {
		if viewstest.Value[bool](tab, fmt.Sprintf(`document.activeElement.closest("tr")?.id === "task-%s"`, id)) {
			break
		}
		tab.Press("j")
	}
	tab.Press("e")
	tab.Wait(fmt.Sprintf(`!document.getElementById("task-%s")`, id))
	require.Equal(t, 1, number(t, pool, "select count(*) from tracker.tasks where id = $1 and status = 'resolved'", id))
	tab.Press("gw")
	tab.WaitText("h1", "Balance")

	palette("sign out", "Sign out")
	tab.Wait(signedOut)
}

func withoutScripts(t *testing.T, p *program, pool *pgxpool.Pool) {
	tab := viewstest.Browser(t)
	_, err := chromedp.Call(tab.Context(), emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	at := func(heading string) {
		tab.WaitText("h1", heading)
		tab.FitsSideways()
	}
	tab.Open(p.address + "/tasks/new")
	tab.Type("input[name=login]", "manager")
	tab.Type("input[name=password]", "demo-manager\r")
	at("New task")

	tab.Type("#description", "   ")
	tab.Click("#new-task button")
	tab.WaitText("#description-error", "Describe the task")
	require.Equal(t, "   ", viewstest.Value[string](tab, `document.querySelector("#description").value`), "what was typed is still there")
	tab.Type("#description", "Made by hand")
	tab.Click("#new-task button")
	tab.WaitText(".flash", "has been created.")
	at("Tasks")
	require.NotContains(t, tab.Text("body"), "Connecting", "it says nothing of what it cannot do")

	tab.Click("main a[href='/tasks/assign']")
	at("Assign tasks")
	tab.Click("#assign .primary")
	at("Draw of ")
	require.Equal(t, 2, number(t, pool, "select count(*) from log.events where name = 'Tasks.Drawn'"))

	tab.Open(p.address + "/tasks?q=made+by+hand")
	tab.Click("#board [data-resolve]")
	tab.WaitText(".flash", "The task is resolved.")
	require.Equal(t, 1, number(t, pool, "select count(*) from tracker.tasks where description = 'Made by hand' and status = 'resolved'"))

	tab.Click("header [href='/palette']")
	at("Search everything")
	tab.Type("#q", "account")
	tab.Click(".filter button")
	tab.Click("main .found a[href='/accounting']")
	at("Accounting")
	// In one go: the page may be exchanging parts of itself.
	viewstest.Value[any](tab, `document.querySelector(".personal button[value=ru]").click()`)
	at("Бухгалтерия")
	tab.Click(".personal summary")
	tab.Click("form[action='/logout'] button")
	tab.Wait(signedOut)

	// Whose task it was is told, and reads it without JavaScript too.
	tab.Open(p.address + "/notifications")
	tab.Type("input[name=login]", "worker")
	tab.Type("input[name=password]", "demo-worker\r")
	at("Уведомления")
	before := viewstest.Value[int](tab, `document.querySelectorAll(".told-unread").length`)
	require.Positive(t, before)
	tab.Click(".told-unread form button")
	tab.Wait(fmt.Sprintf(`document.querySelectorAll(".told-unread").length === %d`, before-1))
}

// english is the JavaScript that finds headings in which nothing is Russian.
const english = `[...document.querySelectorAll("h1, h2, h3, th, legend, label, button, dt")]
	.filter(heading => !heading.querySelector("code, kbd") && !heading.closest("[lang=en]"))
	.map(heading => heading.textContent.trim()).filter(text => /[A-Za-z]{3}/.test(text) && !/[А-Яа-яЁё]/.test(text))`

func onAPhone(t *testing.T, p *program, login string, more []string) {
	tab := enter(t, p.address, login)
	tab.Look(viewstest.Look{Width: 320, Height: 640, Dark: true})
	tab.Click(".personal summary")
	tab.Click(".personal button[value=ru]")
	tab.Wait(`document.documentElement.lang === "ru" && document.readyState === "complete"`)
	menu := viewstest.Value[[]string](tab, `[...document.querySelectorAll("#menu a:not([hx-boost=false])")].map(link => link.pathname)`)
	require.NotEmpty(t, menu)
	for _, path := range append(menu, more...) {
		tab.Open(p.address + path)
		tab.Wait(follows)
		require.Equal(t, path, viewstest.Value[string](tab, "location.pathname"))
		require.Equal(t, "ru", viewstest.Value[string](tab, "document.documentElement.lang"), path)
		require.Empty(t, viewstest.Value[[]string](tab, english), path)
		require.Less(t, viewstest.Value[int](tab, `Math.max(...getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3))`), 80, "%s is dark", path)
		tab.FitsSideways()
	}
}
