package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// hostile are values of one kind that nobody types, as they stand in an address or a form.
type hostile struct {
	name   string
	values []string
	// unreadable ones make the whole address or form one that cannot be read; notText cannot be kept as text, and tooLong are longer
	// than anything that is kept.
	unreadable, notText, tooLong bool
	// perhaps says that they can be right somewhere.
	perhaps bool
}

// markup would run a script where it stands unescaped, and injected does what the others of its kind do as well.
const (
	markup   = `<script>alert(1)</script>`
	injected = `'; drop table tracker.tasks; -- ` + markup + `"><img src=x onerror=alert(1)>{{print "exec" "uted"}}`
)

// attacks are what every parameter, field and path value is tried with.
var attacks = []hostile{
	{name: "encoding that is broken off", values: []string{"%", "a%f", "%zz", "a;b=c%"}, unreadable: true},
	{name: "what is no text", values: []string{"a%ff%fe", "a%00b", "%c3%28", "%ed%a0%80"}, notText: true},
	{name: "SQL, markup and templates", values: escaped(injected, `' or '1'='1`+injected, `\'; select pg_sleep(9) --`+injected)},
	{name: "a line of a header", values: escaped("a\r\nHostile: yes\r\n\r\n"+markup, "a\nHostile: yes", "\rHostile: yes")},
	{name: "another site", values: escaped("//hostile.example/", `/\hostile.example`, "https://hostile.example/", "/\t/hostile.example", "javascript:alert(1)//")},
	{name: "more than fits", values: escaped(strings.Repeat("x", 20_000), strings.Repeat("я", 3_000), strings.Repeat("x y ", 3_000), strings.Repeat("9", 5_000)), tooLong: true},
	{name: "no number", values: escaped(strings.Repeat("9", 40), "NaN", "1e999", "0x1F", "٣", "18446744073709551616")},
	{name: "no day", values: escaped("0000-00-00", "99999-12-31", "-infinity", "infinity", "2026-02-30", "2026-13")},
	{name: "no id", values: escaped("00000000-0000-0000-0000-00000000000g", "01890000-0000-7000-8000", "tracker--", "accounting")},
	{name: "an end of the numbers", values: escaped("-1", "9223372036854775807.-9223372036854775808", "9223372036854775807", "-9223372036854775808"), perhaps: true},
	{name: "an end of the days", values: escaped("9999-12-31/9223372036854775807", "0000-01-01", "0001-01-01T00:00:00Z/tracker/-1", "9999-12", "0000-01-01T00:00:00-23:59"), perhaps: true},
	{name: "an end of the ids", values: escaped("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "tracker-9223372036854775807", "{00000000-0000-0000-0000-000000000000>"), perhaps: true},
}

// escaped are values as they stand in any part of an address.
func escaped(values ...string) (all []string) {
	for _, value := range values {
		all = append(all, strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
	}
	return all
}

// attempt is a request with something in it that is hostile.
type attempt struct {
	method, path, query string
	body                []byte
	header              http.Header
}

// got is an answer, redirects not followed.
type got struct {
	status int
	header http.Header
	body   string
}

func (g got) html() bool { return strings.HasPrefix(g.header.Get("Content-Type"), "text/html") }

// send makes a request as it is, however broken its address.
func (p *person) send(t *testing.T, a attempt) got {
	t.Helper()
	to, err := url.Parse(p.address)
	require.NoError(t, err)
	to.RawQuery = a.query
	if path, err := url.PathUnescape(a.path); err == nil {
		to.Path, to.RawPath = path, a.path
	} else {
		to.Opaque = "//" + to.Host + a.path
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), a.method, p.address, bytes.NewReader(a.body))
	require.NoError(t, err)
	req.URL = to
	for name, values := range a.header {
		req.Header[name] = values
	}
	client := *p.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var content io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" { // as the attempt itself has asked for
		content, err = gzip.NewReader(res.Body)
		require.NoError(t, err)
	}
	body, err := io.ReadAll(content)
	require.NoError(t, err)
	return got{res.StatusCode, res.Header, string(body)}
}

// giveaways are what must stand on no page: what was sent as it would be run, and what Postgres or Go say of it.
var giveaways = []string{
	"<script>alert", `"><img src=x`, "executed", `href="javascript:`, `src="javascript:`, `action="javascript:`,
	"SQLSTATE", "invalid byte sequence", "invalid input syntax", "runtime error", "goroutine ", "\x00",
}

// requireSound fails the test where an answer shows what it should not, sends the browser away, or owes the reason of a refusal.
func (p *person) requireSound(t *testing.T, g got, what string) {
	t.Helper()
	require.Less(t, g.status, 500, "%s: %.2000s", what, g.body)
	require.Empty(t, g.header.Get("Hostile"), what)
	if to := g.header.Get("Location"); to != "" {
		u, err := url.Parse(to)
		require.NoError(t, err, what)
		require.True(t, u.Host == "" && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.Contains(to, `\`) ||
			strings.HasPrefix(to, p.address+"/") || strings.HasPrefix(to, "https://diary.example/callback?"), "%s leads to %s", what, to)
	}
	require.True(t, utf8.ValidString(g.body), "%s: the answer is text: %.2000q", what, g.body)
	if !g.html() {
		return
	}
	for _, giveaway := range giveaways {
		if at := strings.Index(g.body, giveaway); at >= 0 {
			t.Fatalf("%s: ...%q...", what, g.body[max(0, at-200):min(len(g.body), at+200)])
		}
	}
	require.True(t, g.status < 400 || strings.Contains(g.body, "<h1"), "%s: a page of ours", what)
}

// multipartOf is a form as browsers send it that carry files.
func multipartOf(t *testing.T, fields url.Values, file, content string) (body []byte, contentType string) {
	t.Helper()
	var written bytes.Buffer
	w := multipart.NewWriter(&written)
	for name, values := range fields {
		for _, value := range values {
			require.NoError(t, w.WriteField(name, value))
		}
	}
	if file != "" {
		part, err := w.CreateFormFile(file, markup+".csv")
		require.NoError(t, err)
		_, err = part.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return written.Bytes(), w.FormDataContentType()
}
