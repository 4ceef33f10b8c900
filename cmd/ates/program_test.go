package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/sqltest"
	"ates/views/viewstest"
)

// runsProgram turns this test binary into the program itself, so that tests can start it as a process and kill it.
const runsProgram = "ATES_TEST_RUNS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(runsProgram) == "1" {
		main()
		return
	}
	trustProxies()
	viewstest.Main(m, func() {
		if programs != "" {
			_ = os.RemoveAll(programs)
		}
	})
}

// program is a running ates process.
type program struct {
	t       testing.TB
	cmd     *exec.Cmd
	address string
	ended   chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// ready is the line that tells where the program listens.
var ready = regexp.MustCompile(`aTES is ready at (\S+)`)

// start starts the program as people have it and waits until it is ready. It is stopped when the test ends.
func start(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	return launch(t, plain(t), env, args...).untilReady(t)
}

// startWatched is start with the race detector in the program, where the test has it. That costs several times as much, so it is
// for the tests in which most happens at once.
func startWatched(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	return launch(t, os.Args[0], env, args...).untilReady(t)
}

// The version of the program that tests start.
const testRelease, testCommit = "v9.8.7", "0123456789ab"

// programs is the folder with the program that the tests of this process start, once one of them has wanted it.
var programs string

var compiled = sync.OnceValues(func() (path string, err error) {
	if programs, err = os.MkdirTemp("", "ates-program-"); err != nil {
		return "", err
	}
	path = filepath.Join(programs, "ates")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-w -X main.release="+testRelease+" -X main.commit="+testCommit, "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as packages are made
	said, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("compile the program: %w\n%s", err, said)
	}
	return path, err
})

// plain is the path of the program, compiled without the race detector.
func plain(t testing.TB) string {
	t.Helper()
	path, err := compiled()
	require.NoError(t, err)
	return path
}

func (p *program) untilReady(t testing.TB) *program {
	t.Helper()
	select {
	case <-p.ended:
		t.Fatalf("the program ended:\n%s", p.logged())
	case <-time.After(time.Minute):
		t.Fatalf("the program was not ready in time:\n%s", p.logged())
	case <-p.announced(t):
	}
	require.Eventually(t, func() bool {
		res, err := http.Get(p.address + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond, "not ready")
	return p
}

// launch starts the program without waiting for anything.
func launch(t testing.TB, path string, env []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, ended: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	if len(args) == 0 || args[0] == "serve" {
		p.cmd.Dir = t.TempDir() // with nothing in it: all that is needed to serve is within the program
	}
	// Its own group, so that a signal to it is a signal to it alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	env = proxied(t, pooled(t, env), args)
	p.cmd.Env = append(os.Environ(), append([]string{runsProgram + "=1", "ATES_ADDR=localhost:0", "DATABASE_URL=", "DATABASE_DIRECT_URL=", "DATABASE_REPLICA_URL=", "ATES_DEMO=", "GORACE=halt_on_error=1 atexit_sleep_ms=0", "GOGC=100"}, env...)...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.end(syscall.SIGKILL)
		if t.Failed() {
			log := p.logged()
			t.Logf("the end of the program's log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	return p
}

// pooled has a program go by way of a pooler, where the tests are asked to.
func pooled(t testing.TB, env []string) []string {
	t.Helper()
	at := slices.IndexFunc(env, func(setting string) bool { return strings.HasPrefix(setting, "DATABASE_URL=postgres://") })
	chosen := slices.ContainsFunc(env, func(setting string) bool { return strings.HasPrefix(setting, "DATABASE_DIRECT_URL=") })
	if at < 0 || chosen || !sqltest.Pooled() {
		return env
	}
	database := strings.TrimPrefix(env[at], "DATABASE_URL=")
	env = slices.Clone(env)
	env[at] = "DATABASE_URL=" + sqltest.Pooler(t, database)
	return append(env[:at+1:at+1], append([]string{"DATABASE_DIRECT_URL=" + database}, env[at+1:]...)...)
}

// Write takes what the program prints.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *program) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// says waits until the program has printed what matches; a line may arrive after the answer to the request that it is about. It
// returns the match and its groups.
func (p *program) says(t testing.TB, pattern *regexp.Regexp) (found []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		found = pattern.FindStringSubmatch(p.logged())
		return found != nil
	}, viewstest.Patience, 5*time.Millisecond, "it does not say %s", pattern)
	return found
}

// announced is closed when the program has said where it listens.
func (p *program) announced(t testing.TB) <-chan struct{} {
	said := make(chan struct{})
	go func() {
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for range look.C {
			if found := ready.FindStringSubmatch(p.logged()); found != nil {
				p.address = found[1]
				close(said)
				return
			}
			select {
			case <-p.ended:
				return
			case <-t.Context().Done():
				return
			default:
			}
		}
	}()
	return said
}

// end sends a signal and waits until the program has ended; it returns how long that took.
func (p *program) end(signal syscall.Signal) time.Duration {
	begin := time.Now()
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Errorf("the program did not end on %s", signal)
	}
	return time.Since(begin)
}

// person is somebody who uses the program by HTTP, without JavaScript.
type person struct {
	t       testing.TB
	address string
	client  *http.Client
}

// nobody is a browser in which nobody is signed in.
func nobody(t testing.TB, address string) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &person{t: t, address: address, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// signIn signs a person of the demo in, as they would with the form.
func signIn(t testing.TB, address, login string) *person {
	t.Helper()
	p := nobody(t, address)
	status, body := p.get("/login")
	require.Equal(t, http.StatusOK, status)
	status, body = p.post("/auth/login", url.Values{"request": {hidden(t, body, "request")}, "login": {login}, "password": {"demo-" + login}})
	require.Equal(t, http.StatusOK, status, body)
	require.NotContains(t, body, `name="password"`, "signed in")
	return p
}

// hidden is the value of the first hidden field with a name.
func hidden(t testing.TB, body, name string) string {
	t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body)
	require.NotNil(t, found, "the page has a field %s: %.3000s", name, body)
	return found[1]
}

// get fetches a page and follows redirects.
func (p *person) get(path string) (status int, body string) {
	p.t.Helper()
	return p.do(http.MethodGet, path, nil, nil)
}

// post sends a form and follows redirects.
func (p *person) post(path string, form url.Values) (status int, body string) {
	p.t.Helper()
	return p.do(http.MethodPost, path, form, nil)
}

// do sends a request with headers of its own.
func (p *person) do(method, path string, form url.Values, header http.Header) (status int, body string) {
	p.t.Helper()
	status, body, err := p.try(method, path, form, header)
	require.NoError(p.t, err)
	return status, body
}

// try is do for servers that may be gone.
func (p *person) try(method, path string, form url.Values, header http.Header) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(p.t.Context()), method, p.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	return res.StatusCode, string(content), err
}

// stream opens the person's stream; each event arrives as its name and data. It ends with the test or with the server's end.
func (p *person) stream(since string) <-chan string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.address+"/live?since="+since, nil)
	require.NoError(p.t, err)
	client := *p.client
	client.Timeout = 0
	res, err := client.Do(req)
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, res.StatusCode)
	events := make(chan string, 1000)
	go func() {
		defer close(events)
		defer res.Body.Close()
		name := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if v, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- name + " " + v
			}
		}
	}()
	return events
}

// await returns the first event that contains a text.
func await(t testing.TB, events <-chan string, text string) string {
	t.Helper()
	deadline := time.After(viewstest.Patience)
	var seen []string
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %q; it said %q", text, seen)
			}
			if strings.Contains(e, text) {
				return e
			}
			seen = append(seen, e)
		case <-deadline:
			t.Fatalf("%q did not come; the stream said %q", text, seen)
		}
	}
}

// demoCompany is a demo as it is a moment after its first start: its people and tasks are there, priced, drawn and charged.
var demoCompany = &sqltest.Template{Fill: func(t testing.TB, address string) {
	t.Helper()
	p := start(t, append(demo(address), "DATABASE_DIRECT_URL=")) // a pooler would stay connected to what is to be copied
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	defer pool.Close()
	require.Eventually(t, func() bool {
		return number(t, pool, "select count(*) from log.commands where key = 'demo'") == 1
	}, 30*time.Second, 20*time.Millisecond)
	jobstest.Idle(t, pool, 30*time.Second)
	p.end(syscall.SIGTERM)
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.logged())
}}

// demo is the environment of a demo on a database.
func demo(database string) []string { return []string{"DATABASE_URL=" + database, "ATES_DEMO=1"} }

// dial connects to a database.
func dial(t testing.TB, database string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// number asks a database for a number.
func number(t testing.TB, pool *pgxpool.Pool, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.WithoutCancel(t.Context()), query, args...).Scan(&n), fmt.Sprint(query, args))
	return n
}
