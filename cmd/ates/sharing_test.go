package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/views/viewstest"
)

// Open pages whose live part is the same for many have it rendered once for a change; still each person has their own forms in it, and only
// those.
func TestAPartThatManySeeIsRenderedOnce(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := startWatched(t, demo(database))
	pool := dial(t, database)
	manager, admin, worker, second := signIn(t, p.address, "manager"), signIn(t, p.address, "admin"), signIn(t, p.address, "worker"), signIn(t, p.address, "worker-2")
	mine, _ := given(t, pool, manager, "worker", "Of the worker")
	others, _ := given(t, pool, manager, "worker-2", "Of another worker")
	streams := map[*person]<-chan string{manager: manager.stream("0"), worker: worker.stream("0"), second: second.stream("0"), admin: admin.stream("0")}
	for _, s := range streams {
		await(t, s, "hello")
	}
	createTask(t, manager, "Seen by everybody")
	created := pageOf(t, pool, "Seen by everybody")
	told := map[*person]string{}
	for someone, s := range streams {
		var publication string
		for event := ""; !strings.Contains(event, created); event = await(t, s, "") {
			if name, ok := strings.CutPrefix(event, "publication "); ok {
				publication = strings.Trim(name, `"`)
			}
		}
		require.NotEmpty(t, publication, "told before the change that is of it")
		told[someone] = publication
	}
	board := func(someone *person) string {
		t.Helper()
		status, body := someone.do(http.MethodGet, "/tasks", nil, http.Header{
			"Hx-Request": {"true"}, "Hx-Request-Type": {"partial"}, "Hx-Target": {"div#board"}, "Live-Publication": {told[someone]},
		})
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, "Seen by everybody", "what the page was told of is in it")
		require.NotContains(t, body, "<html", "the part only")
		return body
	}
	first := board(manager)
	require.Equal(t, first, board(manager), "the same, with the keys of its forms")
	require.Contains(t, first, "/tasks/"+mine+"/resolve")
	require.Contains(t, first, "/tasks/"+others+"/resolve")
	require.NotEqual(t, first, board(admin), "another role has another rendering")
	for range 2 { // whoever of them comes first
		own := board(worker)
		require.Contains(t, own, "/tasks/"+mine+"/resolve")
		require.NotContains(t, own, "/tasks/"+others+"/resolve")
		own = board(second)
		require.Contains(t, own, "/tasks/"+others+"/resolve")
		require.NotContains(t, own, "/tasks/"+mine+"/resolve")
	}
	_, metrics := nobody(t, p.address).get("/metrics")
	require.Regexp(t, `ates_live_parts_total\{outcome="served"\} [1-9]`, metrics)
	require.Regexp(t, `ates_live_parts_total\{outcome="alone"\} [1-9]`, metrics)
}

// keysOfForms are new in each rendering.
var keysOfForms = regexp.MustCompile(`name="idempotency_key" value="[^"]*"`)

// What is shared is what each of its readers would have got alone.
func TestASharedPartIsWhatOneIsAlone(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	mine := someTask(t, database, "worker", false)
	jobstest.Idle(t, dial(t, database), viewstest.Patience)
	for _, c := range []struct {
		path, part string
		logins     []string
	}{
		{"/tasks", "board", []string{"manager", "admin", "top-manager", "worker", "worker-2"}},
		{"/tasks?status=open&sort=oldest", "board", []string{"manager", "worker"}},
		{"/tasks/" + mine, "task", []string{"manager", "worker", "worker-2"}},
		{"/tasks/draws", "draws", []string{"manager", "worker"}},
		{"/accounting", "day", []string{"manager", "top-manager"}},
		{"/accounting", "earnings", []string{"manager", "top-manager"}},
		{"/analytics", "analytics", []string{"top-manager"}},
	} {
		for _, login := range c.logins {
			someone := signIn(t, p.address, login)
			part := func(publication ...string) string {
				t.Helper()
				header := http.Header{"Hx-Request": {"true"}, "Hx-Request-Type": {"partial"}, "Hx-Target": {"div#" + c.part}}
				if len(publication) > 0 {
					header["Live-Publication"] = publication
				}
				status, body := someone.do(http.MethodGet, c.path, nil, header)
				require.Equal(t, http.StatusOK, status)
				require.Contains(t, body, `id="`+c.part+`"`)
				return keysOfForms.ReplaceAllString(body, "")
			}
			require.Equal(t, part(), part("none"), "%s for %s", c.path, login)
		}
	}
}
