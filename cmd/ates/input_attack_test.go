package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/handlers"
	"ates/jobs/jobstest"
	"ates/static"
)

// attack is a program with people of every role, and the table of what its routes take.
type attack struct {
	t       *testing.T
	program *program
	pool    *pgxpool.Pool
	people  map[string]*person
	table   []input
	router  *http.ServeMux
	names   map[string][]string
	// turns count how often each kind of hostile value was used, so that its values take turns.
	turns map[string]int
}

func newAttack(t *testing.T) *attack {
	t.Helper()
	database := demoCompany.URL(t)
	clients, err := json.Marshal([]handlers.Client{{ID: "diary", Secret: diarySecret, RedirectURIs: []string{"https://diary.example/callback"}, Offline: true}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "clients.json")
	require.NoError(t, os.WriteFile(file, clients, 0o600))
	a := &attack{t: t, program: start(t, append(demo(database), "ATES_CLIENTS="+file)), pool: dial(t, database), turns: map[string]int{}}
	address := a.program.address
	s := setting{task: someTask(t, database, "worker", true)}
	a.people = map[string]*person{"": nobody(t, address), "asking": nobody(t, address)}
	for _, login := range []string{"worker", "manager", "top-manager", "admin"} {
		a.people[login] = signIn(t, address, login)
	}
	// Compressing costs more than all else here.
	for _, someone := range a.people {
		someone.client.Transport = &http.Transport{DisableCompression: true}
	}
	admin, id := a.people["admin"], func(login string) string { return idOf(t, a.pool, login) }
	s.worker, s.changed, s.reset = id("worker"), id("worker-8"), id("worker-7")
	_, body := admin.post("/people/"+id("worker-6")+"/password", nil)
	s.token = passwordLink.FindStringSubmatch(body)[1]
	_, body = a.people["asking"].get("/login")
	s.request = hidden(t, body, "request")
	_, body = a.people["manager"].post("/tasks/assign", nil)
	s.draw = regexp.MustCompile(`/tasks/draws/([0-9a-f-]{36})`).FindStringSubmatch(body)[1]
	jobstest.Idle(t, a.pool, time.Minute)
	_, body = admin.get("/ops/events?name=tracker.AssignTasks")
	s.command = regexp.MustCompile(`/ops/events/([0-9a-f-]{36})`).FindStringSubmatch(body)[1]
	_, body = admin.get("/ops/events/" + s.command)
	s.step = regexp.MustCompile(`members\?step=([^"&]+)`).FindStringSubmatch(body)[1]
	_, body = admin.get("/ops/mail")
	s.mail = regexp.MustCompile(`/ops/mail/(\w+-\d+)`).FindStringSubmatch(body)[1]
	a.table = inputs(s)
	a.router, _ = router(t)
	a.names = tried(t, a.router, a.table)
	return a
}

func (a *attack) send(i input, sent attempt) got { return a.people[i.by].send(a.t, sent) }

// kept are all rows but those of sessions and of what is asked of somebody who wants in, which looking around makes too, and the
// days, which the clock opens.
func (a *attack) kept() map[string][]string {
	rows := jobstest.Rows(a.t, a.pool)
	for _, table := range []string{"auth.sessions", "auth.provider_sessions", "auth.authorizations", "auth.passkey_challenges", "auth.sign_in_tries", "accounting.days"} {
		require.Contains(a.t, rows, table)
		delete(rows, table)
	}
	return rows
}

// refuses reports whether a value in a place makes no sense, so that the request is to be refused.
func (i input) refuses(at place, h hostile) bool {
	switch {
	case h.unreadable:
		return !i.bodiless || at.in != "form"
	case i.is(i.loose, at.name), i.is(i.sought, at.name):
		return false
	case i.is(i.kept, at.name):
		return h.notText || h.tooLong
	}
	return !h.perhaps
}

// all sends what is hostile in every place in which it is of the sort that is asked for, values of a kind in turn.
func (a *attack) all(asked func(input, place, hostile) bool) {
	count := 0
	for _, i := range a.table {
		for _, at := range i.places(a.t) {
			kinds := attacks
			if i.again == "*" || i.is(i.again, at.name) {
				kinds = attacks[count%len(attacks) : count%len(attacks)+1]
				count++
			}
			for _, h := range kinds {
				if !asked(i, at, h) || h.unreadable && i.file != "" && at.in == "form" {
					continue
				}
				values := []string{h.values[a.turn(h.name, len(h.values))]}
				if i.all == at.name && (h.notText || h.tooLong) {
					values = h.values
				}
				for _, value := range values {
					a.try(i, at, h, value)
				}
			}
		}
	}
}

// turn counts from 0 to n-1 again and again.
func (a *attack) turn(of string, n int) int {
	a.turns[of]++
	return a.turns[of] % n
}

// try sends one hostile value, and requires that it is refused, or not, as is right for its place.
func (a *attack) try(i input, at place, h hostile, value string) {
	a.t.Helper()
	sent := i.attempt(a.t, at, value)
	if i.file != "" && at.in == "form" {
		plain, err := url.PathUnescape(value)
		require.NoError(a.t, err)
		sent = i.attempt(a.t, at, url.QueryEscape(plain))
	}
	g := a.send(i, sent)
	what := i.route + " with " + h.name + " for " + at.name + ": " + value[:min(len(value), 80)]
	a.people[i.by].requireSound(a.t, g, what)
	if g.status == http.StatusTooManyRequests {
		require.Equal(a.t, "POST /auth/login", i.route, what)
	}
	switch {
	case i.refuses(at, h):
		require.GreaterOrEqual(a.t, g.status, 400, "%s is refused: %.2000s", what, g.body)
	case i.is(i.sought, at.name) && !h.perhaps:
		require.Less(a.t, g.status, 400, "%s is searched for: %.2000s", what, g.body)
	}
}

// bodies sends every form in ways in which no page of ours does.
func (a *attack) bodies() {
	for _, i := range a.table {
		if i.method() == http.MethodGet {
			continue
		}
		filler := 40_000
		if strings.HasPrefix(i.route, "POST /people/import") {
			filler = 1_200_000
		}
		for contentType, body := range map[string]string{
			"application/x-www-form-urlencoded":           i.form + "&filler=" + strings.Repeat("x", filler),
			"application/json":                            `{"description":"Not a form","idempotency_key":{"$ne":null}}`,
			"multipart/form-data; boundary=one":           "--another\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nx\r\n--another--\r\n",
			"multipart/form-data":                         i.form,
			"text/html; charset=\"><script>alert(1)":      i.form,
			"":                                            i.form,
			"application/x-www-form-urlencoded, text/xml": i.form + "%",
		} {
			sent := i.attempt(a.t, place{}, "")
			sent.body = []byte(body)
			sent.header["Content-Type"] = []string{contentType}
			g := a.send(i, sent)
			what := i.route + " as " + contentType
			a.people[i.by].requireSound(a.t, g, what)
			if !i.bodiless {
				require.GreaterOrEqual(a.t, g.status, 400, what)
			}
		}
	}
}

// files imports people from what is no file of people, or has hostile cells.
func (a *attack) files() {
	const header = "login,name,email,role\n"
	cells := strings.NewReplacer("\n", " ", `"`, `""`)
	lines := header
	for _, h := range attacks {
		for _, value := range h.values {
			if text, err := url.PathUnescape(value); err == nil && !h.notText {
				for _, line := range []string{`"%s",Ann,ann@popug.example,worker`, `ann,"%s",ann,worker`, `ann,Ann,"%s",worker`, `ann,Ann,ann@popug.example,"%s"`} {
					lines += strings.ReplaceAll(line, "%s", cells.Replace(text[:min(len(text), 200)])) + "\n"
				}
			}
		}
	}
	for name, content := range map[string]string{
		"hostile cells": lines, "nothing": "", "no people": header, "no columns": markup + "\n" + markup, "NUL": header + "a\x00b,a,a,worker\n",
		"not UTF-8": header + "a,\xff\xfe,a,worker\n", "half a quotation": header + `a,"b`, "UTF-16": "\xff\xfel\x00o\x00g\x00i\x00n\x00",
		"too many": header + strings.Repeat("a,b,c,d\n", 10_001), "too large": header + strings.Repeat("x", 1_200_000), "one cell": header + strings.Repeat(",", 500_000),
		"a program": "PK\x03\x04\x14\x00" + header,
	} {
		for path, form := range map[string]url.Values{"/people/import": {}, "/people/import/all": {"people": {content}, "seen": {"x"}}} {
			file := map[bool]string{true: "file"}[len(form) == 0]
			body, contentType := multipartOf(a.t, form, file, content)
			g := a.people["admin"].send(a.t, attempt{method: http.MethodPost, path: path, body: body, header: http.Header{"Content-Type": {contentType}}})
			a.people["admin"].requireSound(a.t, g, path+" of "+name)
			require.Contains(a.t, []int{http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusConflict}, g.status, "%s of %s", path, name)
		}
	}
}

// passkeys sends what no authenticator answers.
func (a *attack) passkeys() {
	const clientData = "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoieCIsIm9yaWdpbiI6IngifQ"
	answers := []string{
		"", "{", "null", "[]", `"x"`, "1e999", `{"id":{}}`, strings.Repeat("[", 5_000), strings.Repeat(`{"id":`, 3_000), "\xff\x00",
		`{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"` + clientData + `","attestationObject":"oA"}}`,
		`{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"` + clientData + `","attestationObject":"v/////////8"}}`,
		`{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"` + clientData + `","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`,
		`{"id":"` + markup + `","rawId":"` + strings.Repeat("A", 10_000) + `","type":"public-key","type":"other","response":null}`,
	}
	for _, i := range a.table {
		for _, at := range i.places(a.t) {
			for _, answer := range answers {
				if at.name == "passkey" {
					g := a.send(i, i.attempt(a.t, at, url.QueryEscape(answer)))
					a.people[i.by].requireSound(a.t, g, i.route+" with the passkey "+answer[:min(len(answer), 80)])
					require.Equal(a.t, http.StatusUnprocessableEntity, g.status, g.body)
				}
			}
		}
	}
}

// hostileHeaders are the headers by which requests are read, each with what no browser sends.
func hostileHeaders() map[string][]string {
	text := []string{markup, `"><img src=x onerror=alert(1)>`, "\xff\xfe", `'; drop table tracker.tasks; --`, strings.Repeat("x", 20_000)}
	return map[string][]string{
		"Accept":           append(text, "application/json; q=NaN", strings.Repeat("application/json,", 1_000)),
		"Accept-Encoding":  append(text, "gzip;q=NaN", "*;q=1e999", strings.Repeat("gzip,", 4_000)),
		"Live-Publication": append(text, "none", ".", "x.9223372036854775808", "x.-1"),
		"Accept-Language":  append(text, strings.Repeat("en-", 3_000), "de;q=NaN, *;q=1e999, ru;q=-1", "x-"+strings.Repeat("a-", 2_000)),
		"Authorization":    append(text, "Basic", "Basic %%%", "Basic /w==", "Basic OmE=", "Bearer", "Bearer "+markup, "Bearer \xff", "Bearer "+strings.Repeat("A", 8_000)),
		"Content-Type":     append(text, "multipart/form-data; boundary=", ";;;"),
		"Cookie": append(text, "ates=%ff", `lang="><script>alert(1)</script>; theme="><script>alert(1)</script>; density=<script>alert(1)</script>`,
			"ates-auth=x; ates-auth-browser="+strings.Repeat("x", 8_000)+"; ates-auth-known=.", ";;;=;", "lang=\xff; theme=\xff"),
		"HX-Current-URL":    append(text, "javascript:alert(1)", "//hostile.example/x", "https://hostile.example//hostile.example/", "%zz", "http:opaque"),
		"Forwarded":         append(text, `for="[::1]:80";proto=https`),
		"HX-Boosted":        text,
		"HX-Request":        text,
		"HX-Request-Type":   text,
		"HX-Target":         append(text, "main#"+markup, "#", "#live#live"),
		"If-None-Match":     append(text, `W/"`, `"*"`),
		"If-Modified-Since": append(text, "99999-12-31", "Mon, 01 Jan 0000 00:00:00 GMT"),
		"Range":             append(text, "bytes=-9223372036854775809", "bytes=9223372036854775807-", "bytes=0-0,1-1,2-2", "lines=1-"),
		"Last-Event-ID":     append(text, "-1", "18446744073709551616", "9223372036854775807"),
		"Origin":            append(text, "null", "https://hostile.example"),
		"Referer":           text,
		"Traceparent":       append(text, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", "ff-0-0-0", strings.Repeat("00-", 5_000)),
		"User-Agent":        text,
		"X-Forwarded-For":   append(text, "127.0.0.1, ::1%eth0, 999.1.1.1", strings.Repeat("1.1.1.1,", 3_000), ",,,"),
		"X-Request-ID":      append(text, "a b c d e f g h"),
	}
}

// headers sends requests with headers that no browser sends: to somebody's page, to whoever wants in, and to what reads some of
// them alone.
func (a *attack) headers() {
	worker, stranger := a.people["worker"], a.people[""]
	for name, values := range hostileHeaders() {
		paths := map[string]*person{"/signed-out": worker}
		switch name {
		case "Cookie", "HX-Current-URL":
			paths["/balance"] = stranger
		case "Authorization":
			paths = map[string]*person{"/auth/userinfo": stranger, "/auth/token": stranger, "/metrics": stranger}
		case "Accept":
			paths["/readyz"] = stranger
		case "Accept-Encoding", "Live-Publication":
			paths["/tasks"] = worker
		case "Forwarded", "X-Forwarded-For":
			paths["/metrics"] = stranger
		case "If-None-Match", "If-Modified-Since", "Range":
			paths = map[string]*person{static.URL("app.css"): stranger}
		}
		for path, someone := range paths {
			for _, value := range values {
				header := http.Header{http.CanonicalHeaderKey(name): {value}}
				if name == "HX-Current-URL" {
					header.Set("HX-Request", "true")
				}
				if path == "/tasks" { // a part that is shared
					header = http.Header{"Hx-Request": {"true"}, "Hx-Request-Type": {"partial"}, "Hx-Target": {"div#board"}, "Live-Publication": {"none"}}
					header.Set(name, value)
				}
				method := map[bool]string{true: http.MethodPost, false: http.MethodGet}[path == "/auth/token"]
				g := someone.send(a.t, attempt{method: method, path: path, header: header})
				what := path + " with " + name + ": " + value[:min(len(value), 80)]
				someone.requireSound(a.t, g, what)
				if way := g.header.Get("HX-Redirect"); way != "" {
					require.Regexp(a.t, `^/login(\?return_to=%2F([^%/\\].*)?)?$`, way, what)
				}
			}
		}
	}
}

// streams opens a person's stream from places that there are none.
func (a *attack) streams() {
	for _, h := range attacks {
		value := h.values[a.turn(h.name, len(h.values))]
		if !h.unreadable {
			await(a.t, a.people["manager"].stream(value), "hello")
			continue
		}
		g := a.people["manager"].send(a.t, attempt{method: http.MethodGet, path: "/live", query: "since=" + value})
		require.Equal(a.t, http.StatusUnprocessableEntity, g.status)
	}
}

// twice names each parameter and field a second time.
func (a *attack) twice() {
	for _, i := range a.table {
		for _, at := range i.places(a.t) {
			if at.in == "path" || i.file != "" {
				continue
			}
			sent := i.attempt(a.t, place{}, "")
			more := "&" + url.QueryEscape(at.name) + "=" + url.QueryEscape(markup) + "&" + url.QueryEscape(strings.ToUpper(at.name)) + "=%ff"
			if at.in == "query" {
				sent.query += more
			} else {
				sent.body = append(sent.body, more...)
			}
			a.people[i.by].requireSound(a.t, a.send(i, sent), i.route+" with "+at.name+" twice")
		}
	}
}
