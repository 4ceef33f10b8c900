package handlers

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
)

func TestRefusedLoginsLookTheSame_ASVS_2_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, gone := s.person(domain.Worker), s.person(domain.Worker)
	s.run(&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: gone.ID})
	b := s.browser()
	page := b.to(b.authorize(s.asking()))
	for _, c := range []struct{ login, password string }{
		{p.Login, "wrong"}, {"nobody", testPassword}, {gone.Login, testPassword}, {"", ""},
	} {
		res := b.enter(page, c.login, c.password)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
		require.Equal(t, "auth.sign_in_failed", res.body)
		require.Empty(t, res.Cookies())
	}
	require.Equal(t, http.StatusSeeOther, b.enter(page, p.Login, testPassword).StatusCode, "a wrong try does not use the page up")
}

func TestDemoEntryIsClosedUnlessTheProgramShowsItselfOff(t *testing.T) {
	t.Parallel()
	for name, demo := range map[string]bool{"closed": false, "open": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAuthSite(t, func(p *providerConfig, _ *signInConfig) { p.Demo = demo })
			manager := auth.DemoPeople()[1]
			s.run(manager)
			s.run(&auth.RegisterPerson{
				Request: domain.Request{By: auth.System}, Login: "polly", Name: "Polly", Email: "polly@popug.example",
				Role: domain.Admin, Password: testPassword,
			})
			b := s.browser()
			click := func(login string) testAnswer {
				page := b.to(b.get(b.to(b.get("/login")).String()))
				return b.post("/auth/login", url.Values{"request": {page.Query().Get("request")}, "demo": {login}})
			}
			require.Equal(t, http.StatusForbidden, click("polly").StatusCode, "somebody who is not of the demo")
			res := click(manager.Login)
			if !demo {
				require.Equal(t, http.StatusForbidden, res.StatusCode)
				return
			}
			b.follow(res)
			require.Equal(t, manager.ID.String(), b.whoami())
		})
	}
}

func TestSignOutAtTheProvider_RPInitiatedLogout_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, other := s.person(domain.Worker), s.person(domain.Worker)
	home := s.url + "/"
	// signedIn is a browser in which p is signed in, with the ID token that says so.
	signedIn := func(p auth.Person) (*browser, string) {
		b, a := s.browser(), s.asking()
		_, idToken := s.redeem(b.code(a, p), a).tokens(t)
		return b, idToken
	}
	end := func(b *browser, parameters ...string) testAnswer {
		query := url.Values{}
		for i := 0; i < len(parameters); i += 2 {
			query.Set(parameters[i], parameters[i+1])
		}
		return b.get("/auth/end_session?" + query.Encode())
	}
	stillIn := func(b *browser) bool { return b.to(b.authorize(s.asking())).Query().Has("code") }
	_, othersToken := signedIn(other)

	b, idToken := signedIn(p)
	for name, parameters := range map[string][]string{
		"without a hint":                   {},
		"with a client only":               {"client_id", s.client.ID, "post_logout_redirect_uri", home},
		"with somebody else's hint":        {"id_token_hint", othersToken},
		"to an unregistered address":       {"id_token_hint", idToken, "post_logout_redirect_uri", "https://evil.example/"},
		"to an address that begins right":  {"id_token_hint", idToken, "post_logout_redirect_uri", home + "x"},
		"with a hint for another client":   {"id_token_hint", idToken, "client_id", "other"},
		"with a hint that was not signed":  {"id_token_hint", idToken[:len(idToken)-8] + "AAAAAAAA"},
		"with a client that is not a hint": {"client_id", "other"},
	} {
		res := end(b, parameters...)
		require.Contains(t, []string{"auth.logout_unasked", "auth.logout_invalid"}, res.body, name)
		require.Empty(t, res.Header.Get("Location"), name)
		require.True(t, stillIn(b), name)
	}

	out := b.to(end(b, "id_token_hint", idToken, "client_id", s.client.ID, "post_logout_redirect_uri", home, "state", "x y"))
	require.Equal(t, home+"?state=x+y", out.String())
	require.False(t, stillIn(b))

	// Nobody is signed in any more: nothing to ask, and still no way out of the site.
	require.Equal(t, home, b.to(end(b, "post_logout_redirect_uri", "https://evil.example/")).String())

	// A hint is good for longer than the token is.
	c, old := signedIn(p)
	s.clock.forward(providerTokenLifetime * 2)
	require.Equal(t, home, c.to(end(c, "id_token_hint", old)).String())
	require.False(t, stillIn(c))
}
