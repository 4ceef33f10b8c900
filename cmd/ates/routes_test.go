package main

import (
	"go/ast"
	"go/token"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ates/static"
)

// may and not are the answers to who has a right and who has none.
const may, not = http.StatusOK, http.StatusForbidden

// asked is one request of the table of rights: what each role and nobody is answered, redirects followed.
type asked struct {
	method, path                        string
	form                                url.Values
	worker, manager, admin, top, nobody int
	// open is for everybody: whoever is not signed in is not asked to.
	open bool
}

func (a asked) answers() map[string]int {
	return map[string]int{"worker": a.worker, "manager": a.manager, "admin": a.admin, "top-manager": a.top, "nobody": a.nobody}
}

// everybody is a request that is open to all and answered alike.
func everybody(method, path string, status int) asked {
	return asked{method: method, path: path, open: true, worker: status, manager: status, admin: status, top: status, nobody: status}
}

// rights is section 4 of the specification over every route that the router knows. Where a form is sent by whoever may, what
// comes of it is another test's business: here it is the key that fits or does not.
func rights(othersTask, somebody string) []asked {
	return append([]asked{
		{"GET", "/", nil, may, may, may, may, may, false},
		{"GET", "/tasks", nil, may, may, may, may, may, false},
		{"POST", "/tasks", url.Values{"description": {"By them"}}, may, may, may, may, may, false},
		{"GET", "/tasks/new", nil, may, may, may, may, may, false},
		{"GET", "/palette", nil, may, may, may, may, may, false},
		// Before the draw, which may give the task to the worker who asks.
		{"POST", "/tasks/" + othersTask + "/resolve", url.Values{"assignment": {"999"}}, not, http.StatusConflict, http.StatusConflict, http.StatusConflict, may, false},
		{"GET", "/tasks/assign", nil, not, may, may, not, may, false},
		{"POST", "/tasks/assign", nil, not, may, may, not, may, false},
		{"GET", "/tasks/draws", nil, may, may, may, may, may, false},
		{"GET", "/tasks/draws/" + othersTask, nil, http.StatusNotFound, http.StatusNotFound, http.StatusNotFound, http.StatusNotFound, may, false},
		{"GET", "/tasks/mine", nil, may, not, not, not, may, false},
		{"GET", "/tasks/" + othersTask, nil, may, may, may, may, may, false},
		{"GET", "/balance", nil, may, not, not, not, may, false},
		{"GET", "/notifications", nil, may, may, may, may, may, false},
		{"POST", "/notifications/mark", url.Values{"state": {"read"}, "until": {"0"}}, may, may, may, may, may, false},
		{"GET", "/notifications/preferences", nil, may, may, may, may, may, false},
		{"POST", "/notifications/preferences", nil, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, may, false},
		{"GET", "/accounting", nil, not, may, not, may, may, false},
		{"GET", "/accounting.csv", nil, not, may, not, may, may, false},
		{"GET", "/accounting/payouts/2026-01-01.xml", nil, not, http.StatusNotFound, not, not, may, false},
		{"GET", "/analytics", nil, not, not, not, may, may, false},
		{"GET", "/audit", nil, may, may, not, may, may, false},
		{"GET", "/audit.csv", nil, may, may, not, may, may, false},
		{"GET", "/ops", nil, not, not, may, not, may, false},
		{"POST", "/ops/verify", nil, not, not, may, not, may, false},
		{"GET", "/ops/events", nil, not, not, may, not, may, false},
		{"GET", "/ops/events/" + othersTask, nil, not, not, http.StatusNotFound, not, may, false},
		{"GET", "/ops/events/" + othersTask + "/members", nil, not, not, http.StatusNotFound, not, may, false},
		{"GET", "/ops/mail", nil, not, not, may, not, may, false},
		{"GET", "/ops/mail/1", nil, not, not, http.StatusNotFound, not, may, false},
		{"GET", "/ops/mail/1/html", nil, not, not, http.StatusNotFound, not, may, false},
		{"GET", "/ops/jobs/", nil, not, not, may, not, may, false},
		{"GET", "/ops/jobs/api/jobs", nil, not, not, may, not, may, false},
		{"POST", "/ops/jobs/api/jobs/retry", nil, not, not, http.StatusBadRequest, not, may, false},
		{"GET", "/people", nil, not, not, may, not, may, false},
		{"GET", "/people.csv", nil, not, not, may, not, may, false},
		{"GET", "/people/new", nil, not, not, may, not, may, false},
		{"GET", "/people/import", nil, not, not, may, not, may, false},
		{"GET", "/people/" + somebody, nil, not, not, may, not, may, false},
		{"GET", "/people/" + somebody + "/deactivate", nil, not, not, may, not, may, false},
		{"GET", "/people/" + somebody + "/password", nil, not, not, may, not, may, false},
		{"POST", "/people", nil, not, not, http.StatusUnprocessableEntity, not, may, false},
		{"POST", "/people/import", nil, not, not, http.StatusUnprocessableEntity, not, may, false},
		{"POST", "/people/import/all", nil, not, not, http.StatusUnprocessableEntity, not, may, false},
		{"POST", "/people/links.csv", nil, not, not, may, not, may, false},
		{"POST", "/people/" + somebody, nil, not, not, http.StatusUnprocessableEntity, not, may, false},
		{"POST", "/people/" + somebody + "/role", nil, not, not, http.StatusUnprocessableEntity, not, may, false},
		{"POST", "/people/" + somebody + "/reactivate", nil, not, not, may, not, may, false},
		{"POST", "/people/" + somebody + "/password", nil, not, not, may, not, may, false},
		{"POST", "/people/" + somebody + "/deactivate", nil, not, not, may, not, may, false},
		{"GET", "/help", nil, may, may, may, may, may, false},
		{"GET", "/sessions", nil, may, may, may, may, may, false},
	},
		everybody("GET", "/login", may),
		everybody("GET", "/callback", http.StatusConflict),
		asked{"POST", "/preferences", url.Values{"return_to": {"/healthz"}}, may, may, may, may, may, true},
		everybody("GET", "/nothing/here", http.StatusNotFound),
		everybody("GET", static.URL("app.css"), may),
		everybody("GET", "/healthz", may),
		everybody("GET", "/metrics", may), // from this machine
		everybody("GET", "/readyz", may),
		everybody("GET", "/auth/.well-known/openid-configuration", may),
		everybody("GET", "/auth/keys", may),
		everybody("GET", "/auth/authorize", http.StatusUnprocessableEntity),
		everybody("POST", "/auth/authorize", http.StatusUnprocessableEntity),
		asked{"GET", "/auth/login", nil, may, may, may, may, may, false}, // to the home page, where nobody has asked to be let in
		everybody("POST", "/auth/login", http.StatusConflict),
		everybody("POST", "/auth/login/passkey", http.StatusConflict),
		// Whoever is not signed in at the Auth-Service is sent to do so, and owns no passkey.
		asked{"GET", "/auth/passkeys", nil, may, may, may, may, may, true},
		asked{"POST", "/auth/passkeys", nil, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, may, true},
		asked{"POST", "/auth/passkeys/options", nil, may, may, may, may, may, true},
		asked{"POST", "/auth/passkeys/" + othersTask + "/remove", nil, http.StatusNotFound, http.StatusNotFound, http.StatusNotFound, http.StatusNotFound, may, true},
		everybody("GET", "/signed-out", may),
		everybody("GET", "/auth/password", http.StatusNotFound),
		everybody("POST", "/auth/password", http.StatusNotFound),
		everybody("GET", "/auth/password/done", may),
		everybody("GET", "/auth/first-admin", http.StatusNotFound),
		everybody("POST", "/auth/first-admin", http.StatusNotFound),
		everybody("POST", "/auth/token", http.StatusUnauthorized),
		everybody("POST", "/auth/revoke", http.StatusUnauthorized),
		everybody("GET", "/auth/userinfo", http.StatusUnauthorized),
		everybody("POST", "/auth/userinfo", http.StatusUnauthorized),
		asked{"GET", "/auth/end_session", nil, http.StatusConflict, http.StatusConflict, http.StatusConflict, http.StatusConflict, may, false},
		asked{"POST", "/auth/end_session", nil, http.StatusConflict, http.StatusConflict, http.StatusConflict, http.StatusConflict, may, false},
		// Late, for these sign people out at the Auth-Service.
		asked{"POST", "/auth/passkeys/again", nil, may, may, may, may, may, true},
		asked{"POST", "/sessions/end", url.Values{"session": {"others"}}, may, may, may, may, may, false},
	)
}

// apart are the routes that are asked in a way of their own: a stream has no end, and who signs out cannot ask for more.
var apart = []string{"GET /live", "POST /logout"}

// TestEachRoleSeesAndDoesWhatItMay asks every route as each role and as nobody: as a page, as htmx asks for a part of one, and as
// another site would have the browser ask.
func TestEachRoleSeesAndDoesWhatItMay(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := startWatched(t, demo(database))
	table := rights(someTask(t, database, "worker", true), idOf(t, dial(t, database), "worker-8"))
	roles := []string{"worker", "manager", "admin", "top-manager"}
	people := map[string]*person{"nobody": nobody(t, p.address)}
	for _, login := range roles {
		people[login] = signIn(t, p.address, login)
	}
	for _, route := range table {
		// All at once, each in a browser of their own: what one is answered is not another's business.
		var group sync.WaitGroup
		for login, want := range route.answers() {
			group.Go(func() { askAs(t, people[login], login, route, want) })
		}
		group.Wait()
	}
	pool := dial(t, database)
	require.Equal(t, 2*len(roles), number(t, pool, "select count(*) from tracker.tasks where description = 'By them'"), "nobody's and foreign forms created nothing")

	for login, someone := range people {
		forged, _ := someone.do(http.MethodPost, "/logout", nil, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		require.Equal(t, http.StatusForbidden, forged)
		if login != "nobody" {
			await(t, someone.stream("0"), "hello")
		}
		status, body := someone.post("/logout", nil)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, `name="password"`)
		status, _ = someone.get("/live")
		require.Equal(t, http.StatusUnauthorized, status)
	}
}

// askAs asks a route as one person: from another site, as htmx does, and as a page.
func askAs(t *testing.T, someone *person, login string, route asked, want int) {
	if route.method != http.MethodGet {
		status, _ := someone.do(route.method, route.path, route.form, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		assert.Equal(t, http.StatusForbidden, status, "%s %s by %s, sent from another site", route.method, route.path, login)
	}
	stranger := login == "nobody" && !route.open
	status, body := someone.do(route.method, route.path, route.form, http.Header{"HX-Request": {"true"}, "HX-Request-Type": {"partial"}})
	if stranger {
		assert.Equal(t, http.StatusUnauthorized, status, "%s %s by nobody, as htmx asks", route.method, route.path)
	} else {
		assert.Equal(t, want, status, "%s %s by %s, as htmx asks: %.500s", route.method, route.path, login, body)
	}
	status, body = someone.do(route.method, route.path, route.form, nil)
	assert.Equal(t, want, status, "%s %s by %s: %.500s", route.method, route.path, login, body)
	if stranger {
		assert.Contains(t, body, `name="password"`, "%s %s: whoever is not signed in is asked to", route.method, route.path)
	}
}

// TestTheTableOfRightsKnowsEveryRoute reads the routes from the source of the web side.
func TestTheTableOfRightsKnowsEveryRoute(t *testing.T) {
	t.Parallel()
	patterns := routePatterns(t)
	require.Greater(t, len(patterns), 30)
	mux := http.NewServeMux()
	for _, pattern := range patterns {
		mux.HandleFunc(pattern, http.NotFound)
	}
	asked := map[string]bool{}
	for _, pattern := range apart {
		asked[pattern] = true
	}
	for _, route := range rights("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002") {
		_, pattern := mux.Handler(httptest.NewRequest(route.method, route.path, nil))
		asked[pattern] = true
	}
	for _, pattern := range patterns {
		if pattern != "/auth/" { // the Auth-Service's own routes are among the patterns
			require.True(t, asked[pattern], "%s is not in the table of rights: add who may ask it", pattern)
		}
	}
}

// routePatterns are the patterns that package handlers gives to a router, as its source has them.
func routePatterns(t *testing.T) []string {
	t.Helper()
	source := readWebSource(t)
	var patterns []string
	for name, file := range source.files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && (method.Sel.Name == "Handle" || method.Sel.Name == "HandleFunc") {
				pattern, ok := written(call.Args[0], source.constants)
				require.True(t, ok, "%s: a route's pattern is not written out", name)
				if !slices.Contains(patterns, pattern) {
					patterns = append(patterns, pattern)
				}
			}
			return true
		})
	}
	return patterns
}

// written is a text as the source has it, in one piece or in several, some of them constants.
func written(expression ast.Expr, constants map[string]string) (text string, ok bool) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		x, okX := written(e.X, constants)
		y, okY := written(e.Y, constants)
		return x + y, okX && okY
	case *ast.SelectorExpr:
		text, ok = constants[e.Sel.Name]
	case *ast.Ident:
		text, ok = constants[e.Name]
	}
	return text, ok
}
