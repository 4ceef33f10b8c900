package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

func TestMisconfigurationIsRefusedWithTheVariablesName(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{
		"ATES_TIME_ZONE":       "ATES_TIME_ZONE=Mars/Olympus",
		"ATES_CURRENCY":        "ATES_CURRENCY=DOUBLOONS",
		"ATES_ADDR":            "ATES_ADDR=8080",
		"ATES_PUBLIC_URL":      "ATES_PUBLIC_URL=http://tasks.example.com",
		"ATES_DEMO":            "ATES_DEMO=perhaps",
		"ATES_CLOCK_OFFSET":    "ATES_CLOCK_OFFSET=1h",
		"DATABASE_URL":         "DATABASE_URL=postgres://localhost:1/none",
		"DATABASE_DIRECT_URL":  "DATABASE_URL= DATABASE_DIRECT_URL=postgres://localhost:1/none",
		"ATES_PAYOUTS":         "ATES_PAYOUTS=cheque",
		"ATES_PAYOUT_DEBTOR":   "ATES_PAYOUTS=file",
		"ATES_PAYOUT_IBAN":     "ATES_PAYOUTS=file ATES_PAYOUT_DEBTOR=UberPopug ATES_PAYOUT_IBAN=DE00370400440532013000",
		"ATES_PAYOUT_BIC":      "ATES_PAYOUTS=file ATES_PAYOUT_DEBTOR=UberPopug ATES_PAYOUT_IBAN=DE89370400440532013000 ATES_PAYOUT_BIC=BANK",
		"ATES_TRUSTED_PROXIES": "ATES_TRUSTED_PROXIES=10.0.0.0/99",
		"ATES_PROBES_ADDR":     "ATES_PROBES_ADDR=9090",
		"OTEL_TRACES_EXPORTER": "OTEL_TRACES_EXPORTER=zipkin",
		"SMTP_URL":             "SMTP_URL=http://mail.example ATES_MAIL_FROM=ates@company.example",
		"ATES_MAIL_FROM":       "SMTP_URL=smtp://mail.example",
		"ATES_DRAIN":           "ATES_DRAIN=-1s",
		"ATES_CLIENTS":         "ATES_CLIENTS=/no/such/file.json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, refusedStart(t, strings.Fields(env)...), name)
		})
	}
}

func TestQueuesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for said, args := range map[string][]string{
		`"gold", which is none; the queues are people, money,`: {"--queues=money,gold"},
		"--jobs=false on none":                                 {"--queues=money", "--jobs=false"},
		"there is nothing to do":                               {"--web=false", "--jobs=false"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), append([]string{"serve", "--database-url=postgres://localhost:1/none"}, args...), &out, &out), said)
	}
}

// refusedStart starts the program with an environment that it must refuse, and returns what it said.
func refusedStart(t *testing.T, env ...string) string {
	t.Helper()
	p := launch(t, plain(t), append([]string{"DATABASE_URL=" + sqltest.Empty(t)}, env...))
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the program started all the same")
	}
	require.Equal(t, 1, p.cmd.ProcessState.ExitCode())
	return p.logged()
}

func TestWithoutTheDemoNobodyGetsInWithItsPasswords(t *testing.T) {
	t.Parallel()
	database := sqltest.Empty(t)
	p := start(t, []string{"DATABASE_URL=" + database})
	require.NotContains(t, p.logged(), "demo-")
	someone := nobody(t, p.address)
	_, body := someone.get("/login")
	require.NotContains(t, body, `name="demo"`)
	status, body := someone.post("/auth/login", url.Values{"request": {hidden(t, body, "request")}, "login": {"admin"}, "password": {"demo-admin"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, `name="password"`)
	require.Zero(t, number(t, dial(t, database), "select count(*) from auth.accounts"))
	requireNoDemoEntry(t, p.address, "admin")
	requireVersion(t, p)
	requireProbes(t, launch(t, plain(t), []string{"DATABASE_URL=" + database, "ATES_PROBES_ADDR=localhost:0"}, "serve", "--web=false", "--queues=money,payouts"))
}

// requireProbes requires that a process without pages says how it is.
func requireProbes(t testing.TB, p *program) {
	t.Helper()
	said := regexp.MustCompile(`msg="probes are served" address=(\S+)`)
	p.address = "http://" + p.says(t, said)[1]
	someone := nobody(t, p.address)
	require.Eventually(t, func() bool {
		_, body := someone.get("/readyz")
		return body == "ok\ndatabase: ok\nmigrations: ok\njobs: ok, of money, payouts\n"
	}, time.Minute, 50*time.Millisecond)
	var asked bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"ready", "--probes-addr", strings.TrimPrefix(p.address, "http://")}, &asked, &asked))
	require.Contains(t, asked.String(), "ok\ndatabase: ok\n")
	require.Error(t, run(t.Context(), []string{"ready", "--addr=localhost:1"}, &asked, &asked))
	_, metrics := someone.get("/metrics")
	require.Contains(t, metrics, "\nates_jobs_working 1\n")
	require.NotContains(t, metrics, "ates_streams")
	status, _ := someone.get("/healthz")
	require.Equal(t, http.StatusOK, status)
	status, _ = someone.get("/tasks")
	require.Equal(t, http.StatusNotFound, status)
}

// requireNoDemoEntry sends the form of a click on a person of the demo, which no page has.
func requireNoDemoEntry(t testing.TB, address string, logins ...string) {
	t.Helper()
	for _, login := range logins {
		someone := nobody(t, address)
		_, page := someone.get("/login")
		require.NotContains(t, page, `name="demo"`)
		status, body := someone.post("/auth/login", url.Values{"request": {hidden(t, page, "request")}, "demo": {login}})
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, body, "This entry is closed.")
		_, page = someone.get("/")
		require.Contains(t, page, `name="password"`, "nobody is signed in")
	}
}

func TestADatabaseWithPeopleOfItsOwnGetsNoDemo(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	_, err := dial(t, database).Exec(t.Context(), `insert into auth.accounts (id, login, name, email, role, status, version, created_at, updated_at)
		values (gen_random_uuid(), 'boss', 'Boss', 'boss@company.example', 'admin', 'active', 1, now(), now())`)
	require.NoError(t, err)
	p := start(t, demo(database))
	require.NotContains(t, p.logged(), "demo-manager")
	require.Equal(t, 1, number(t, dial(t, database), "select count(*) from auth.accounts"))
	requireNoDemoEntry(t, p.address, "boss", "admin")
}

func TestAPrivatePostgresIsKeptBetweenStarts(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/var/tmp", "ates-test-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	env := []string{"ATES_DATA=" + dir + "/pg"}

	p := start(t, env)
	for _, login := range []string{"admin", "manager", "top-manager", "worker", "worker-8"} {
		p.says(t, regexp.MustCompile("demo-"+login))
		signIn(t, p.address, login)
	}
	manager := signIn(t, p.address, "manager")
	createTask(t, manager, "Kept between starts")
	stream := manager.stream("0")
	await(t, stream, "hello")
	require.Less(t, p.end(syscall.SIGTERM), 15*time.Second)
	require.Equal(t, 0, p.cmd.ProcessState.ExitCode(), p.logged())
	var last string
	for last = range stream { // ends because the program ended it
	}
	require.Equal(t, "moved {}", last, "the page may ask another process at once")

	p = start(t, env)
	_, board := signIn(t, p.address, "worker").get("/tasks?q=Kept+between+starts")
	require.Contains(t, board, "Kept between starts</a>")
	p.end(syscall.SIGKILL)

	p = start(t, env)
	_, board = signIn(t, p.address, "worker").get("/tasks?q=Kept+between+starts")
	require.Contains(t, board, "Kept between starts</a>", "after kill -9 too")
	p.end(syscall.SIGTERM)
}

// createTask creates a task with the form for it.
func createTask(t testing.TB, p *person, description string) {
	t.Helper()
	_, form := p.get("/tasks/new")
	status, body := p.post("/tasks", url.Values{"idempotency_key": {hidden(t, form, "idempotency_key")}, "description": {description}})
	require.Equal(t, http.StatusOK, status, body)
}

func TestPagesOfOneProcessShowWhatHappensInAnother(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	one := startWatched(t, demo(database))
	two := startWatched(t, demo(database), "serve", "--jobs=false")
	manager, worker := signIn(t, one.address, "manager"), signIn(t, two.address, "worker")
	events := worker.stream("0")
	await(t, events, "hello")
	createTask(t, manager, "Seen through the other process")
	await(t, events, "tasks/")
	_, board := worker.get("/tasks?q=other+process")
	require.Contains(t, board, "Seen through the other process</a>")

	createTask(t, worker, "And the other way round")
	_, board = manager.get("/tasks?q=other+way")
	require.Contains(t, board, "And the other way round</a>")
}

// TestNothingAnsweredIsLostOnKill is a busy hour in which the program is killed and started again: what people were told was
// done stays done, once, and the books agree in the end.
func TestNothingAnsweredIsLostOnKill(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	pool := dial(t, database)
	p := startWatched(t, demo(database))
	require.Eventually(t, func() bool { return number(t, pool, "select count(*) from tracker.tasks") >= len(demoTasks) }, 20*time.Second, 20*time.Millisecond)

	var mu sync.Mutex
	created, assigns := map[string]bool{}, 0
	resolved := map[string]bool{}
	people := func(p *program) map[string]*person {
		in := map[string]*person{}
		for _, login := range []string{"manager", "admin", "worker", "worker-2"} {
			in[login] = signIn(t, p.address, login)
		}
		return in
	}
	work := func(people map[string]*person, rounds int) {
		var group sync.WaitGroup
		for login, someone := range people {
			group.Go(func() {
				for range rounds {
					name := "Survives " + strconv.FormatUint(rand.Uint64(), 36)
					status, _, err := someone.try(http.MethodPost, "/tasks", url.Values{"idempotency_key": {name}, "description": {name}}, nil)
					if err != nil {
						return // the program is dead
					}
					if status == http.StatusOK {
						mu.Lock()
						created[name] = true
						mu.Unlock()
					}
					switch login {
					case "manager", "admin":
						if status, _, err := someone.try(http.MethodPost, "/tasks/assign", url.Values{"idempotency_key": {"press " + name}}, nil); err == nil && status == http.StatusOK {
							mu.Lock()
							assigns++
							mu.Unlock()
						}
					}
					_, mine, err := someone.try(http.MethodGet, "/tasks?status=open", nil, nil)
					if err != nil {
						return
					}
					if actions := strings.Split(mine, `action="/tasks/`); len(actions) > 2 {
						id, _, ok := strings.Cut(actions[2+rand.IntN(len(actions)-2)], "/resolve")
						if !ok {
							continue
						}
						status, _, err := someone.try(http.MethodPost, "/tasks/"+id+"/resolve", url.Values{"idempotency_key": {"resolve " + name}}, nil)
						if err == nil && status == http.StatusOK {
							mu.Lock()
							resolved[id] = true
							mu.Unlock()
						}
					}
				}
			})
		}
		group.Wait()
	}

	first, worked := people(p), make(chan struct{})
	go func() {
		defer close(worked)
		work(first, 200)
	}()
	// In the middle of it: when a good part has been answered.
	require.Eventually(t, func() bool { return number(t, pool, "select count(*) from log.events") > 600 }, time.Minute, 5*time.Millisecond)
	p.end(syscall.SIGKILL)
	<-worked
	require.NotEmpty(t, created)

	p = startWatched(t, demo(database))
	work(people(p), 5)
	jobstest.Idle(t, pool, 4*time.Minute) // a job that tells of a draw may take two minutes, and counts as at work for so long
	jobstest.RequireSoundBooks(t, pool)
	for name := range created {
		require.Equal(t, 1, number(t, pool, "select count(*) from tracker.tasks where description = $1", name), "an answered task is there once")
	}
	for id := range resolved {
		require.Equal(t, 1, number(t, pool, "select count(*) from tracker.tasks where id = $1 and status = 'resolved'", id), "an answered resolve stays")
	}
	require.LessOrEqual(t, assigns, number(t, pool, "select count(*) from log.commands where name = 'tracker.AssignTasks'"))
	t.Logf("answered: %d created, %d draws, %d resolved; booked: %d transfers", len(created), assigns, len(resolved), number(t, pool, "select count(*) from accounting.transfers"))
}

func TestADatabaseThatIsDownIsAClearPage(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	manager := signIn(t, p.address, "manager")
	admin := dial(t, sqltest.Empty(t))
	name := database[strings.LastIndex(database, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	// Nobody gets into the database any more, and who is in is put out.
	_, err := admin.Exec(t.Context(), `alter database "`+name+`" allow_connections false`)
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, name)
	require.NoError(t, err)

	require.Eventually(t, func() bool {
		status, _ := manager.get("/readyz")
		return status == http.StatusServiceUnavailable
	}, 30*time.Second, 50*time.Millisecond)
	_, missing := manager.get("/readyz")
	require.Contains(t, missing, "not ready\ndatabase: Postgres does not answer\n")
	_, watched := manager.get("/metrics")
	require.Contains(t, watched, "\nates_database_up 0\n")
	require.Contains(t, watched, "\nates_http_requests_running ", "what the process knows is told all the same")
	status, body := manager.get("/tasks")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "<h1")
	status, _ = manager.post("/tasks", url.Values{"description": {"Lost?"}})
	require.Equal(t, http.StatusServiceUnavailable, status)
	status, _ = manager.get("/live")
	require.Equal(t, http.StatusServiceUnavailable, status)
	status, _ = manager.get("/healthz")
	require.Equal(t, http.StatusOK, status)

	_, err = admin.Exec(t.Context(), `alter database "`+name+`" allow_connections true`)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		status, _ := manager.get("/readyz")
		return status == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond)
	createTask(t, manager, "It goes on by itself")
	events := manager.stream("0")
	await(t, events, "hello")
	createTask(t, manager, "Live too")
	await(t, events, "tasks/")
}
