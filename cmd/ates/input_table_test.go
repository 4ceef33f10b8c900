package main

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// input is a request that a route takes, with a value in each place that it can have.
type input struct {
	// route is as the router has it. What stands in place of its wildcard is value.
	route, value string
	by           string
	// query and form are as they are sent, the form as one with files where file names a field of it for one.
	query, form, file string
	header            http.Header
	// status is the answer to it as it is; 0 is any that is no refusal.
	status int
	// Apart by blanks: sought are names that may have anything, kept those that may have any text that is not too long, and loose those
	// of which what makes no sense is as good as nothing. Of all others what makes no sense is refused.
	sought, kept, loose string
	// again are names that are read as another row's are, so that they are tried with one kind of what is hostile; * is every name. All
	// is one that is tried with everything that is no text or too long.
	again, all string
	// bodiless says that the route does without a body, so that any will do.
	bodiless bool
}

var wildcard = regexp.MustCompile(`\{\w+\}`)

func (i input) method() string { return i.route[:strings.Index(i.route, " ")] }

// path is where the route is with a value in place of its wildcard.
func (i input) path(value string) string {
	return wildcard.ReplaceAllLiteralString(i.route[strings.Index(i.route, " ")+1:], value)
}

// places are where values stand in the request: "path", "query" and "form", with their names.
func (i input) places(t *testing.T) (places []place) {
	t.Helper()
	if name := wildcard.FindString(i.route); name != "" {
		places = append(places, place{"path", strings.Trim(name, "{}")})
	}
	for in, text := range map[string]string{"query": i.query, "form": i.form} {
		values, err := url.ParseQuery(text)
		require.NoError(t, err)
		for name := range values {
			places = append(places, place{in, name})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return strings.Compare(a.in+a.name, b.in+b.name) })
	return places
}

// place is one of the places of a request.
type place struct{ in, name string }

func (i input) is(kind, name string) bool { return slices.Contains(strings.Fields(kind), name) }

// attempt is the request with another value in one place, as it stands there encoded.
func (i input) attempt(t *testing.T, at place, encoded string) attempt {
	t.Helper()
	a := attempt{method: i.method(), path: i.path(i.value), query: i.query, header: maps.Clone(i.header)}
	if a.header == nil {
		a.header = http.Header{}
	}
	with := func(text string) string {
		values, err := url.ParseQuery(text)
		require.NoError(t, err)
		values.Del(at.name)
		return strings.Trim(values.Encode()+"&"+url.QueryEscape(at.name)+"="+encoded, "&")
	}
	form := i.form
	switch at.in {
	case "path":
		a.path = i.path(encoded)
	case "query":
		a.query = with(i.query)
	case "form":
		form = with(i.form)
	}
	if i.method() == http.MethodGet {
		return a
	}
	contentType := "application/x-www-form-urlencoded"
	a.body = []byte(form)
	if i.file != "" {
		values, err := url.ParseQuery(form)
		require.NoError(t, err)
		a.body, contentType = multipartOf(t, values, i.file, "login,name,email,role\n")
	}
	a.header.Set("Content-Type", contentType)
	return a
}

// setting is what a table of inputs has to know of the program that they are for.
type setting struct {
	task, draw, worker, changed, reset, command, step, mail string
	// token opens a password link, and request is what the browser of "asking" is to answer.
	token, request string
}

// inputs are what every route takes that takes anything.
func inputs(s setting) []input {
	const key = "&idempotency_key="
	list := "q=seeds&status=open&assignee=" + s.worker + "&sort=fee&after=&before=5.5"
	ledger := "worker=" + s.worker + "&day=&type=fee&task=T-1&before=2026-03-01/5"
	people := "q=ann&role=worker&status=active&created=&after="
	authorize := "client_id=diary&redirect_uri=https://diary.example/callback&response_type=code&scope=openid&state=s&nonce=n&code_challenge=" +
		strings.Repeat("A", 43) + "&code_challenge_method=S256&response_mode=query&prompt=&max_age=&id_token_hint=&ui_locales=&display=&login_hint=&acr_values="
	ofAuthorize := "client_id redirect_uri response_type scope state nonce code_challenge code_challenge_method response_mode prompt max_age id_token_hint ui_locales display login_hint acr_values request request_uri"
	endSession := "id_token_hint=&client_id=&post_logout_redirect_uri=&state=&ui_locales=&logout_hint="
	ofEndSession := "id_token_hint client_id post_logout_redirect_uri state ui_locales logout_hint"
	told := "task_given/inbox task_given/mail tasks_drawn/inbox tasks_drawn/mail task_resolved/inbox task_resolved/mail daily_balance/inbox daily_balance/mail"
	diary := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("diary:"+diarySecret))}}
	return []input{
		{route: "GET /tasks", by: "manager", query: list, sought: "q", all: "q"},
		{route: "GET /tasks/mine", by: "worker", query: list, sought: "q", again: "*"},
		{route: "POST /tasks", by: "worker", form: "description=Count+the+seeds&return_to=/tasks/mine" + key, kept: "description idempotency_key", loose: "return_to", again: "return_to", all: "description"},
		{route: "GET /tasks/{id}", value: s.task, by: "worker", query: "before=9"},
		{route: "POST /tasks/{id}/resolve", value: s.task, by: "manager", form: "assignment=999&return_to=/tasks&before=" + key, status: http.StatusConflict, kept: "idempotency_key", loose: "return_to before", again: "idempotency_key id before"},
		{route: "POST /tasks/assign", by: "manager", form: "seen=1/1/1/" + s.draw + "/false" + key, status: http.StatusConflict, kept: "idempotency_key", again: "idempotency_key"},
		{route: "GET /tasks/draws", by: "worker", query: "before=" + s.draw},
		{route: "GET /tasks/draws/{id}", value: s.draw, by: "worker", query: "before=9&worker=" + s.worker},
		{route: "GET /palette", by: "admin", query: "q=seeds", sought: "q"},
		{route: "GET /balance", by: "worker", query: "before=&day="},
		{route: "GET /notifications", by: "worker", query: "show=unread&before=2026-03-01T12:00:00Z/tracker/5"},
		{route: "POST /notifications/mark", by: "worker", form: "notification=tracker-1&state=read&return_to=/tasks&until=" + key, kept: "idempotency_key", loose: "return_to until", again: "idempotency_key"},
		{route: "POST /notifications/mark", by: "worker", form: "state=unread&until=0" + key, kept: "idempotency_key", again: "idempotency_key state"},
		{route: "POST /notifications/preferences", by: "worker", form: "language=en&seen_tracker=0&seen_accounting=0&" + strings.ReplaceAll(told, " ", "&") + key, kept: "idempotency_key", loose: told, again: "idempotency_key " + told},
		{route: "GET /accounting", by: "top-manager", query: "day="},
		{route: "GET /accounting.csv", by: "manager", query: "day=", again: "*"},
		{route: "GET /accounting/payouts/{file}", value: "2026-03-01.xml", by: "manager", status: http.StatusNotFound},
		{route: "GET /analytics", by: "top-manager", query: "month="},
		{route: "GET /audit", by: "manager", query: ledger},
		{route: "GET /audit.csv", by: "top-manager", query: ledger, again: "*"},
		{route: "GET /people", by: "admin", query: people, sought: "q"},
		{route: "GET /people.csv", by: "admin", query: people, sought: "q", again: "*"},
		{route: "POST /people", by: "admin", form: "login=nelly&name=Nelly+Nutcracker&email=nelly@popug.example&role=worker" + key, kept: "login name idempotency_key", again: "idempotency_key"},
		{route: "POST /people/import", by: "admin", form: "idempotency_key=", file: "file", status: http.StatusUnprocessableEntity, kept: "idempotency_key", again: "idempotency_key"},
		{route: "POST /people/import/all", by: "admin", form: "people=login,name,email,role%0Aotto,Otto,otto@popug.example,worker&seen=x" + key, file: "none", status: http.StatusConflict, kept: "seen idempotency_key", again: "idempotency_key"},
		{route: "POST /people/links.csv", by: "admin", form: "q=nobody&role=&status=&created=&after=" + key, sought: "q", kept: "idempotency_key", again: "idempotency_key q role status created after"},
		{route: "GET /people/{id}", value: s.changed, by: "admin"},
		{route: "POST /people/{id}", value: s.changed, by: "admin", form: "name=Changed&email=changed@popug.example&seen=" + key, kept: "name idempotency_key", again: "idempotency_key id"},
		{route: "POST /people/{id}/role", value: s.changed, by: "admin", form: "role=worker&seen=" + key, kept: "idempotency_key", again: "idempotency_key id seen"},
		{route: "GET /people/{id}/deactivate", value: s.changed, by: "admin", again: "id"},
		{route: "POST /people/{id}/deactivate", value: s.changed, by: "admin", form: "seen=" + key, kept: "idempotency_key", again: "idempotency_key id seen"},
		{route: "POST /people/{id}/reactivate", value: s.changed, by: "admin", form: "seen=" + key, kept: "idempotency_key", again: "idempotency_key id seen"},
		{route: "GET /people/{id}/password", value: s.reset, by: "admin", again: "id"},
		{route: "POST /people/{id}/password", value: s.reset, by: "admin", form: "seen=" + key, kept: "idempotency_key", again: "idempotency_key id seen"},
		{route: "POST /ops/verify", by: "admin", form: "idempotency_key=", kept: "idempotency_key", again: "idempotency_key"},
		{route: "GET /ops/events", by: "admin", query: "q=&name=&before=", sought: "q name"},
		{route: "GET /ops/events/{id}", value: s.command, by: "admin"},
		{route: "GET /ops/events/{id}/members", value: s.command, by: "admin", query: "step=" + s.step + "&after=0", again: "id"},
		{route: "GET /ops/mail", by: "admin", query: "before="},
		{route: "GET /ops/mail/{id}", value: s.mail, by: "admin"},
		{route: "GET /ops/mail/{id}/html", value: s.mail, by: "admin", again: "id"},
		{route: "GET /ops/jobs/api/jobs", by: "admin", query: "ids=1&kinds=x&limit=5&priorities=1&queues=x&state=completed&tags=x", loose: "ids kinds limit priorities queues state tags"},
		{route: "GET /ops/jobs/api/queues", by: "admin", query: "limit=0", status: http.StatusUnprocessableEntity, loose: "limit"},
		{route: "GET /ops/jobs/api/jobs/{job}", value: "9000000000000000000", by: "admin", status: http.StatusNotFound},
		{route: "GET /ops/jobs/api/queues/{queue}", value: "money", by: "admin"},
		{route: "GET /ops/jobs/api/autocomplete", by: "admin", query: "facet=job_kind&match=x&exclude=y", loose: "facet match exclude"},
		{route: "PUT /ops/jobs/api/queues/{queue}/pause", value: "nobody", by: "admin", status: http.StatusNotFound, bodiless: true},
		{route: "POST /ops/jobs/api/jobs/retry", by: "admin", status: http.StatusBadRequest},
		{route: "POST /sessions/end", by: "manager", form: "session=" + s.draw + key, status: http.StatusNotFound, kept: "idempotency_key", again: "idempotency_key"},
		{route: "POST /preferences", by: "top-manager", form: "lang=en&theme=dark&density=compact&return_to=/tasks" + key, kept: "idempotency_key", loose: "lang theme density return_to", again: "idempotency_key"},
		{route: "GET /login", query: "return_to=/tasks&other=1", loose: "return_to other"},
		{route: "GET /callback", query: "state=x&code=x&iss=x&error=&error_description=", status: http.StatusConflict},
		{route: "POST /logout", bodiless: true},
		{route: "GET /auth/authorize", query: authorize, loose: ofAuthorize, again: "response_mode prompt max_age id_token_hint ui_locales display login_hint acr_values"},
		{route: "POST /auth/authorize", form: authorize, loose: ofAuthorize, again: "*"},
		{route: "GET /auth/authorize", query: "request_uri=https://diary.example/request&request=e30.e30.&client_id=diary&redirect_uri=https://diary.example/callback", loose: ofAuthorize, again: "*"},
		{route: "POST /auth/authorize", form: "request_uri=https://diary.example/request&request=e30.e30.&client_id=diary&redirect_uri=https://diary.example/callback", loose: ofAuthorize, again: "*"},
		{route: "GET /auth/login", by: "asking", query: "request=" + s.request, loose: "request"},
		{route: "POST /auth/login", by: "asking", form: "login=worker&password=wrong&request=" + s.request, status: http.StatusUnprocessableEntity, again: "password"},
		{route: "POST /auth/login", by: "asking", form: "demo=nobody&request=" + s.request, status: http.StatusForbidden, again: "request"},
		{route: "POST /auth/login", by: "asking", form: "passkey={}&request=" + s.request, status: http.StatusUnprocessableEntity, again: "request"},
		{route: "POST /auth/login/passkey", by: "asking", form: "request=" + s.request},
		{route: "GET /auth/passkeys", by: "worker", query: "done=added", loose: "done"},
		{route: "POST /auth/passkeys", by: "worker", form: "name=Phone&passkey={}", status: http.StatusUnprocessableEntity, again: "passkey"},
		{route: "POST /auth/passkeys/options", by: "worker", bodiless: true},
		{route: "POST /auth/passkeys/{id}/remove", value: s.draw, by: "worker", status: http.StatusNotFound, bodiless: true},
		{route: "POST /auth/passkeys/again", bodiless: true},
		{route: "GET /auth/password", query: "token=" + s.token},
		{route: "POST /auth/password", form: "token=" + s.token + "&password=short&login=worker-6" + key, status: http.StatusUnprocessableEntity, kept: "idempotency_key", loose: "login password", again: "idempotency_key login"},
		{route: "GET /auth/first-admin", query: "token=x", status: http.StatusNotFound},
		{route: "POST /auth/first-admin", form: "token=x&login=boss&name=Boss&email=boss@popug.example&password=four+words+of+mine" + key, status: http.StatusNotFound, again: "idempotency_key"},
		{route: "POST /auth/token", header: diary, form: "grant_type=authorization_code&code=x&redirect_uri=https://diary.example/callback&code_verifier=" + strings.Repeat("v", 43) + "&client_id=diary&scope=openid&refresh_token=x", status: http.StatusBadRequest},
		{route: "POST /auth/token", header: diary, form: "grant_type=refresh_token&refresh_token=x&scope=openid", status: http.StatusBadRequest, again: "*"},
		{route: "POST /auth/revoke", header: diary, form: "token=x&token_type_hint=", loose: "token token_type_hint"},
		{route: "POST /auth/userinfo", status: http.StatusUnauthorized, bodiless: true},
		{route: "GET /auth/end_session", query: endSession, loose: ofEndSession},
		{route: "POST /auth/end_session", form: endSession, loose: ofEndSession, bodiless: true, again: "*"},
		{route: "GET /metrics", query: "name[]=ates_streams", loose: "name[]"},
		{route: "GET /static/{file}", value: "app.css", status: http.StatusNotFound},
	}
}

// diarySecret is how the client "diary" shows who it is.
const diarySecret = "a secret of the diary, drawn at random"

// inputsApart are the routes whose input is tried in a way of its own: a stream has no end.
var inputsApart = []string{"GET /live"}

// tried are the names that the table tries for each of the router's patterns.
func tried(t *testing.T, router *http.ServeMux, table []input) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	for _, i := range table {
		_, pattern := router.Handler(httptest.NewRequest(i.method(), i.path("x"), nil))
		names[pattern] = append(names[pattern], i.file)
		for _, at := range i.places(t) {
			names[pattern] = append(names[pattern], at.name)
		}
	}
	return names
}

// router knows the routes of package handlers.
func router(t *testing.T) (known *http.ServeMux, patterns []string) {
	t.Helper()
	known, patterns = http.NewServeMux(), routePatterns(t)
	for _, pattern := range patterns {
		known.HandleFunc(pattern, http.NotFound)
	}
	return known, patterns
}

// TestEveryInputIsTriedWithWhatIsHostile reads from the source of the web side which routes there are and what they read.
func TestEveryInputIsTriedWithWhatIsHostile(t *testing.T) {
	t.Parallel()
	known, patterns := router(t)
	names, read := tried(t, known, inputs(setting{})), readWebSource(t).namesRead(t)
	require.Greater(t, len(read), 30)
	for _, pattern := range patterns {
		if slices.Contains(inputsApart, pattern) {
			continue
		}
		if strings.HasPrefix(pattern, http.MethodPost) || wildcard.MatchString(pattern) {
			require.Contains(t, names, pattern, "%s is not in the table of inputs: add what it takes", pattern)
		}
		for _, name := range read[pattern] {
			require.Contains(t, names[pattern], name, "%s reads %s, which is not in the table of inputs", pattern, name)
		}
	}
	for _, name := range readWebSource(t).requestHeaders() {
		require.Contains(t, hostileHeaders(), name, "requests are read by a header that is not tried")
	}
}
