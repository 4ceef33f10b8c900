package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
)

var flowStep = regexp.MustCompile(`(?s)<tr id="step-.*?class="flow-key flow-(\w+)"[^>]*>\s*(?:<a [^>]*>)?([^<]+?)\s*<`)

// flowOf are the kinds and names of the steps that a flow's page lists, in alphabetical order.
func flowOf(t testing.TB, admin *person, path string) []string {
	t.Helper()
	status, body := admin.get(path)
	require.Equal(t, http.StatusOK, status, body)
	var steps []string
	for _, found := range flowStep.FindAllStringSubmatch(body, -1) {
		steps = append(steps, found[1]+" "+found[2])
	}
	slices.Sort(steps)
	return steps
}

// TestTheFlowOfACommand goes the admin's way from what somebody hands them to all that a command set off, also when the queue and
// then the runs have forgotten its jobs.
func TestTheFlowOfACommand(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := start(t, demo(database))
	admin, manager := signIn(t, p.address, "admin"), signIn(t, p.address, "manager")
	jobstest.Idle(t, pool, 30*time.Second) // until then there is nobody to draw from
	status, body := manager.post("/tasks", url.Values{"description": {"Follow me"}, "idempotency_key": {"follow"}})
	require.Equal(t, http.StatusOK, status, body)
	jobstest.Idle(t, pool, 30*time.Second)
	var task, event, named string
	require.NoError(t, pool.QueryRow(t.Context(), `select t.id::text, 'T-' || t.number, (select e.id::text from log.events e where e.subject = t.id and e.name = 'Task.Priced')
		from tracker.tasks t where t.description = 'Follow me'`).Scan(&task, &named, &event))

	whole := []string{
		"command CreateTask", "entry Fee", "event Account.BalanceChanged", "event Task.Assigned", "event Task.Created", "event Task.Priced",
		"job notify_given", "job price_tasks", "job refresh_daily_balances", "job refresh_tasks", "job refresh_tasks", "job withdraw_money",
		"message In the inbox", "message Mail kept",
	}
	const forgotten = 6 // from there on are jobs, and after those the two messages
	require.Equal(t, whole, flowOf(t, admin, "/ops/events/"+event), "by the id of any event")
	require.Equal(t, whole, flowOf(t, admin, "/ops/events?q="+event), "a search for it leads there")
	status, body = admin.get("/ops/events/" + event)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "All done in")
	require.Contains(t, body, "Follow me")
	members := regexp.MustCompile(`/ops/events/[0-9a-f-]+/members\?step=[0-9a-f]+`).FindAllString(body, -1)
	require.Len(t, members, len(whole)-3, "everything but the command and what people are told has its list")
	for _, path := range members {
		status, list := admin.get(path)
		require.Equal(t, http.StatusOK, status, list)
		require.Contains(t, list, `data-row`)
	}

	_, err := pool.Exec(t.Context(), "delete from river.river_job where state = 'completed'")
	require.NoError(t, err)
	require.Equal(t, whole, flowOf(t, admin, "/ops/events/"+event), "the queue has forgotten the jobs")
	_, err = pool.Exec(t.Context(), "delete from log.runs")
	require.NoError(t, err)
	require.Equal(t, slices.Concat(whole[:forgotten], whole[len(whole)-2:]), flowOf(t, admin, "/ops/events/"+event), "the log has not")
	_, body = admin.get("/ops/events/" + event)
	require.Contains(t, body, "its jobs are no longer kept")

	// Who may not look it up can hand its id on.
	status, _ = manager.get("/ops/events/" + event)
	require.Equal(t, http.StatusForbidden, status)
	_, body = admin.get("/tasks/" + task)
	require.Contains(t, body, "/ops/events/"+event)
	_, body = manager.get("/tasks/" + task)
	require.NotContains(t, body, "/ops/events/")
	_, body = manager.get("/audit?task=" + named)
	require.Contains(t, body, "data-copy=")

	for query, found := range map[string]int{
		named: 1, "T-999999": 0, "manager": 1, "nobody-at-all": 0, "admin&name=tracker.CreateTask": 0, "&name=tracker.CreateTask": 1,
	} {
		_, body = admin.get("/ops/events?q=" + query)
		if found == 0 {
			require.NotContains(t, body, `id="command-`, query)
			continue
		}
		require.Contains(t, body, `id="command-`, query)
	}
	for _, path := range []string{"/ops/events/x", "/ops/events?q=0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a11", "/ops/events?before=x", "/ops/events/" + event + "/members?step=x"} {
		status, _ = admin.get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}

	// A job that has been given up is told of where everybody looks first.
	_, body = admin.get("/ops")
	require.Contains(t, body, "All is well.")
	_, err = pool.Exec(t.Context(), `insert into river.river_job (args, kind, max_attempts, state, queue, finalized_at, attempt, errors)
		select jsonb_build_object('batch', batch, 'first', position, 'last', position), 'refresh_tasks', 25, 'discarded', 'read_models', now(), 25,
			array['{"at": "2026-11-03T14:05:00Z", "attempt": 25, "error": "out of seeds\nstack", "trace": ""}'::jsonb] from log.events where id = $1`, event)
	require.NoError(t, err)
	_, body = admin.get("/ops")
	require.Contains(t, body, "1 job was given up")
	require.Contains(t, body, "out of seeds")
	require.Regexp(t, `href="/ops/jobs/jobs/\d+"`, body)
	_, body = admin.get("/ops/events/" + event)
	require.Contains(t, body, "1 job was given up")

	const verified = "select count(*) from log.verifications"
	before := number(t, pool, verified)
	status, _ = admin.post("/ops/verify", url.Values{"idempotency_key": {"verify"}})
	require.Equal(t, http.StatusOK, status)
	require.Eventually(t, func() bool { return number(t, pool, verified) > before }, 30*time.Second, 50*time.Millisecond)
}
