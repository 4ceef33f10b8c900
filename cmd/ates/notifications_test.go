package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/views/viewstest"
)

// TestPeopleReadAndChooseTheirOwnNotifications is an inbox without JavaScript.
func TestPeopleReadAndChooseTheirOwnNotifications(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	task, pool := someTask(t, database, "worker", false), dial(t, database)
	manager, worker, other := signIn(t, p.address, "manager"), signIn(t, p.address, "worker"), signIn(t, p.address, "worker-2")
	status, _ := manager.post("/tasks/"+task+"/resolve", nil)
	require.Equal(t, http.StatusOK, status)
	jobstest.Idle(t, pool, 20*time.Second)

	_, body := worker.get("/notifications")
	require.Contains(t, body, `href="/tasks/`+task+`"`)
	id := regexp.MustCompile(`<li id="told-(tracker-\d+)" class="told told-unread"`).FindStringSubmatch(body)
	require.NotNil(t, id, "%.4000s", body)
	unread := func() int {
		return number(t, pool, "select count(*) from tracker.notifications where channel = 'inbox' and state = 'unread' and person = $1", idOf(t, pool, "worker"))
	}
	had := unread()
	mark := func(who *person, form url.Values) int {
		status, _ := who.post("/notifications/mark", form)
		return status
	}
	require.Equal(t, http.StatusOK, mark(other, url.Values{"notification": {id[1]}, "state": {"read"}}))
	require.Equal(t, had, unread(), "somebody else's stays as it is")
	require.Equal(t, http.StatusOK, mark(worker, url.Values{"notification": {id[1]}, "state": {"read"}, "return_to": {"/notifications"}}))
	require.Equal(t, had-1, unread())
	require.Equal(t, http.StatusOK, mark(worker, url.Values{"until": {hidden(t, body, "until")}, "state": {"read"}}))
	require.Zero(t, unread())
	_, body = worker.get("/notifications?show=unread")
	require.Contains(t, body, "All read")
	for _, form := range []url.Values{{"state": {"read"}}, {"state": {"lost"}, "until": {"1"}}, {"state": {"read"}, "until": {"9223372036854775807"}}, {"notification": {"auth-1"}, "state": {"read"}}} {
		require.Equal(t, http.StatusUnprocessableEntity, mark(worker, form), form)
	}
	for _, path := range []string{"/notifications?before=x", "/notifications?before=2026-03-01T00:00:00Z/auth/1", "/notifications?show=none"} {
		status, _ = worker.get(path)
		require.Equal(t, http.StatusUnprocessableEntity, status, path)
	}

	// Two pages of what one is told: the second to be saved was opened before the first was.
	_, first := worker.get("/notifications/preferences")
	_, second := worker.get("/notifications/preferences")
	form := func(page string, on ...string) url.Values {
		form := url.Values{"language": {"ru"}}
		for _, name := range []string{"idempotency_key", "seen_tracker", "seen_accounting"} {
			form.Set(name, hidden(t, page, name))
		}
		for _, kind := range on {
			form.Set(kind, "on")
		}
		return form
	}
	for range 2 {
		status, body = worker.post("/notifications/preferences", form(first, "task_given/inbox", "daily_balance/inbox"))
		require.Equal(t, http.StatusOK, status, "sent twice, done once: %.3000s", body)
	}
	status, body = worker.post("/notifications/preferences", form(second))
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "You have changed this elsewhere meanwhile")
	require.Regexp(t, `name="task_given/inbox"[^>]* checked`, body, "what holds now is shown")
	require.NotRegexp(t, `name="tasks_drawn/mail"[^>]* checked`, body)
	require.Regexp(t, `name="daily_balance/mail"[^>]* checked disabled`, body)
	require.Equal(t, 1, number(t, pool, "select count(*) from tracker.notification_settings where language = 'ru' and cardinality(off) = 5"))
	require.Equal(t, 1, number(t, pool, "select count(*) from accounting.notification_settings where language = 'ru' and cardinality(off) = 0"))
}

// TestTheBellCountsInEveryTab is a worker with two tabs, while a manager resolves a task of theirs.
func TestTheBellCountsInEveryTab(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	task, pool := someTask(t, database, "worker", false), dial(t, database)
	jobstest.Idle(t, pool, 20*time.Second)
	worker, manager := signIn(t, p.address, "worker"), signIn(t, p.address, "manager")
	_, body := worker.get("/notifications")
	if regexp.MustCompile(`name="until"`).MatchString(body) {
		status, _ := worker.post("/notifications/mark", url.Values{"until": {hidden(t, body, "until")}, "state": {"read"}})
		require.Equal(t, http.StatusOK, status)
	}
	reading, working := enter(t, p.address, "worker"), enter(t, p.address, "worker")
	reading.Open(p.address + "/notifications")
	working.Open(p.address + "/balance")
	bell := func(count int) string {
		return fmt.Sprintf(`document.querySelector("#bell a").getAttribute("aria-label").startsWith("%d unread")`, count)
	}
	for _, tab := range []*viewstest.Tab{reading, working} {
		tab.Wait(`document.querySelector("#live-state").dataset.state === "live"`)
		tab.Wait(bell(0))
	}
	status, _ := manager.post("/tasks/"+task+"/resolve", nil)
	require.Equal(t, http.StatusOK, status)
	for _, tab := range []*viewstest.Tab{reading, working} {
		tab.Wait(bell(1))
		tab.WaitText("#toasts [role=status]", " resolved T-")
	}
	reading.WaitText("#inbox", " resolved T-")
	reading.Wait(`document.querySelectorAll(".told-unread").length === 1`)

	// To open what it is about is to have read it; the other tab hears of it.
	reading.Click(".told-unread .told-what a")
	reading.Wait(`location.pathname === "/tasks/` + task + `"`)
	reading.Wait(bell(0))
	working.Wait(bell(0))
	working.Open(p.address + "/notifications")
	working.Wait(`document.querySelectorAll(".told").length > 0 && document.querySelectorAll(".told-unread").length === 0`)
	working.Click(".told button")
	reading.Wait(bell(1))
}
