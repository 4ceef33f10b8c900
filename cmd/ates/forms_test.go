package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFormSentTwiceActsOnce is the double click, the retry and the back button: the same form, several times at once.
func TestAFormSentTwiceActsOnce(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	mine := someTask(t, database, "worker", false)
	pool := dial(t, database)
	worker, manager := signIn(t, p.address, "worker"), signIn(t, p.address, "manager")
	atOnce := func(someone *person, path string, form url.Values) {
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				status, body, err := someone.try(http.MethodPost, path, form, nil)
				if err != nil || status != http.StatusOK {
					t.Errorf("%s: status %d, %v: %.500s", path, status, err, body)
				}
			})
		}
		group.Wait()
	}

	_, form := worker.get("/tasks/new")
	atOnce(worker, "/tasks", url.Values{"idempotency_key": {hidden(t, form, "idempotency_key")}, "description": {"Clicked twice"}})
	require.Equal(t, 1, number(t, pool, "select count(*) from tracker.tasks where description = 'Clicked twice'"))

	_, page := worker.get("/tasks/" + mine)
	atOnce(worker, "/tasks/"+mine+"/resolve", url.Values{"idempotency_key": {hidden(t, page, "idempotency_key")}, "assignment": {hidden(t, page, "assignment")}})
	require.Equal(t, 1, number(t, pool, "select count(*) from log.events where name = 'Task.Resolved'"))

	_, confirm := manager.get("/tasks/assign")
	before := number(t, pool, "select count(*) from log.commands where name = 'tracker.AssignTasks'")
	atOnce(manager, "/tasks/assign", url.Values{"idempotency_key": {hidden(t, confirm, "idempotency_key")}})
	require.Equal(t, before+1, number(t, pool, "select count(*) from log.commands where name = 'tracker.AssignTasks'"))

	// The back button, other words, the same form: nothing is done and nothing typed is lost.
	key := hidden(t, form, "idempotency_key")
	status, body := worker.post("/tasks", url.Values{"idempotency_key": {key}, "description": {"Other words"}})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "Other words</textarea>")
	require.NotEqual(t, key, hidden(t, body, "idempotency_key"), "the form can be sent now")
	require.Zero(t, number(t, pool, "select count(*) from tracker.tasks where description = 'Other words'"))
}

func TestWhatCannotBeRightIsRefusedAndNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	task := someTask(t, database, "worker", true)
	pool := dial(t, database)
	manager := signIn(t, p.address, "manager")
	before := number(t, pool, "select count(*) from log.events")

	for name, c := range map[string]struct {
		description string
		shown       string
	}{
		"empty":           {"", "Describe the task"},
		"blank":           {" \t\n ", "Describe the task"},
		"too long":        {strings.Repeat("я", 2000), "too long"},
		"not text":        {"a\x00b", "not text"},
		"not UTF-8":       {"a\xff", "not text"},
		"markup, too big": {strings.Repeat("<script>", 200), "too long"},
		"brackets":        {"Clean the cage [urgent]", "Square brackets are only for a Jira id in front, as in “[POPUG-42] - Title”"},
		"only a Jira id":  {"[POPUG-42] - ", "There is only a Jira id"},
	} {
		status, body := manager.post("/tasks", url.Values{"idempotency_key": {name}, "description": {c.description}})
		require.Equal(t, http.StatusUnprocessableEntity, status, name)
		require.Contains(t, body, c.shown, name)
		require.Contains(t, body, `aria-invalid="true"`, name)
		require.NotContains(t, body, "<script><script>", "what was typed is text")
		if name == "too long" || name == "brackets" {
			require.Contains(t, body, c.description, "it is still there to be corrected")
		}
	}
	for name, c := range map[string]struct {
		method, path string
		form         url.Values
		header       http.Header
		status       int
	}{
		"no such task":              {"GET", "/tasks/01890000-0000-7000-8000-000000000000", nil, nil, http.StatusNotFound},
		"no id":                     {"GET", "/tasks/' or 1=1 --", nil, nil, http.StatusNotFound},
		"resolve no such task":      {"POST", "/tasks/01890000-0000-7000-8000-000000000000/resolve", url.Values{}, nil, http.StatusNotFound},
		"resolve no id":             {"POST", "/tasks/x/resolve", url.Values{}, nil, http.StatusNotFound},
		"assignment not a number":   {"POST", "/tasks/" + task + "/resolve", url.Values{"assignment": {"one"}}, nil, http.StatusUnprocessableEntity},
		"assignment too big":        {"POST", "/tasks/" + task + "/resolve", url.Values{"assignment": {"99999999999"}}, nil, http.StatusUnprocessableEntity},
		"assignment of yesterday":   {"POST", "/tasks/" + task + "/resolve", url.Values{"assignment": {"1000"}}, nil, http.StatusConflict},
		"key of control characters": {"POST", "/tasks", url.Values{"idempotency_key": {"a\x00"}, "description": {"x"}}, nil, http.StatusUnprocessableEntity},
		"key too long":              {"POST", "/tasks", url.Values{"idempotency_key": {strings.Repeat("k", 1000)}, "description": {"x"}}, nil, http.StatusUnprocessableEntity},
		"body too large":            {"POST", "/tasks", url.Values{"description": {strings.Repeat("x", 100_000)}}, nil, http.StatusRequestEntityTooLarge},
		"not a form":                {"POST", "/tasks", url.Values{}, http.Header{"Content-Type": {"application/json"}}, http.StatusUnprocessableEntity},
		"unknown status":            {"GET", "/tasks?status=lost", nil, nil, http.StatusUnprocessableEntity},
		"unknown assignee":          {"GET", "/tasks?assignee=ann", nil, nil, http.StatusUnprocessableEntity},
		"odd search":                {"GET", "/tasks?q=%25_%5C%00%ff'%22", nil, nil, http.StatusOK},
		"place in the list":         {"GET", "/tasks?before=soon", nil, nil, http.StatusUnprocessableEntity},
		"half a place in the list":  {"GET", "/tasks?after=7", nil, nil, http.StatusUnprocessableEntity},
		"unknown order":             {"GET", "/tasks?sort=colour", nil, nil, http.StatusUnprocessableEntity},
		"search without a word":     {"GET", "/tasks?q=%25%26%21", nil, nil, http.StatusOK},
		"no such page":              {"GET", "/nowhere", nil, nil, http.StatusNotFound},
		"no such method":            {"DELETE", "/tasks", nil, nil, http.StatusMethodNotAllowed},
	} {
		status, body := manager.do(c.method, strings.ReplaceAll(c.path, " ", "%20"), c.form, c.header)
		require.Equal(t, c.status, status, "%s: %.1000s", name, body)
		require.Contains(t, body, "<h1", "%s: a page of ours", name)
	}
	require.Equal(t, before, number(t, pool, "select count(*) from log.events"), "nothing was done")
}

func TestWithNoActiveWorkerTheDrawIsRefusedAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	someTask(t, database, "worker", true)
	pool := dial(t, database)
	_, err := pool.Exec(t.Context(), "update tracker.people set active = false where role = 'worker'")
	require.NoError(t, err)
	manager := signIn(t, p.address, "manager")
	tasks, fees := number(t, pool, "select count(*) from tracker.tasks"), number(t, pool, "select sum(assignment) from tracker.tasks")

	status, body := manager.post("/tasks", url.Values{"description": {"For nobody"}})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "There is no active worker")
	require.Contains(t, body, "For nobody</textarea>")
	status, body = manager.post("/tasks/assign", url.Values{})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "There is no active worker")
	require.Equal(t, tasks, number(t, pool, "select count(*) from tracker.tasks"))
	require.Equal(t, fees, number(t, pool, "select sum(assignment) from tracker.tasks"))
}

func TestPagesSpeakRussianToWhoeverAsksForIt(t *testing.T) {
	t.Parallel()
	p := start(t, demo(demoCompany.URL(t)))
	worker := signIn(t, p.address, "worker")
	_, body := worker.do(http.MethodGet, "/balance", nil, http.Header{"Accept-Language": {"ru-RU,ru;q=0.9"}})
	require.Contains(t, body, `lang="ru"`)
	require.Contains(t, body, "Баланс")
	status, body := worker.post("/preferences", url.Values{"lang": {"ru"}, "return_to": {"/tasks/mine"}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `lang="ru"`)
	status, body = worker.post("/tasks", url.Values{"description": {""}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.NotContains(t, body, "Describe the task")
	worker.post("/preferences", url.Values{"lang": {"klingon"}, "theme": {"<script>"}, "return_to": {"//evil.example"}})
	_, body = worker.get("/balance")
	require.Contains(t, body, `lang="ru"`, "what is no language changes nothing")
}
