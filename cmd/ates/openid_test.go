package main

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
	"ates/views/viewstest"
)

func TestPeopleOfAnotherProviderAreWhoItSaysTheyAre(t *testing.T) {
	t.Parallel()
	f := foreign(t).listen()
	f.knows("wanda", "Wanda Worker", "flock")
	f.knows("max", "Max Manager", "flock", "flock-leads")
	f.knows("tess", "Tess Top", "chiefs")
	f.knows("ada", "Ada Admin", "bosses")
	database := sqltest.URL(t)
	pool := dial(t, database)
	p := start(t, f.env(database))
	require.NotContains(t, p.logged(), "demo-")

	for _, path := range []string{"/auth/login", "/auth/authorize", "/auth/keys", "/auth/.well-known/openid-configuration"} {
		status, _ := nobody(t, p.address).get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	status, _ := nobody(t, p.address).post("/auth/token", nil)
	require.Equal(t, http.StatusNotFound, status)

	worker, manager, top, admin := f.in(p, "wanda"), f.in(p, "max"), f.in(p, "tess"), f.in(p, "ada")
	for path, may := range map[string]*person{"/balance": worker, "/tasks/assign": manager, "/analytics": top, "/ops": admin} {
		for _, someone := range []*person{worker, manager, top, admin} {
			want := http.StatusForbidden
			if someone == may || path == "/tasks/assign" && someone == admin {
				want = http.StatusOK
			}
			status, body := someone.get(path)
			require.Equal(t, want, status, "%s: %.300s", path, body)
		}
	}

	_, page := admin.get("/people")
	require.Contains(t, page, "Wanda Worker")
	require.NotContains(t, page, "/people/new", "people become known at their provider")
	for _, path := range []string{"/people/new", "/people/import", "/people/" + idOf(t, pool, "wanda") + "/password"} {
		status, _ := admin.get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}

	// The tracker has heard of her like of everybody: she is the only one to draw.
	require.Eventually(t, func() bool {
		return number(t, pool, "select count(*) from tracker.people where role = 'worker' and active") == 1
	}, 20*time.Second, 10*time.Millisecond)
	createTask(t, manager, "Drawn to somebody from elsewhere")
	require.Equal(t, 1, number(t, pool, `select count(*) from tracker.tasks t join auth.accounts a on a.id = t.assignee
		where a.issuer = $1 and a.subject = 'id-of-wanda' and a.login = 'wanda'`, f.url))
	jobstest.Idle(t, pool, 30*time.Second)
	require.Equal(t, 1, number(t, pool, "select count(*) from accounting.people where name = 'Wanda Worker'"))

	// Once more without a change is no command and no event.
	before := number(t, pool, "select count(*) from log.commands")
	f.in(p, "wanda")
	require.Equal(t, before, number(t, pool, "select count(*) from log.commands"))
	require.Equal(t, 4, number(t, pool, "select count(*) from log.events where producer = 'auth'"))

	// Another role counts from the next request on, wherever she is signed in already.
	events := worker.stream("0")
	await(t, events, "hello")
	f.knows("wanda", "Wanda Walker", "flock-leads")
	f.in(p, "wanda")
	status, _ = worker.get("/balance")
	require.Equal(t, http.StatusForbidden, status)
	status, _ = worker.get("/tasks/assign")
	require.Equal(t, http.StatusOK, status)
	await(t, events, "bye")
	require.Equal(t, 2, number(t, pool, `select count(*) from log.events e join auth.accounts a on a.id = e.subject
		where a.subject = 'id-of-wanda' and (e.name, e.subject_version) in (('User.Updated', 2), ('User.RoleChanged', 3))`))
	require.Eventually(t, func() bool { return number(t, pool, "select count(*) from tracker.people where role = 'worker'") == 0 }, 20*time.Second, 10*time.Millisecond)
}

func TestWhoHasNoRoleOrIsDeactivatedStaysOutside(t *testing.T) {
	t.Parallel()
	f := foreign(t).listen()
	f.knows("wanda", "Wanda Worker", "flock")
	f.knows("nora", "Nora Nobody")
	f.set("noa", map[string]any{"sub": "noa", "resource_access": map[string]any{foreignClient: map[string]any{"roles": []string{"flock"}}}})
	database := sqltest.URL(t)
	pool := dial(t, database)
	p := start(t, f.env(database))

	nora := nobody(t, p.address)
	status, body := f.signIn(nora, "nora")
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "names no role that you have here. Ask whoever manages your account there")
	require.Contains(t, body, `href="/login?other=1"`, "where one comes in as somebody else")
	require.Contains(t, body, "Sign in again")
	status, body = nora.do(http.MethodGet, "/login", nil, http.Header{"Accept-Language": {"ru"}})
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "не называет роли")
	require.Zero(t, number(t, pool, "select count(*) from auth.accounts"))

	status, body = f.signIn(nobody(t, p.address), "noa")
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "tells no email address of yours")

	// She had a role and has lost it: the sign-in that finds it out ends the sessions that there are.
	wanda := f.in(p, "wanda")
	events := wanda.stream("0")
	await(t, events, "hello")
	f.knows("wanda", "Wanda Worker")
	status, _ = f.signIn(nobody(t, p.address), "wanda")
	require.Equal(t, http.StatusForbidden, status)
	await(t, events, "bye")
	status, _ = wanda.get("/live")
	require.Equal(t, http.StatusUnauthorized, status)

	f.knows("wanda", "Wanda Worker", "flock")
	wanda = f.in(p, "wanda")
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	var id uuid.UUID
	require.NoError(t, pool.QueryRow(t.Context(), "select id from auth.accounts").Scan(&id))
	require.NoError(t, bus.Do(t.Context(), &auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: id}))
	f.knows("wanda", "Wanda Again", "bosses")
	status, body = wanda.get("/balance")
	require.Equal(t, http.StatusForbidden, status, "the provider still vouches for her")
	require.Contains(t, body, "You have no active account here. Ask an Admin.")
	require.Equal(t, 1, number(t, pool, "select count(*) from auth.accounts where status = 'deactivated' and role = 'worker' and name = 'Wanda Worker'"))
}

func TestAProviderThatStartsAfterTheProgram(t *testing.T) {
	t.Parallel()
	f := foreign(t)
	f.knows("wanda", "Wanda Worker", "flock")
	p := start(t, f.env(sqltest.URL(t)))
	someone := nobody(t, p.address)
	res, err := someone.client.Get(p.address + "/tasks")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	status, body := someone.get("/login")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "The sign-in service does not answer")
	require.Contains(t, body, `href="/login"`)
	status, _ = someone.get("/readyz")
	require.Equal(t, http.StatusOK, status, "whoever is signed in can work")

	f.listen()
	f.in(p, "wanda")
}

func TestWhatGoesWrongWithAProviderIsAClearPage(t *testing.T) {
	t.Parallel()
	f := foreign(t).listen()
	f.knows("wanda", "Wanda Worker", "flock")
	p := start(t, f.env(sqltest.URL(t)))
	for _, c := range []struct {
		answers, tokens string
		status          int
		says            string
	}{
		{"access_denied", "", http.StatusForbidden, "did not let you in"},
		{"login_required", "", http.StatusConflict, "was not finished"},
		{"temporarily_unavailable", "", http.StatusServiceUnavailable, "does not answer"},
		{"server_error", "", http.StatusServiceUnavailable, "does not answer"},
		{"invalid_scope", "", http.StatusBadGateway, "answered strangely"},
		{"", "<html>Welcome to the hotel</html>", http.StatusBadGateway, "answered strangely"},
		{"", `{"access_token": "x", "token_type": "Bearer"}`, http.StatusBadGateway, "answered strangely"},
		{"", `{"access_token": "x", "token_type": "Bearer", "id_token": "a.b.c"}`, http.StatusBadGateway, "answered strangely"},
	} {
		f.change(func() { f.answers, f.tokens = c.answers, c.tokens })
		status, body := f.signIn(nobody(t, p.address), "wanda")
		require.Equal(t, c.status, status, "%s%s: %.500s", c.answers, c.tokens, body)
		require.Contains(t, body, c.says)
		require.Contains(t, body, "Sign in again")
	}
	f.change(func() { f.answers, f.tokens = "", "" })
	f.in(p, "wanda")

	wrong := start(t, f.env(sqltest.URL(t), "OIDC_CLIENT_SECRET=another"))
	status, _ := f.signIn(nobody(t, wrong.address), "wanda")
	require.Equal(t, http.StatusBadGateway, status)
	wrong.says(t, regexp.MustCompile("invalid_client"))
	require.NotContains(t, wrong.logged(), "another")
}

// A form that is sent after the session has ended cannot be redirected to the provider: browsers hold that against form-action.
func TestAFormWithoutASessionIsAskedToSignInOnAPage(t *testing.T) {
	t.Parallel()
	f := foreign(t).listen()
	p := start(t, f.env(sqltest.URL(t)))
	status, body := nobody(t, p.address).post("/tasks", url.Values{"description": {"Forged"}})
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, body, `href="/login"`)
}

func TestSigningInAndOutAtAnotherSiteInABrowser(t *testing.T) {
	t.Parallel()
	f := foreign(t).listen()
	f.knows("wanda", "Wanda Worker", "flock")
	f.knows("nora", "Nora Nobody")
	database := sqltest.URL(t)
	p := start(t, f.env(database))
	// Within the page, whose nodes are other ones once the page has changed.
	click := func(tab *viewstest.Tab, selector string) {
		tab.Wait("document.readyState === 'complete' && document.querySelector(`" + selector + "`)")
		viewstest.Value[any](tab, "document.querySelector(`"+selector+"`).click()")
	}
	out := func(tab *viewstest.Tab) { click(tab, `form[action="/logout"] button`) }
	enter := func(tab *viewstest.Tab, login string) {
		tab.Wait("location.origin === '" + f.url + "' && document.readyState === 'complete'")
		tab.Type("input[name=username]", login)
		tab.Type("input[name=secret]", foreignPassword)
		tab.Press("\r")
	}

	live := func(tab *viewstest.Tab) {
		tab.WaitText("body", "Wanda Worker")
		tab.Wait(`document.querySelector("#live-state").dataset.state === "live"`)
	}

	tab := viewstest.Browser(t)
	tab.Open(p.address + "/balance")
	enter(tab, "wanda")
	tab.Wait("location.href === '" + p.address + "/balance'")
	live(tab) // so that it is told of the session's end while it leaves
	out(tab)
	tab.Wait("location.href === '" + p.address + "/signed-out'")
	f.change(func() { require.Empty(t, f.sessions, "signed out there too") })

	// Who may not come in can come as somebody else, though the provider remembers them.
	click(tab, "main a.button")
	enter(tab, "nora")
	tab.WaitText("main", "names no role that you have here")
	click(tab, "main a.button")
	enter(tab, "wanda")
	live(tab)

	// A provider that cannot sign out: the browser stays out all the same, until somebody asks to sign in.
	f.change(func() { f.staysSignedIn = true })
	other := start(t, f.env(database))
	tab = viewstest.Browser(t)
	tab.Open(other.address + "/balance")
	enter(tab, "wanda")
	live(tab)
	out(tab)
	tab.Wait("location.href === '" + other.address + "/signed-out'")
	tab.WaitText("main", "You are signed out")
	tab.Open(other.address + "/balance")
	tab.Wait("location.href === '" + other.address + "/signed-out'")
	click(tab, "main a.button")
	enter(tab, "wanda")
	live(tab)
	tab.Open(other.address + "/balance")
	tab.WaitText("body", "Wanda Worker")
}

func TestAProviderThatIsConfiguredWronglyIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	issuer, client := "OIDC_ISSUER=https://id.popug.example", []string{"OIDC_CLIENT_ID=ates", "OIDC_CLIENT_SECRET=Sesame"}
	for name, c := range map[string]struct {
		env  []string
		says string
	}{
		"no issuer":                  {client[:1], "OIDC_CLIENT_ID is set, but OIDC_ISSUER names no provider"},
		"an issuer in the clear":     {append(client, "OIDC_ISSUER=http://id.popug.example"), "OIDC_ISSUER"},
		"an issuer without a scheme": {append(client, "OIDC_ISSUER=id.popug.example"), "OIDC_ISSUER"},
		"an issuer with a query":     {append(client, "OIDC_ISSUER=https://id.popug.example/?realm=x"), "OIDC_ISSUER"},
		"an issuer with a password":  {append(client, "OIDC_ISSUER=https://ates:Sesame@id.popug.example"), "OIDC_ISSUER"},
		"an issuer of every tenant":  {append(client, "OIDC_ISSUER=https://login.microsoftonline.com/common/v2.0"), "<tenant id>"},
		"no client":                  {[]string{issuer, client[1]}, "OIDC_CLIENT_ID is missing"},
		"no secret":                  {[]string{issuer, client[0]}, "OIDC_CLIENT_SECRET is missing"},
		"a claim of nothing":         {append(client, issuer, "OIDC_ROLES_CLAIM=realm_access..roles"), "OIDC_ROLES_CLAIM is \"realm_access..roles\": a key is empty"},
		"a map of nothing":           {append(client, issuer, "OIDC_ROLE_MAP=admins"), "OIDC_ROLE_MAP cannot be read: \"admins\" is no pair"},
		"a role that is none":        {append(client, issuer, "OIDC_ROLE_MAP=admins=boss"), "the roles are worker, manager, top-manager and admin"},
		"emails without a map":       {append(client, issuer, "OIDC_ROLES_CLAIM=email"), "OIDC_ROLE_MAP"},
		"a demo":                     {append(client, issuer, "ATES_DEMO=1"), "there are no demo logins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := refusedStart(t, c.env...)
			require.Contains(t, said, c.says)
			require.NotContains(t, said, "Sesame")
		})
	}
}
