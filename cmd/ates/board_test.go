package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheBoardCreatesWhereOneIsAndThePaletteShowsWhatOneMay(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	mine := someTask(t, database, "worker", false)
	worker, manager, admin := signIn(t, p.address, "worker"), signIn(t, p.address, "manager"), signIn(t, p.address, "admin")

	_, form := worker.get("/tasks/new")
	status, body := worker.post("/tasks", url.Values{
		"idempotency_key": {hidden(t, form, "idempotency_key")}, "description": {"Sharpen the quill"}, "return_to": {"/tasks?q=quill&sort=reward"},
	})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "has been created.")
	require.Contains(t, body, "Sharpen the quill</a>")
	require.Contains(t, body, `aria-sort="descending"`)
	require.Regexp(t, `1 of \d+ tasks matches`, body)
	status, body = worker.post("/tasks", url.Values{"description": {""}, "return_to": {"/balance"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, `name="return_to" value="/balance"`, "and goes on from there")

	// A Jira id in front of the title is one of its own from here on.
	status, body = worker.post("/tasks", url.Values{"description": {"[quill-77] - Mend the inkwell"}, "return_to": {"/tasks?q=QUILL-77"}})
	require.Equal(t, http.StatusOK, status)
	require.Regexp(t, `1 of \d+ tasks matches`, body)
	require.Regexp(t, `<a href="(/tasks/[0-9a-f-]+)"><span class="jira">QUILL-77</span> Mend the inkwell</a>`, body)
	_, address, _ := strings.Cut(body, `<td class="cell-text"><a href="`)
	address, _, _ = strings.Cut(address, `"`)
	_, body = worker.get(address)
	require.Contains(t, body, `<span class="jira">QUILL-77</span> Mend the inkwell</p>`)

	_, body = worker.get("/tasks/mine?sort=reward")
	pool := dial(t, database)
	open := number(t, pool, `select count(*) from tracker.board where status = 'open' and assignee = (select assignee from tracker.board where task = $1)`, mine)
	require.Equal(t, open, strings.Count(body, " data-row>"))
	require.Contains(t, body, `id="mine-would-pay"`)

	for name, c := range map[string]struct {
		someone  *person
		q        string
		has, not []string
	}{
		"worker":         {worker, "", []string{`"/balance"`, `"/tasks/new"`, `"/logout"`}, []string{`"/tasks/assign"`, `"/accounting"`, `"/people`, `"/ops"`}},
		"worker, people": {worker, "ada", nil, []string{"Ada Kakapo</span>", "/people/"}},
		"worker, pages":  {worker, "peop", nil, []string{"/people"}},
		"manager":        {manager, "", []string{`"/tasks/assign"`, `"/accounting"`}, []string{`"/balance"`, `"/people`, `"/ops"`}},
		"admin":          {admin, "ada", []string{"Ada Kakapo", "/people/"}, []string{`"/accounting"`, `"/balance"`}},
		"tasks":          {manager, "quil", []string{"Sharpen the quill", "Mend the inkwell"}, []string{"/people/"}},
		"Jira ids":       {manager, "quill-77", []string{"Mend the inkwell</span>", "QUILL-77 · T-"}, []string{"Sharpen the quill"}},
	} {
		header := http.Header{"HX-Request": {"true"}, "HX-Request-Type": {"partial"}, "HX-Target": {"div#palette-found"}}
		status, body := c.someone.do(http.MethodGet, "/palette?q="+url.QueryEscape(c.q), nil, header)
		require.Equal(t, http.StatusOK, status, name)
		require.True(t, strings.HasPrefix(body, `<div id="palette-found"`), name)
		for _, text := range c.has {
			require.Contains(t, body, text, name)
		}
		for _, text := range c.not {
			require.NotContains(t, body, text, name)
		}
	}
}
