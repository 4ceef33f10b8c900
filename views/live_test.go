package views

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

const isLive = "document.querySelector('#live-state').dataset.state === 'live'"

// visit opens a page of the office and waits until its stream is there.
func visit(t *testing.T, o *office, path string) *viewstest.Tab {
	t.Helper()
	tab := viewstest.Browser(t)
	tab.Look(viewstest.Look{Width: 1280, Height: 600})
	tab.Open(o.URL + path)
	tab.Wait(isLive)
	return tab
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, viewstest.Patience, 10*time.Millisecond, what)
}

func TestAChangeElsewhereAppearsWithoutDisturbing(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Press("c")
	tab.Type("#description", "Half a thou")
	tab.Do(chromedp.Evaluate[chromedp.Void]("scrollTo(0, 300); document.querySelector('#task-20').mark = 'the same element'"))

	o.change(func() { o.tasks[19].Description = "Feather of gold" }, "tasks/20")

	tab.WaitText("#task-20", "Feather of gold")
	require.Equal(t, "the same element", viewstest.Value[string](tab, "document.querySelector('#task-20').mark"))
	require.Equal(t, "Half a thou", viewstest.Value[string](tab, "document.activeElement.value"))
	require.InDelta(t, 300, viewstest.Value[float64](tab, "scrollY"), 1)
	require.Equal(t, []string{"task-20"}, viewstest.Value[[]string](tab, "[...document.querySelectorAll('.changed')].map(row => row.id)"))
	require.Equal(t, 1, o.count("GET /tasks board"))
}

func TestOnlyWhatIsConcernedIsFetched(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks/7")

	o.change(nil, "tasks/8", "mine/somebody", "tasksoup")
	o.change(func() { o.tasks[6].Description = "One" }, "tasks/7")
	tab.WaitText("#task", "One")
	require.Equal(t, 1, o.count("GET /tasks/7 task"))

	for n, topic := range []string{"tasks", "*"} {
		o.change(func() { o.tasks[6].Description = topic + "!" }, topic)
		tab.WaitText("#task", topic+"!")
		require.Equal(t, n+2, o.count("GET /tasks/7 task"))
	}
}

func TestManyChangesAreFewRequestsAndTheLastIsShown(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	for n := range 50 {
		o.change(func() { o.tasks[29].Description = fmt.Sprintf("Version %d", n) }, "tasks/30")
	}
	tab.WaitText("#task-30", "Version 49")
	require.LessOrEqual(t, o.count("GET /tasks board"), 4)
}

// A slow server must not make the page wait for ever for a moment in which nothing changes.
func TestChangesFasterThanAnswersStillAppear(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	release := o.hold("GET /tasks board")
	o.change(nil, "tasks")
	eventually(t, "the board asks for itself", func() bool { return o.count("GET /tasks board") == 1 })
	o.change(func() { o.tasks[29].Description = "First" }, "tasks")
	tab.Do(chromedp.Sleep(400 * time.Millisecond)) // the second refresh is due and must not cancel the first
	require.Equal(t, 1, o.count("GET /tasks board"))
	release()
	tab.WaitText("#task-30", "First")
}

func TestAStreamThatBreaksComesBackWhereItWas(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	o.change(nil, "tasks")
	eventually(t, "the board asks for itself", func() bool { return o.count("GET /tasks board") == 1 })

	o.refuseStreams(http.StatusServiceUnavailable)
	o.cut()
	tab.WaitText("#live-state", "Reconnecting")
	o.change(func() { o.tasks[29].Description = "Meanwhile" }, "tasks")
	o.refuseStreams(0)

	tab.WaitText("#task-30", "Meanwhile")
	tab.WaitText("#live-state", "Live")
	tab.Wait("document.querySelector('#stale').hidden")
	require.Equal(t, "0/", o.opened()[0])
	require.Equal(t, "0/1", o.opened()[1])
}

func TestAFirstStreamThatIsRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.refuseStreams(http.StatusServiceUnavailable)
	tab := viewstest.Browser(t)
	tab.Open(o.URL + "/tasks")
	tab.WaitText("#live-state", "Reconnecting")
	o.change(func() { o.tasks[29].Description = "Meanwhile" }, "tasks")
	o.refuseStreams(0)
	tab.WaitText("#live-state", "Live")
	tab.WaitText("#task-30", "Meanwhile")
}

func TestASessionThatHasEndedLeadsToTheSignInPage(t *testing.T) {
	t.Parallel()
	t.Run("when a first stream is refused", func(t *testing.T) {
		t.Parallel()
		o := openOffice(t)
		o.refuseStreams(http.StatusUnauthorized)
		tab := viewstest.Browser(t)
		tab.Open(o.URL + "/tasks?q=Feather")
		tab.Wait("document.title === 'login'")
		require.Equal(t, "?return_to=%2Ftasks%3Fq%3DFeather", viewstest.Value[string](tab, "location.search"))
	})
	t.Run("when a stream is refused that comes back", func(t *testing.T) {
		t.Parallel()
		o := openOffice(t)
		tab := visit(t, o, "/tasks")
		o.refuseStreams(http.StatusUnauthorized)
		o.cut()
		tab.Wait("document.title === 'login'")
	})
	t.Run("when the server says good bye", func(t *testing.T) {
		t.Parallel()
		o := openOffice(t)
		tab := visit(t, o, "/tasks")
		o.say("bye")
		tab.Wait("document.title === 'login'")
		require.Len(t, o.opened(), 1)
	})
}

func TestAStreamThatFallsSilentIsReplaced(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('#live').dataset.silence = 500"))
	o.change(nil, "tasks")
	eventually(t, "a second stream", func() bool { return len(o.opened()) >= 2 })
	require.Equal(t, "1/", o.opened()[1])
	tab.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector('#live').dataset.silence = 60000"))
	o.say("ping") // from now on silence is allowed

	eventually(t, "one stream is left", func() bool { return o.open() == 1 })
	before := len(o.opened())
	tab.Do(chromedp.Sleep(2 * time.Second)) // long enough for a stream that should be dead to come back
	require.Len(t, o.opened(), before)
	require.Equal(t, 1, o.open())
	o.change(func() { o.tasks[29].Description = "Heard" }, "tasks")
	tab.WaitText("#task-30", "Heard")
	tab.WaitText("#live-state", "Live")
}

func TestAHiddenTabHasNoStream(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	o.change(nil, "tasks")
	eventually(t, "the board asks for itself", func() bool { return o.count("GET /tasks board") == 1 })
	hide := func(hidden bool) {
		tab.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
			"Object.defineProperty(document, 'hidden', {value: %t, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))", hidden)))
	}
	hide(true)
	eventually(t, "the stream is closed", func() bool { return o.open() == 0 })
	o.change(func() { o.tasks[29].Description = "Meanwhile" }, "tasks")
	hide(false)
	tab.WaitText("#task-30", "Meanwhile")
	require.Equal(t, "0/1", o.opened()[1])
}

func TestWithoutANetworkThePageSaysSo(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	tab.Offline(true)
	tab.WaitText("#live-state", "Offline")
	tab.WaitText("#stale", "may be out of date")
	tab.Accessible()
	o.cut()
	o.change(func() { o.tasks[29].Description = "Meanwhile" }, "tasks")
	tab.Offline(false)
	tab.WaitText("#task-30", "Meanwhile")
	tab.WaitText("#live-state", "Live")
}

func TestAnAnswerThatIsAnErrorLeavesTheElementAsItIsAndIsAskedForAgain(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks/7")
	o.answer("GET /tasks/7", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<h1>no</h1>", http.StatusInternalServerError)
	})
	o.change(func() { o.tasks[6].Description = "Again" }, "tasks/7")
	eventually(t, "the task asks for itself, and again by itself", func() bool { return o.count("GET /tasks/7 task") == 2 })
	tab.WaitText("#task", "Feather 7")
	o.answer("GET /tasks/7", nil)
	tab.WaitText("#task", "Again")
}

// The page was rendered before the change and arrives after it.
func TestAChangeDuringNavigationIsNotMissed(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	held := make(chan struct{})
	first := true
	o.answer("GET /tasks/7", func(w http.ResponseWriter, r *http.Request) {
		r.SetPathValue("id", "7")
		if !first {
			o.show(w, r)
			return
		}
		first = false
		recorder := httptest.NewRecorder()
		o.show(recorder, r)
		<-held
		_, _ = w.Write(recorder.Body.Bytes())
	})
	tab.Click("#task-7 .cell-text a")
	eventually(t, "the page is asked for", func() bool { return o.count("GET /tasks/7") > 0 })
	o.change(func() { o.tasks[6].Description = "Changed on the way" }, "tasks/7")
	eventually(t, "the board has heard of it", func() bool { return o.count("GET /tasks board") == 1 })
	close(held)
	tab.WaitText("#task", "Changed on the way")
}

func TestARefreshThatWaitedBehindASearchShowsWhatWasSearchedFor(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks")
	release := o.hold("GET /tasks?q=Feather+7")
	tab.Type("#q", "Feather 7")
	eventually(t, "the search", func() bool { return o.count("GET /tasks?q=Feather+7 board") == 1 })
	o.change(func() { o.tasks[6].Description = "Feather 7 of gold" }, "tasks")
	tab.Do(chromedp.Sleep(100 * time.Millisecond)) // the refresh queues up behind the search
	release()
	tab.WaitText("#task-7", "Feather 7 of gold")
	tab.Wait("document.querySelectorAll('#board tbody tr').length === 1")
	eventually(t, "the refresh", func() bool { return o.count("GET /tasks?q=Feather+7 board") == 2 })
	require.Zero(t, o.count("GET /tasks board"))
	require.Equal(t, 1, viewstest.Value[int](tab, "document.querySelectorAll('#board tbody tr').length"))
}

func TestARefreshThatIsOvertakenByNavigationIsNotShown(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	tab := visit(t, o, "/tasks?q=Feather+7")
	release := o.hold("GET /tasks?q=Feather+7 board")
	o.change(nil, "tasks")
	eventually(t, "the refresh", func() bool { return o.count("GET /tasks?q=Feather+7 board") == 1 })
	tab.Click("#board .clear")
	tab.WaitText("#task-30", "Feather 30")
	release()
	eventually(t, "a refresh of what is shown now", func() bool { return o.count("GET /tasks board") > 0 })
	require.Equal(t, 30, viewstest.Value[int](tab, "document.querySelectorAll('#board tbody tr').length"))
}
