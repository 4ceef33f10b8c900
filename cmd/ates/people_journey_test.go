package main

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

// TestAPersonsFirstDayAndLast is told in three browsers: an Admin makes somebody known and hands over a link; that person chooses a
// password and signs in; another Admin sees all of it happen. In the end both pages of the person are signed out at once.
func TestAPersonsFirstDayAndLast(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	pool := dial(t, database)
	_, err := pool.Exec(t.Context(), "update auth.accounts set role = 'admin' where login = 'manager'")
	require.NoError(t, err)
	admin, other := enter(t, p.address, "admin"), enter(t, p.address, "manager")
	other.Open(p.address + "/people?q=polly")
	live := `document.querySelector("#live-state").dataset.state === "live"`
	other.Wait(live)

	admin.Open(p.address + "/people/new")
	admin.Type("#name", "Polly Parrot")
	admin.Type("#login", "polly")
	admin.Type("#email", "polly@popug.example")
	admin.Press("\r")
	admin.Do(chromedp.WaitReady(chromedp.CSS("#person-link")))
	link := viewstest.Value[string](admin, `document.querySelector("#person-link").value`)
	other.WaitText("#people", "Polly Parrot")
	other.WaitText("#people .rows", "Invited")

	polly := viewstest.Browser(t)
	polly.Open(link)
	polly.WaitText("main", "Welcome, Polly Parrot")
	require.Equal(t, "polly", viewstest.Value[string](polly, `document.querySelector("#login").value`))
	polly.Type("#password", "short")
	polly.Press("\r")
	polly.WaitText("main", "at least 10 characters, and")
	require.NotContains(t, viewstest.Value[string](polly, "location.href"), "token", "the token is not in the address of the answer")
	polly.Type("#password", chosen)
	polly.Press("\r")
	polly.WaitText("main h1", "Your password is set")
	other.Wait(`!document.querySelector("#people .rows").innerText.includes("Invited")`)

	polly.Click("main a.button")
	polly.Type("input[name=login]", "polly")
	polly.Type("input[name=password]", chosen)
	polly.Press("\r")
	polly.WaitText("h1", "My tasks")
	polly.Wait(live)

	// The role, as the Admin chooses it; Polly's menu follows without a word.
	id := idOf(t, pool, "polly")
	admin.Open(p.address + "/people/" + id)
	admin.Do(chromedp.SetValue(chromedp.CSS("select#role"), "manager"))
	admin.Click("form[action$='/role'] button")
	admin.WaitText("body", "The role has been changed")
	polly.WaitText("#menu", "Accounting")
	other.WaitText("#people .rows", "Manager")

	second := enterWith(t, p.address, "polly", chosen)
	events := second.stream("0")
	await(t, events, "hello")
	polly.Open(p.address + "/tasks")
	polly.Wait(live)
	admin.Click("a[href$='/deactivate']")
	admin.WaitText("#dialog", "All of their sessions end at once")
	begin := time.Now()
	admin.Click("#dialog form button.primary")
	await(t, events, "bye")
	polly.Do(chromedp.WaitReady(chromedp.CSS("input[name=password]")))
	t.Logf("from the Admin's click to both pages signed out: %v", time.Since(begin))
	other.WaitText("#people .rows", "Deactivated")
	status, body := tryPassword(t, nobody(t, p.address), "polly", chosen)
	require.Equal(t, http.StatusUnprocessableEntity, status, body)
}

// What only other sites would send does nothing.
func TestForgedFormsAboutPeopleAreRefused(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	pool := dial(t, database)
	admin := signIn(t, p.address, "admin")
	id := idOf(t, pool, "worker-8")
	for _, path := range []string{"/people", "/people/links.csv", "/people/import", "/people/import/all", "/people/" + id, "/people/" + id + "/role",
		"/people/" + id + "/deactivate", "/people/" + id + "/reactivate", "/people/" + id + "/password", "/auth/password", "/auth/first-admin"} {
		status, _ := admin.do(http.MethodPost, path, url.Values{"role": {"admin"}}, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		require.Equal(t, http.StatusForbidden, status, path)
	}
	require.Zero(t, number(t, pool, "select count(*) from log.commands where name like 'auth.%' and key is null"))
}
