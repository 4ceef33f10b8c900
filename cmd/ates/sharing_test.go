package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Open pages whose live part is the same for many have it rendered once for a change; still each person has their own forms in it, and only
// those.
func TestAPartThatManySeeIsRenderedOnce(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := startWatched(t, demo(database))
	mine, others := someTask(t, database, "worker", false), someTask(t, database, "worker-2", false)
	manager, admin, worker, second := signIn(t, p.address, "manager"), signIn(t, p.address, "admin"), signIn(t, p.address, "worker"), signIn(t, p.address, "worker-2")
	streams := map[*person]<-chan string{manager: manager.stream("0"), worker: worker.stream("0"), second: second.stream("0"), admin: admin.stream("0")}
	for _, s := range streams {
		await(t, s, "hello")
	}
	createTask(t, manager, "Seen by everybody")
	created := pageOf(t, dial(t, database), "Seen by everybody")
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
