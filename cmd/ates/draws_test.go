package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

// startSeeded starts a demo and waits for its tasks and its first draw.
func startSeeded(t *testing.T) (*program, *pgxpool.Pool) {
	t.Helper()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := start(t, demo(database))
	require.Eventually(t, func() bool {
		return number(t, pool, "select count(*) from tracker.draws where draw is not null and moved = reassigned") == 1
	}, 20*time.Second, 20*time.Millisecond)
	return p, pool
}

func TestADrawIsPreviewedPressedAndFollowed(t *testing.T) {
	t.Parallel()
	p, pool := startSeeded(t)
	manager, admin, worker := signIn(t, p.address, "manager"), signIn(t, p.address, "admin"), signIn(t, p.address, "worker")
	open := number(t, pool, "select count(*) from tracker.tasks where status = 'open'")

	_, preview := manager.get("/tasks/assign")
	require.Contains(t, preview, "8 active workers")
	require.Contains(t, preview, "One draw in 8")
	require.Contains(t, preview, "Last assigned")
	old := url.Values{"seen": {hidden(t, preview, "seen")}, "idempotency_key": {hidden(t, preview, "idempotency_key")}}

	// Somebody else is faster, and a task is new.
	_, theirs := admin.get("/tasks/assign")
	pressed := url.Values{"seen": {hidden(t, theirs, "seen")}, "idempotency_key": {hidden(t, theirs, "idempotency_key")}}
	status, page := admin.post("/tasks/assign", pressed)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "Done", "the page that answers has all of a small draw")
	_, same := admin.post("/tasks/assign", pressed)
	require.Equal(t, drawOn(t, page), drawOn(t, same), "pressed twice is pressed once")
	worker.post("/tasks", url.Values{"description": {"One more"}})

	drawn := "select count(*) from log.events where name = 'Tasks.Drawn'"
	require.Equal(t, 2, number(t, pool, drawn))
	status, refused := manager.post("/tasks/assign", old)
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, refused, "has assigned all tasks meanwhile")
	require.Contains(t, refused, "1 task was created.")
	require.NotContains(t, refused, "resolved.")
	require.Contains(t, refused, "Reassign "+strconv.Itoa(open+1)+" tasks")
	require.Equal(t, 2, number(t, pool, drawn), "a look at something else draws nothing")

	// The answer can be pressed, whatever others do meanwhile.
	admin.post("/tasks/assign", url.Values{})
	status, page = manager.post("/tasks/assign", url.Values{"seen": {hidden(t, refused, "seen")}, "idempotency_key": {hidden(t, refused, "idempotency_key")}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "reassigned,")
	require.Equal(t, 4, number(t, pool, drawn))

	// What it did is there for everybody.
	address := drawOn(t, page)
	moved := number(t, pool, "select moved from tracker.draws order by drawn_at desc limit 1")
	status, page = worker.get(address)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, moved, strings.Count(page, `id="move-`))
	require.Contains(t, page, "Max Macaw")
	var someone, name, task string
	require.NoError(t, pool.QueryRow(t.Context(), `select h.assignee, p.name, h.task from tracker.history h join tracker.draws d using (command) join tracker.people p on p.id = h.assignee
		where h.previous is not null order by d.drawn_at desc limit 1`).Scan(&someone, &name, &task))
	_, page = worker.get(address + "?worker=" + someone)
	require.Contains(t, page, "Only tasks that "+name+" got or lost.")
	require.Equal(t, number(t, pool, `select got + lost from tracker.draw_shares s join tracker.draws d using (command) where worker = $1 order by drawn_at desc limit 1`, someone),
		strings.Count(page, `id="move-`))
	_, page = worker.get("/tasks/draws")
	require.Equal(t, 4, strings.Count(page, `id="draw-`))
	require.NotContains(t, page, "/tasks/assign", "who may not draw is not shown how")
	_, page = worker.get("/tasks/" + task)
	link := regexp.MustCompile(`href="(/tasks/draws/[^"]+)"`).FindStringSubmatch(page)
	require.NotNil(t, link, "the task tells which draw moved it")
	_, page = worker.get(link[1])
	require.Equal(t, address, drawOn(t, page))

	for path, want := range map[string]int{
		"/tasks/draws/" + task: http.StatusNotFound, "/tasks/draws/x": http.StatusNotFound, address + "?worker=x": http.StatusUnprocessableEntity, address + "?worker=" + task: http.StatusUnprocessableEntity,
		address + "?before=x": http.StatusUnprocessableEntity, "/tasks/draws?before=x": http.StatusUnprocessableEntity,
	} {
		status, page = worker.get(path)
		require.Equal(t, want, status, path)
		require.Contains(t, page, "<h1", "%s: a page of ours", path)
	}
	for _, seen := range []string{"x", "1/2/3", "1/2/3/x/true", "a/2/3/" + task + "/true"} {
		status, _ = manager.post("/tasks/assign", url.Values{"seen": {seen}})
		require.Equal(t, http.StatusUnprocessableEntity, status, seen)
	}
	require.Equal(t, 4, number(t, pool, drawn))

	// A draw that has not come to the pages yet.
	_, err := pool.Exec(t.Context(), "truncate tracker.draws")
	require.NoError(t, err)
	status, page = worker.get(address)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "appears here in a moment")
}

// drawOn is the address of the draw that a page shows.
func drawOn(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`id="draw"[^>]*hx-get="(/tasks/draws/[^"?]+)"`).FindStringSubmatch(page)
	require.NotNil(t, found, "a page of a draw: %.2000s", page)
	return found[1]
}

// TestAManagerDrawsInADialogAndSeesItDone presses too late first: the dialog stays, with what has changed.
func TestAManagerDrawsInADialogAndSeesItDone(t *testing.T) {
	t.Parallel()
	p, pool := startSeeded(t)
	other := signIn(t, p.address, "admin")
	manager, worker := enter(t, p.address, "manager"), enter(t, p.address, "worker")
	worker.Open(p.address + "/tasks/draws")
	worker.Wait(`document.querySelector("#live-state").dataset.state === "live"`)

	manager.Click("a[data-dialog]")
	manager.Wait(`document.querySelector("#dialog").open`)
	other.post("/tasks/assign", url.Values{})
	manager.Click("#assign .primary")
	manager.WaitText("#dialog [role=alert]", "has assigned all tasks meanwhile")
	require.True(t, viewstest.Value[bool](manager, `document.querySelector("#dialog").open && location.pathname === "/tasks"`))
	manager.Click("#assign .primary")
	manager.WaitText("#draw [role=status]", "Done")
	require.Contains(t, viewstest.Value[string](manager, "location.pathname"), "/tasks/draws/")
	require.False(t, viewstest.Value[bool](manager, `document.querySelector("#dialog").open`))
	manager.Accessible()

	draws := number(t, pool, "select count(*) from log.events where name = 'Tasks.Drawn'")
	worker.Wait(`document.querySelectorAll("#draws tbody tr").length === ` + strconv.Itoa(draws))
}
