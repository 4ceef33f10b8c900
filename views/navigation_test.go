package views

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

const (
	focused = "document.activeElement.tagName"
	// dialogOpen is whether something is asked on the spot.
	dialogOpen = "document.querySelector('#dialog').open"
	highlight  = "[...document.querySelectorAll('#menu [aria-current]')].map(link => link.textContent.trim()).join()"
)

func TestMovingBetweenPagesIsLikeLoadingThem(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Do(chromedp.Evaluate[chromedp.Void]("window.loaded = 'once'"))

	tab.Click("#task-28 .cell-text a")
	tab.WaitText("h1", "Task T-28")
	tab.Wait("document.title === 'Task T-28 · aTES'")
	tab.Wait(focused + " === 'H1'")
	require.Equal(t, "Tasks", viewstest.Value[string](tab, highlight))
	require.Zero(t, viewstest.Value[int](tab, "scrollY"))

	tab.Click(".crumbs a")
	tab.WaitText("h1", "Tasks")
	tab.Do(chromedp.NavigateBack())
	tab.WaitText("h1", "Task T-28")
	tab.Wait("document.title === 'Task T-28 · aTES'")
	o.change(func() { o.tasks[27].Description = "Still live" }, "tasks/28")
	tab.WaitText("#task", "Still live")

	require.Equal(t, "once", viewstest.Value[string](tab, "window.loaded"))
	require.Len(t, o.opened(), 1)
}

func TestTheMenuFollows(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/tasks": "/tasks", "/tasks?q=x": "/tasks", "/tasks/7": "/tasks", "/tasks/mine": "/tasks/mine", "/tasks/mine?before=3": "/tasks/mine",
		"/balance": "/balance", "/balances": "", "/": "", "/ops/jobs": "/ops/jobs/", "/ops/jobs/1": "/ops/jobs/",
		"/ops": "/ops", "/ops/mail": "/ops/mail", "/ops/mail/7": "/ops/mail",
	} {
		require.Equal(t, want, Page{Path: path}.current(), path)
	}
}

func TestAnAnswerThatIsNoneOfThesePagesIsLoadedAsItIs(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	o.answer("GET /tasks/30", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/foreign", http.StatusSeeOther) })
	tab.Click("#task-30 .cell-text a")
	tab.Wait("document.title === 'foreign' && location.pathname === '/foreign'")
}

func TestWhatCannotBeReachedCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Forgive("htmx:error")
	tab.Press("c")
	tab.Wait(dialogOpen)
	tab.Offline(true)
	tab.Type("#description", "Wait for the network\r")
	tab.WaitText("#toasts [role=alert]", "cannot be reached")
	tab.Accessible()
	tab.Offline(false)
	tab.Click(".toast-action")
	tab.WaitText("#task-31", "Wait for the network")
	require.Equal(t, 1, o.count("POST /tasks"))
	tab.Wait("!" + dialogOpen + " && !document.querySelector('#toasts [role=alert] .toast')")

	// So it is when the server fails, or has no time.
	for status, words := range map[int]string{http.StatusInternalServerError: "could not answer", http.StatusTooManyRequests: "too many requests"} {
		o.answer("POST /tasks", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<main id=main>no</main>", status) })
		tab.Press("c")
		tab.Wait(dialogOpen)
		tab.Type("#description", "Kept\r")
		tab.WaitText("#toasts [role=alert]", words)
		require.Equal(t, "Kept", viewstest.Value[string](tab, "document.querySelector('#description').value"))
		o.answer("POST /tasks", nil)
		tab.Click(".toast-action")
		tab.WaitText("#board", "Kept")
		tab.Wait("!" + dialogOpen)
	}
}

func TestANewTaskFromAnywhereStaysThere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks?q=Feather")

	tab.Press("c")
	tab.Wait(dialogOpen + " && document.activeElement.id === 'description'")
	tab.Accessible()
	tab.Screenshot("new-task-dialog")
	tab.Press("Please refuse this\r")
	tab.WaitText("#dialog #description-error", "Describe the task")
	require.Equal(t, "Please refuse this", viewstest.Value[string](tab, "document.querySelector('#description').value"))
	tab.Wait("document.activeElement.id === 'description'")
	require.Equal(t, "/tasks?q=Feather", viewstest.Value[string](tab, "location.pathname + location.search"))
	require.Equal(t, "Tasks · aTES", viewstest.Value[string](tab, "document.title"))

	tab.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('#description').select()"))
	tab.Press("Feather of a kind\r")
	tab.WaitText("#task-31", "Feather of a kind")
	tab.WaitText("#toasts [role=status]", "T-31 was created.")
	tab.Wait("!" + dialogOpen)
	require.Equal(t, "/tasks?q=Feather", viewstest.Value[string](tab, "location.pathname + location.search"))
	require.Equal(t, "Feather", viewstest.Value[string](tab, "document.querySelector('#q').value"))
}

func TestAFormThatIsSentTwiceIsSentOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Press("c")
	tab.Type("#description", "Only once")
	release := o.hold("POST /tasks")
	tab.Do(chromedp.Evaluate[chromedp.Void]("for (let n = 0; n < 3; n++) document.querySelector('#new-task').requestSubmit()"))
	eventually(t, "the form arrives", func() bool { return o.count("POST /tasks") > 0 })
	tab.Wait("document.querySelector('#new-task button').disabled")
	release()
	tab.WaitText("#task-31", "Only once")
	tab.Wait("!document.querySelector('#new-task button').disabled")
	require.Equal(t, 1, o.count("POST /tasks"))
}

func TestResolvingStaysWhereOneIs(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks?q=Feather")
	tab.Do(chromedp.Evaluate[chromedp.Void]("scrollTo(0, 500)"))
	tab.Click("#task-15 .cell-action button")
	tab.WaitText("#toasts [role=status]", "T-15 is resolved.")
	tab.WaitText("#task-15", "Resolved")
	require.InDelta(t, 500, viewstest.Value[float64](tab, "scrollY"), 1)
	require.Equal(t, "/tasks?q=Feather", viewstest.Value[string](tab, "location.pathname + location.search"))
	tab.Wait("document.activeElement.closest('tr')?.id === 'task-15'")
}

func TestResolvingTooLateShowsHowThingsAre(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	o.mu.Lock()
	o.tasks[29].Status = StatusResolved
	o.mu.Unlock()
	tab.Click("#task-30 .cell-action button")
	tab.WaitText("[role=alert]", "It is resolved already.")
	tab.WaitText("h1", "Task T-30")
	require.Equal(t, "/tasks", viewstest.Value[string](tab, "location.pathname"), "an address that can be loaded again")
}

func TestAssigningIsAskedInADialog(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Click("[data-dialog]")
	tab.Wait(dialogOpen)
	tab.WaitText("#dialog", "30 open tasks will be drawn anew among 8 active workers.")
	require.Equal(t, "assign-title", viewstest.Value[string](tab, "document.activeElement.id"))
	tab.Accessible()
	tab.Screenshot("assign-dialog")
	tab.Click("#dialog [data-close]")
	tab.Wait("!" + dialogOpen)
	require.True(t, viewstest.Value[bool](tab, "document.activeElement.matches('[data-dialog]')"))
	require.Equal(t, "/tasks", viewstest.Value[string](tab, "location.pathname"))

	tab.Click("[data-dialog]")
	tab.Wait(dialogOpen)
	o.change(func() { o.tasks[29].Description = "Changed behind the dialog" }, "tasks")
	tab.WaitText("#task-30", "Changed behind the dialog")
	require.True(t, viewstest.Value[bool](tab, dialogOpen))
	tab.Click("#dialog .primary")
	tab.WaitText("#toasts [role=status]", "All tasks were drawn.")
	tab.Wait("!" + dialogOpen)
}

func TestSearchingAsOneTypes(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Type("#q", "Feather 12")
	tab.Wait("document.querySelectorAll('#board tbody tr').length === 1")
	require.Equal(t, "?q=Feather+12", viewstest.Value[string](tab, "location.search"))
	require.Equal(t, 1, o.count("GET /tasks?q=Feather+12 board"))

	tab.Do(chromedp.SetValue(chromedp.ID("status"), StatusResolved),
		chromedp.Evaluate[chromedp.Void]("document.querySelector('#status').dispatchEvent(new Event('change', {bubbles: true}))"))
	tab.WaitText("#board", "Nothing found")
	require.Equal(t, "?q=Feather+12&status=resolved", viewstest.Value[string](tab, "location.search"))

	tab.Click("#board .empty a")
	tab.Wait("document.querySelectorAll('#board tbody tr').length === 30")
	require.Equal(t, []string{"", ""}, viewstest.Value[[]string](tab, "['q', 'status'].map(id => document.getElementById(id).value)"))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	at := func() string { return viewstest.Value[string](tab, "document.activeElement.id") }
	leave := func() { tab.Do(chromedp.Evaluate[chromedp.Void]("document.activeElement.blur()")) }
	row := func(n int) string { return fmt.Sprintf("document.activeElement.closest('tr')?.id === 'task-%d'", n) }

	tab.Press("/")
	require.Equal(t, "q", at())
	tab.Press("c/")
	require.Equal(t, "c/", viewstest.Value[string](tab, "document.activeElement.value"), "in a field keys are text")
	tab.Open(o.URL + "/tasks?status=open")
	tab.Wait(isLive)

	tab.Press("jj")
	tab.Wait(row(29))
	tab.Press("e")
	tab.WaitText("#toasts [role=status]", "T-29 is resolved.")
	tab.Wait(row(28)) // the next one is where the resolved one was
	o.change(func() { o.tasks[27].Status, o.tasks[29].Status = StatusResolved, StatusResolved }, "tasks")
	tab.Wait(row(26) + " || " + row(27))
	tab.Press("k")
	tab.Wait(row(27))
	tab.Press("о") // the key of j on a Cyrillic keyboard is not that of o
	tab.Wait(row(27))
	tab.Press("o")
	tab.WaitText("h1", "Task T-27")
	tab.Press("gb")
	tab.Wait("location.pathname === '/tasks'")
	tab.WaitText("h1", "Tasks")

	leave()
	tab.Press("?")
	tab.Wait("document.querySelector('#shortcuts').open")
	require.True(t, viewstest.Value[bool](tab, "document.querySelector('#shortcuts').innerText.includes('Next and previous row')"))
	require.False(t, viewstest.Value[bool](tab, "document.querySelector('#shortcuts').innerText.includes('Next page')"), "there is none")
	tab.Press("c")
	tab.Click("[data-shortcuts-switch]")
	tab.Press("\x1b")
	tab.Wait("!document.querySelector('#shortcuts').open")
	leave()
	tab.Press("/")
	require.Empty(t, at(), "keys are off")
	tab.Open(o.URL + "/tasks")
	tab.Press("/")
	require.Empty(t, at(), "and stay off")
}

func TestThePalette(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks/7")
	tab.Click("#menu a")
	tab.WaitText("h1", "Tasks")
	chosen := "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent.trim()"

	tab.Click("[data-palette]")
	tab.WaitText("#palette", "Looked at lately")
	tab.Wait(chosen + " === 'Task T-7'")
	tab.Accessible()
	tab.Screenshot("palette-dialog")
	tab.Press("Feather 12")
	tab.Wait(chosen + "?.startsWith('Feather 12')")
	require.Equal(t, "1 result", viewstest.Value[string](tab, "document.querySelector('#palette [role=status]').textContent"))
	tab.Press("\r")
	tab.WaitText("h1", "Task T-12")
	require.False(t, viewstest.Value[bool](tab, "document.querySelector('#palette').open"))

	tab.Click("[data-palette]")
	tab.WaitText("#palette", "New task")
	for range 20 {
		if viewstest.Value[string](tab, chosen) == "New task" {
			break
		}
		tab.Press(kb.ArrowDown)
	}
	tab.Press("\r")
	tab.Wait(dialogOpen + " && !document.querySelector('#palette').open && document.activeElement.id === 'description'")
}

func TestPreferencesReturnToWhereOneIs(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Click("#task-30 .cell-text a")
	tab.WaitText("h1", "Task T-30")
	tab.Click(".personal summary")
	tab.Click(".personal button[value=dark]")
	tab.Wait("performance.getEntriesByType('navigation')[0].name.endsWith('/tasks/30')")
}

func TestTimesAreRelativeToTheProgramsClock(t *testing.T) {
	t.Parallel()
	url := storybook(t)
	tab := viewstest.Browser(t)
	tab.Open(url + "/story/en/board")
	tab.WaitText("#task-t-41 time", "4 minutes ago")
	tab.WaitText("#task-t-38 time", "Oct 25, 2026")
	require.Equal(t, "Nov 3, 2026, 14:01\u00a0UTC", viewstest.Value[string](tab, "document.querySelector('#task-t-41 time').title"))
	tab.Open(url + "/story/ru/board")
	tab.WaitText("#task-t-41 time", "4 минуты назад")
}

// Everything but being live and being asked in a dialog.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := viewstest.Browser(t)
	_, err := chromedp.Call(tab.Context(), emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	tab.Look(viewstest.Look{Width: 1280, Height: 800})
	tab.Open(o.URL + "/tasks")
	tab.Screenshot("board-without-javascript")
	require.NotContains(t, tab.Text("body"), "Connecting")

	tab.Type("#q", "Feather 12")
	tab.Click(".filter button")
	tab.Wait("document.querySelectorAll('#board tbody tr').length === 1")

	tab.Click("header [href='/tasks/new']")
	tab.Type("#description", "refuse")
	tab.Click("#new-task button")
	tab.WaitText("#description-error", "Describe the task")
	tab.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('#description').select()"))
	tab.Type("#description", "By hand")
	tab.Click("#new-task button")
	tab.WaitText(".flash", "T-31 was created.")
	tab.WaitText("#task-31", "By hand")

	tab.Click("#task-31 .cell-action button")
	tab.WaitText(".flash", "T-31 is resolved.")

	tab.Click("header [href='/palette']")
	tab.Type("#q", "Feather 12")
	tab.Click(".filter button")
	tab.WaitText("#found-tasks + ul", "Feather 12")
	tab.Open(o.URL + "/tasks")
	tab.Click("[data-dialog]")
	tab.WaitText("h1", "Assign tasks")
	tab.Click("#assign .primary")
	tab.WaitText(".flash", "All tasks were drawn.")
}

// At the first press of Tab the way past the menu appears, and every step of the keyboard can be seen.
func TestTheKeyboardIsSeen(t *testing.T) {
	t.Parallel()
	tab := visit(t, openOffice(t), "/tasks")
	tab.Press("\t")
	require.Equal(t, "Skip to the content", viewstest.Value[string](tab, "document.activeElement.textContent"))
	for step := range 12 {
		tab.Press("\t")
		hidden := viewstest.Value[string](tab, `(() => {
			const element = document.activeElement, box = element.getBoundingClientRect();
			const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
			const outlined = getComputedStyle(element).outlineStyle !== 'none';
			return outlined && (element.contains(top) || top?.contains(element)) ? '' : element.outerHTML.slice(0, 200);
		})()`)
		require.Empty(t, hidden, "step %d", step)
	}
}
