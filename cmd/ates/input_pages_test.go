package main

import (
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// lookAround looks at the pages on which what was sent may stand by now.
func (a *attack) lookAround() {
	for _, i := range a.table {
		if i.method() == http.MethodGet {
			g := a.send(i, i.attempt(a.t, place{}, ""))
			a.people[i.by].requireSound(a.t, g, i.route+" afterwards")
			a.requireFormsTried(g)
		}
	}
	for path, by := range map[string]string{
		"/tasks": "manager", "/tasks/mine": "worker", "/tasks/new": "worker", "/tasks/assign": "manager", "/balance": "worker", "/notifications": "worker",
		"/notifications/preferences": "worker", "/audit": "manager", "/people": "admin", "/people?status=invited": "admin", "/people/new": "admin", "/people/import": "admin",
		"/ops": "admin", "/ops/events": "admin", "/ops/events?name=auth.UpdatePerson": "admin", "/palette?q=script": "admin", "/sessions": "worker", "/help": "worker", "/auth/passkeys": "admin",
	} {
		to, err := url.Parse(path)
		require.NoError(a.t, err)
		g := a.people[by].send(a.t, attempt{method: http.MethodGet, path: to.Path, query: to.RawQuery})
		require.Equal(a.t, http.StatusOK, g.status, path)
		a.people[by].requireSound(a.t, g, path+" afterwards")
		a.requireFormsTried(g)
	}
}

var (
	aForm    = regexp.MustCompile(`(?s)<form\s([^>]*)>(.*?)</form>`)
	aControl = regexp.MustCompile(`<(?:input|select|textarea|button)\s(?:[^>]*\s)?name="([^"]*)"`)
	aLink    = regexp.MustCompile(`\s(?:href|hx-get)="(/[^"]*\?[^"]*)"`)
)

// requireFormsTried fails the test where a page has a form or a link with a name that the table does not try.
func (a *attack) requireFormsTried(g got) {
	a.t.Helper()
	if !g.html() {
		return
	}
	attribute := func(of, name string) string {
		found := regexp.MustCompile(`(?:^|\s)` + name + `="([^"]*)"`).FindStringSubmatch(of)
		if found == nil {
			return ""
		}
		return html.UnescapeString(found[1])
	}
	requireTried := func(method, to string, names []string) {
		_, pattern := a.router.Handler(httptest.NewRequest(method, to, nil))
		for _, name := range names {
			require.Contains(a.t, a.names[pattern], name, "a page sends %s to %s, which is not in the table of inputs", name, pattern)
		}
	}
	for _, form := range aForm.FindAllStringSubmatch(g.body, -1) {
		if method := attribute(form[1], "method"); method != "dialog" {
			var names []string
			for _, control := range aControl.FindAllStringSubmatch(form[2], -1) {
				names = append(names, html.UnescapeString(control[1]))
			}
			requireTried(strings.ToUpper(method), attribute(form[1], "action"), names)
		}
	}
	for _, link := range aLink.FindAllStringSubmatch(g.body, -1) {
		to, err := url.Parse(html.UnescapeString(link[1]))
		require.NoError(a.t, err)
		requireTried(http.MethodGet, to.Path, slices.Collect(maps.Keys(to.Query())))
	}
}
