package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// someTask waits for the demo's tasks and returns the id of an open one that is with the person of a login, or with anybody
// else when not is true.
func someTask(t testing.TB, database, login string, not bool) string {
	t.Helper()
	pool := dial(t, database)
	require.Eventually(t, func() bool {
		return number(t, pool, "select count(*) from log.commands where key = 'demo'") == 1 &&
			number(t, pool, `select count(*) from tracker.board b join tracker.tasks t on t.id = b.task
				where b.status = 'open' and b.fee is not null and b.version = t.version`) >= len(demoTasks)
	}, 20*time.Second, 20*time.Millisecond)
	// A draw can leave somebody without a task; then one is moved by hand, which only a test may do.
	var id string
	err := pool.QueryRow(t.Context(), `select b.task::text from tracker.board b join auth.accounts a on a.id = b.assignee
		where b.status = 'open' and (a.login = $1) <> $2 order by b.number limit 1`, login, not).Scan(&id)
	if err != nil {
		require.NoError(t, pool.QueryRow(t.Context(), `with moved as (update tracker.tasks set assignee = (select id from auth.accounts where login = $1)
			where id = (select id from tracker.tasks where status = 'open' order by number limit 1) returning id, assignee)
			update tracker.board b set assignee = m.assignee from moved m where b.task = m.id returning b.task::text`, login).Scan(&id))
	}
	return id
}

func TestAWorkerCannotResolveAnothersTask(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	others := someTask(t, database, "worker", true)
	worker := signIn(t, p.address, "worker")
	_, page := worker.get("/tasks/" + others)
	require.NotContains(t, page, "/resolve", "no button")
	status, body := worker.post("/tasks/"+others+"/resolve", url.Values{"idempotency_key": {"forged"}})
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "You can resolve only your own tasks")
	require.Zero(t, number(t, dial(t, database), "select count(*) from tracker.tasks where status = 'resolved'"))
}

func TestAStreamTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := startWatched(t, demo(database))
	mine := someTask(t, database, "worker", false)
	pool := dial(t, database)
	var own, foreign string
	require.NoError(t, pool.QueryRow(t.Context(), "select id::text from auth.accounts where login = 'worker'").Scan(&own))
	require.NoError(t, pool.QueryRow(t.Context(), "select id::text from auth.accounts where login = 'worker-2'").Scan(&foreign))
	worker, second, manager := signIn(t, p.address, "worker"), signIn(t, p.address, "worker-2"), signIn(t, p.address, "manager")
	first, other, managers := worker.stream("0"), second.stream("0"), manager.stream("0")
	for _, s := range []<-chan string{first, other, managers} {
		await(t, s, "hello")
	}
	status, _ := manager.post("/tasks/"+mine+"/resolve", url.Values{"idempotency_key": {"1"}})
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, await(t, first, "balance/"), foreign)
	// What comes after on the other streams shows that they have had their chance to hear of it.
	createTask(t, manager, "The end of this test")
	last := pageOf(t, pool, "The end of this test")
	for _, s := range []<-chan string{other, managers} {
		for {
			event := await(t, s, "change")
			require.NotContains(t, event, "balance/"+own)
			require.NotContains(t, event, "mine/"+own)
			require.NotContains(t, event, "analytics")
			if s == other {
				require.NotContains(t, event, "accounting")
			}
			if strings.Contains(event, last) {
				break
			}
		}
	}
}

// pageOf is the topic of a task's page.
func pageOf(t testing.TB, pool *pgxpool.Pool, description string) string {
	t.Helper()
	var id string
	require.NoError(t, pool.QueryRow(t.Context(), "select id::text from tracker.tasks where description = $1", description).Scan(&id))
	return "tasks/" + id
}

func TestFormsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	someTask(t, database, "worker", true)
	for login, path := range map[string]string{"manager": "/tasks", "admin": "/ops/jobs/api/jobs/retry"} {
		someone := signIn(t, p.address, login)
		for _, header := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}},
			{"Sec-Fetch-Site": {"same-site"}},
			{"Origin": {"https://evil.example"}},
		} {
			status, _ := someone.do(http.MethodPost, path, url.Values{"description": {"Forged"}}, header)
			require.Equal(t, http.StatusForbidden, status, "%s with %v", path, header)
		}
	}
	require.Zero(t, number(t, dial(t, database), "select count(*) from tracker.tasks where description = 'Forged'"))
}

func TestASessionThatHasEndedShowsNothing(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	worker := signIn(t, p.address, "worker")
	same := *worker
	jar := worker.client.Jar
	address, err := url.Parse(p.address)
	require.NoError(t, err)
	cookies := jar.Cookies(address)
	events := worker.stream("0")
	await(t, events, "hello")
	worker.post("/logout", nil)
	await(t, events, "bye")

	// The old cookie, as somebody would have it who copied it.
	thief := nobody(t, p.address)
	thief.client.Jar.SetCookies(address, cookies)
	status, _ := thief.get("/live")
	require.Equal(t, http.StatusUnauthorized, status)
	_, body := same.get("/balance")
	require.Contains(t, body, `name="password"`)

	// A part of a page is told where the whole page has to go: a sign-in form inside a table would help nobody.
	thief.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address+"/tasks/mine", nil)
	require.NoError(t, err)
	req.Header.Set("HX-Request", "true")
	req.Header.Set("HX-Current-URL", p.address+"/tasks/mine?before=3")
	res, err := thief.client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	require.Equal(t, "/login?return_to=%2Ftasks%2Fmine%3Fbefore%3D3", res.Header.Get("HX-Redirect"))
}
