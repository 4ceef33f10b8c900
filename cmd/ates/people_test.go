package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

var (
	firstAdminLink = regexp.MustCompile(`http\S+/auth/first-admin\?token=(\w+)`)
	passwordLink   = regexp.MustCompile(`http[^"\s;,]+/auth/password\?token=(\w+)`)
)

const chosen = "four words of my own"

// choose opens a one-time link as a new browser would, chooses a password, and signs in with it.
func choose(t testing.TB, address, token, login string) *person {
	t.Helper()
	someone := nobody(t, address)
	status, page := someone.get("/auth/password?token=" + token)
	require.Equal(t, http.StatusOK, status, page)
	require.Equal(t, token, hidden(t, page, "token"))
	status, page = someone.post("/auth/password", url.Values{"token": {token}, "password": {chosen}})
	require.Equal(t, http.StatusOK, status, page)
	return enterWith(t, address, login, chosen)
}

// enterWith signs somebody in with a password.
func enterWith(t testing.TB, address, login, password string) *person {
	t.Helper()
	someone := nobody(t, address)
	status, body := tryPassword(t, someone, login, password)
	require.Equal(t, http.StatusOK, status, body)
	require.NotContains(t, body, `name="password"`, "signed in")
	return someone
}

func tryPassword(t testing.TB, someone *person, login, password string) (status int, body string) {
	t.Helper()
	_, body = someone.get("/login")
	return someone.post("/auth/login", url.Values{"request": {hidden(t, body, "request")}, "login": {login}, "password": {password}})
}

// idOf is the id of the person with a login.
func idOf(t testing.TB, pool *pgxpool.Pool, login string) (id string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), "select id::text from auth.accounts where login = $1", login).Scan(&id))
	return id
}

func TestTheFirstAdminGetsInByALinkThatIsPrinted(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	pool := dial(t, database)
	env := []string{"DATABASE_URL=" + database}
	one, two := start(t, env), start(t, env, "serve", "--jobs=false")
	tokens := map[*program]string{}
	for _, p := range []*program{one, two} {
		tokens[p] = p.says(t, firstAdminLink)[1]
		require.NotContains(t, p.logged()[:strings.Index(p.logged(), "Nobody is known")], tokens[p], "not in the log")
	}
	require.NotEqual(t, tokens[one], tokens[two])
	form := func(token, login string) url.Values {
		return url.Values{"token": {token}, "login": {login}, "name": {"Polly " + login}, "email": {login + "@popug.example"}, "password": {chosen}}
	}

	// Processes that start together: each link works until one has been used. Looking does not use it, nor does a typing error.
	someone := nobody(t, one.address)
	for _, token := range tokens {
		status, page := someone.get("/auth/first-admin?token=" + token)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, page, `autocomplete="new-password"`)
	}
	short := form(tokens[one], "boss")
	short.Set("password", "short")
	status, page := someone.post("/auth/first-admin", short)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, page, `value="boss"`, "nothing typed is lost")
	require.NotContains(t, page, `value="short"`)

	// All at once, with both links.
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			p := []*program{one, two}[i%2]
			_, _, err := nobody(t, p.address).try(http.MethodPost, "/auth/first-admin", form(tokens[p], "boss-"+strconv.Itoa(i)), nil)
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, 1, number(t, pool, "select count(*) from auth.accounts"), "one of them is the first Admin")
	for _, token := range tokens {
		status, page := someone.get("/auth/first-admin?token=" + token)
		require.Equal(t, http.StatusNotFound, status)
		require.Contains(t, page, "This link does not work")
	}
	var login string
	require.NoError(t, pool.QueryRow(t.Context(), "select login from auth.accounts where role = 'admin'").Scan(&login))
	status, _ = enterWith(t, one.address, login, chosen).get("/people")
	require.Equal(t, http.StatusOK, status)

	third := start(t, env, "serve", "--jobs=false")
	require.Nil(t, firstAdminLink.FindStringSubmatch(third.logged()), "somebody is known now")
}

func TestALaterStartVoidsTheFirstAdminsLink(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	env := []string{"DATABASE_URL=" + database}
	p := start(t, env)
	old := p.says(t, firstAdminLink)[1]
	_, err := dial(t, database).Exec(t.Context(), "update auth.password_links set created_at = created_at - interval '2 minutes'")
	require.NoError(t, err)
	later := start(t, env, "serve", "--jobs=false")
	fresh := later.says(t, firstAdminLink)[1]
	someone := nobody(t, p.address)
	status, _ := someone.get("/auth/first-admin?token=" + old)
	require.Equal(t, http.StatusNotFound, status)
	status, _ = someone.get("/auth/first-admin?token=" + fresh)
	require.Equal(t, http.StatusOK, status)
}

// A person's whole life, by forms alone, as a browser without JavaScript sends them.
func TestAnAdminLooksAfterAPerson(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	pool := dial(t, database)
	admin := signIn(t, p.address, "admin")
	_, form := admin.get("/people/new")
	create := url.Values{
		"idempotency_key": {hidden(t, form, "idempotency_key")}, "login": {"polly"}, "name": {"Polly Parrot"},
		"email": {"polly@popug.example"}, "role": {"worker"},
	}
	status, body := admin.post("/people", create)
	require.Equal(t, http.StatusOK, status, body)
	token := passwordLink.FindStringSubmatch(body)[1]
	status, body = admin.post("/people", create)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "sent twice")
	require.Nil(t, passwordLink.FindStringSubmatch(body), "the link is shown once")
	require.Equal(t, 1, number(t, pool, "select count(*) from auth.accounts where login = 'polly'"))
	id := idOf(t, pool, "polly")
	create.Set("idempotency_key", "another")
	status, body = admin.post("/people", create)
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, `value="Polly Parrot"`, "nothing typed is lost")

	_, list := admin.get("/people?q=POLLY%40&role=worker&status=invited")
	require.Contains(t, list, "Polly Parrot</a>")
	_, list = admin.get("/people?q=POLLY%40&role=manager")
	require.NotContains(t, list, "Polly Parrot</a>")

	polly := choose(t, p.address, token, "polly")
	someone := nobody(t, p.address)
	status, body = someone.post("/auth/password", url.Values{"token": {token}, "password": {chosen}})
	require.Equal(t, http.StatusOK, status, "a double click is done, not dead: %s", body)
	status, dead := someone.post("/auth/password", url.Values{"token": {token}, "password": {"something else of mine"}})
	require.Equal(t, http.StatusNotFound, status)
	for _, wrong := range []string{token, "WRONG", ""} {
		status, body = someone.get("/auth/password?token=" + wrong)
		require.Equal(t, http.StatusNotFound, status)
		require.Equal(t, content(dead), content(body), "used and wrong links look the same")
	}
	_, list = admin.get("/people?status=active&q=polly")
	require.Contains(t, list, "Polly Parrot</a>")
	require.NotContains(t, list, "never")

	page := func() string { _, page := admin.get("/people/" + id); return page }
	send := func(to string, more url.Values) (int, string) {
		more.Set("idempotency_key", to+fmt.Sprint(more))
		return admin.post("/people/"+id+to, more)
	}
	seen := hidden(t, page(), "seen")
	status, body = send("", url.Values{"seen": {seen}, "name": {"Paula Parrot"}, "email": {"paula@popug.example"}})
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, page(), "Paula Parrot</h1>")
	status, body = send("", url.Values{"seen": {hidden(t, page(), "seen")}, "name": {" "}, "email": {"paula@popug.example"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "A name has 1 to 100 characters")

	// Another Admin still has the page of before.
	for _, to := range []string{"", "/role", "/deactivate"} {
		status, body = send(to, url.Values{"seen": {seen}, "name": {"Late"}, "email": {"late@popug.example"}, "role": {"manager"}})
		require.Equal(t, http.StatusConflict, status, to)
		require.Contains(t, body, "Somebody else has changed this person", to)
		require.NotEqual(t, seen, hidden(t, body, "seen"), "the form that is shown can be sent")
	}
	status, _ = polly.get("/tasks/mine")
	require.Equal(t, http.StatusOK, status)
	status, _ = send("/role", url.Values{"seen": {hidden(t, page(), "seen")}, "role": {"manager"}})
	require.Equal(t, http.StatusOK, status)
	status, _ = polly.get("/tasks/mine")
	require.Equal(t, http.StatusForbidden, status, "the role applies to the next request")

	// A reset ends the sessions and the old password at once.
	events := polly.stream("0")
	await(t, events, "hello")
	_, confirm := admin.get("/people/" + id + "/password")
	status, reset := send("/password", url.Values{"seen": {hidden(t, confirm, "seen")}})
	require.Equal(t, http.StatusOK, status, reset)
	await(t, events, "bye")
	_, body = polly.get("/tasks")
	require.Contains(t, body, `name="password"`)
	status, _ = tryPassword(t, someone, "polly", chosen)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Nil(t, passwordLink.FindStringSubmatch(page()), "the link is shown once")
	choose(t, p.address, passwordLink.FindStringSubmatch(reset)[1], "polly")

	_, body = admin.get("/people/" + id + "/deactivate")
	require.Contains(t, body, "until the next Assign tasks")
	status, _ = send("/deactivate", url.Values{"seen": {hidden(t, body, "seen")}})
	require.Equal(t, http.StatusOK, status)
	status, _ = tryPassword(t, someone, "polly", chosen)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, body = send("/password", url.Values{})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "Reactivate them first")
	status, _ = send("/reactivate", url.Values{"seen": {hidden(t, body, "seen")}})
	require.Equal(t, http.StatusOK, status)
	enterWith(t, p.address, "polly", chosen)

	// What an Admin may not do to themselves.
	id = idOf(t, pool, "admin")
	require.NotContains(t, page(), "/deactivate")
	for to, says := range map[string]string{"/deactivate": "cannot deactivate or demote yourself", "/role": "cannot deactivate or demote yourself", "/password": "cannot reset your own password"} {
		status, body = send(to, url.Values{"role": {"worker"}})
		require.Equal(t, http.StatusForbidden, status, to)
		require.Contains(t, body, says)
	}

	// Somebody for whom another provider vouches has no password here.
	_, err := pool.Exec(t.Context(), "update auth.accounts set issuer = 'https://id.example', subject = 'w8', password_hash = null where login = 'worker-8'")
	require.NoError(t, err)
	id = idOf(t, pool, "worker-8")
	require.NotContains(t, page(), id+"/password")
	status, body = send("/password", url.Values{})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "signs in through another service")

	var secrets int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from (select input::text || coalesce(outcome::text, '') from log.commands union all select data::text from log.events) x(t)
		where t like '%' || $1 || '%' or t like '%' || $2 || '%' or t like '%argon2%'`, chosen, token).Scan(&secrets))
	require.Zero(t, secrets, "what is recorded has no secrets")
}

// sendFile posts a form that carries a file.
func (p *person) sendFile(path string, fields map[string]string, file string) (status int, body string) {
	p.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range fields {
		require.NoError(p.t, w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("file", "people.csv")
	require.NoError(p.t, err)
	_, err = part.Write([]byte(file))
	require.NoError(p.t, err)
	require.NoError(p.t, w.Close())
	res, err := p.client.Post(p.address+path, w.FormDataContentType(), &form)
	require.NoError(p.t, err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	return res.StatusCode, string(content)
}

// plan is what the form on an import's preview sends along.
func plan(t testing.TB, page string) map[string]string {
	t.Helper()
	content := regexp.MustCompile(`(?s)<textarea name="people"[^>]*>\n(.*?)</textarea>`).FindStringSubmatch(page)
	require.NotNil(t, content, "%.2000s", page)
	return map[string]string{
		"idempotency_key": hidden(t, page, "idempotency_key"), "seen": hidden(t, page, "seen"), "people": html.UnescapeString(content[1]),
	}
}

func TestPeopleAreImportedAllOrNothing(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	pool := dial(t, database)
	admin := signIn(t, p.address, "admin")
	someTask(t, database, "worker", true) // the demo is done
	before := number(t, pool, "select count(*) from log.events where producer = 'auth'")

	const header = "login,name,email,role\n"
	for name, c := range map[string]struct {
		file   string
		status int
		says   []string
	}{
		"lines that are wrong": {header + "good,Good,good@popug.example,worker\nba d,Bad,bad@popug.example,worker\ngood2,,x@popug.example,worker\ngood3,G,none,worker\ngood4,G,g@popug.example,boss\nGOOD,Twice,t@popug.example,worker\nadmin,Ada Kakapo,admin@popug.example,worker\n",
			http.StatusUnprocessableEntity, []string{">3<", "A login has 1 to 40", ">4<", "A name has", ">5<", "Enter an email", ">6<", "Choose one of the roles", ">7<", "Line 2 has the same login", ">8<", "demote yourself"}},
		"no header":       {"good,Good,good@popug.example,worker\n", http.StatusUnprocessableEntity, []string{"there is no login"}},
		"nobody":          {header, http.StatusUnprocessableEntity, []string{"nobody in this file"}},
		"no file":         {"", http.StatusUnprocessableEntity, []string{"there is no login"}},
		"not UTF-8":       {header + "good,\xff,good@popug.example,worker\n", http.StatusUnprocessableEntity, []string{"not in UTF-8"}},
		"quotation marks": {header + "good,\"Good,good@popug.example,worker\n", http.StatusUnprocessableEntity, []string{"quotation marks"}},
		"too large":       {header + strings.Repeat("x", 1<<21), http.StatusRequestEntityTooLarge, nil},
		"markup":          {header + "x,<script>alert(1)</script>,x,worker\n", http.StatusUnprocessableEntity, []string{"&lt;script&gt;"}},
	} {
		status, body := admin.sendFile("/people/import", nil, c.file)
		require.Equal(t, c.status, status, "%s: %.3000s", name, body)
		for _, says := range c.says {
			require.Contains(t, body, says, name)
		}
		require.NotContains(t, body, "/people/import/all", name)
	}
	require.Equal(t, before, number(t, pool, "select count(*) from log.events where producer = 'auth'"), "looking changes nothing")

	// Five thousand people, three of whom are known, as a spreadsheet that likes semicolons writes them.
	var file strings.Builder
	file.WriteString("\ufeffRole;Login;Remarks;Email;Name\r\n")
	for i := range 5000 {
		fmt.Fprintf(&file, "worker;imported-%d;x;imported-%d@popug.example;Popug No. %d\r\n", i, i, i)
	}
	file.WriteString("manager;worker-2;;worker-2@popug.example;\"Bob; Budgerigar\"\r\nworker;worker-3;;carla@popug.example;'=Carla\r\nworker;worker-4;;worker-4@popug.example;Dmitri Caique\r\n")
	status, page := admin.sendFile("/people/import", nil, file.String())
	require.Equal(t, http.StatusOK, status, "%.2000s", page)
	require.Contains(t, page, `id="import-create">5,000<`)
	require.Contains(t, page, `id="import-update">2<`)
	require.Contains(t, page, `id="import-keep">1<`)
	fields := plan(t, page)

	// Something changes before it is confirmed: nothing is done, and the new plan is shown.
	_, err := pool.Exec(t.Context(), "update auth.accounts set name = 'Somebody', version = version + 1 where login = 'worker-4'")
	require.NoError(t, err)
	status, page = admin.sendFile("/people/import/all", fields, "")
	require.Equal(t, http.StatusConflict, status, "%.2000s", page)
	require.Contains(t, page, "People have changed since")
	require.Contains(t, page, `id="import-update">3<`)
	require.Zero(t, number(t, pool, "select count(*) from auth.accounts where login like 'imported-%'"))
	_, err = pool.Exec(t.Context(), "update auth.accounts set name = 'Dmitri Caique', version = version - 1 where login = 'worker-4'")
	require.NoError(t, err)

	for range 2 {
		status, page = admin.sendFile("/people/import/all", fields, "")
		require.Equal(t, http.StatusOK, status, "%.2000s", page)
		require.Contains(t, page, `id="people-invited">5,000<`, "it goes on to who is new, a second time too")
	}
	require.Equal(t, 5000, number(t, pool, "select count(*) from log.events where name = 'User.Registered' and data->>'email' like 'imported-%'"))
	require.Equal(t, 1, number(t, pool, "select count(*) from auth.accounts where login = 'worker-2' and role = 'manager' and name = 'Bob; Budgerigar' and version = 3"))
	require.Equal(t, 1, number(t, pool, "select count(*) from auth.accounts where login = 'worker-3' and name = '=Carla' and password_hash is not null and version = 2"))
	require.Equal(t, 1, number(t, pool, "select count(*) from auth.accounts where login = 'worker-4' and version = 1"))
	require.Eventually(t, func() bool {
		return number(t, pool, `select count(*) from auth.accounts a join tracker.people t using (id, name, email, role, version)
			join accounting.people c using (id, name, email, role, version) join accounting.accounts w on w.id = a.id and w.kind = 'wallet' where a.login like 'imported-%'`) == 5000
	}, 30*time.Second, 50*time.Millisecond, "the others hear of each, and each worker has a wallet")

	// The file of links for exactly those who are new: shown once, made anew when it was lost.
	links := func() map[string]string {
		status, body := admin.post("/people/links.csv", url.Values{"created": {html.UnescapeString(hidden(t, page, "created"))}})
		require.Equal(t, http.StatusOK, status)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
		require.NoError(t, err)
		byLogin := map[string]string{}
		for _, row := range rows[1:] {
			byLogin[row[0]] = passwordLink.FindStringSubmatch(row[3])[1]
		}
		return byLogin
	}
	lost, kept := links(), links()
	require.Len(t, kept, 5000)
	status, _ = nobody(t, p.address).get("/auth/password?token=" + lost["imported-7"])
	require.Equal(t, http.StatusNotFound, status)
	choose(t, p.address, kept["imported-7"], "imported-7")

	// The export is what the filter shows, safe to open, and can be imported again.
	_, exported := admin.get("/people.csv?q=Carla")
	require.Contains(t, exported, "worker-3,'=Carla,carla@popug.example,worker,active,")
	_, exported = admin.get("/people.csv")
	require.Equal(t, 5011+1, strings.Count(exported, "\r\n"))
	status, page = admin.sendFile("/people/import", nil, exported)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "There is nothing to do")
}

// content is a page without what stands around it.
func content(page string) string {
	_, main, _ := strings.Cut(page, "<main")
	main, _, _ = strings.Cut(main, "</main>")
	return main
}
