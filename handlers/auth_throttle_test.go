package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

func TestTooManyWrongPasswordsHaveToWait_ASVS_2_2(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p := s.person(domain.Worker)
	known, attacker := s.browser(), s.browser()
	known.signInAs(p)
	loginPage := attacker.loginPage()
	attacker.lockOut(loginPage, p.Login)
	for _, login := range []string{p.Login, strings.ToUpper(p.Login), " " + p.Login} {
		res := attacker.enter(loginPage, login, testPassword)
		require.Equal(t, "auth.too_many_tries", res.body)
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Empty(t, res.Cookies())
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 55, seconds, 9)
	}

	// From the same address, in the browser of the person themself.
	known.client.Jar.SetCookies(loginPage, []*http.Cookie{{Name: providerSessionCookie, MaxAge: -1, Path: "/"}, {Name: "ates", MaxAge: -1, Path: "/"}})
	require.Equal(t, http.StatusSeeOther, known.enter(known.loginPage(), p.Login, testPassword).StatusCode)

	// Its cookie is good for that login only, and cannot be made up.
	other := s.person(domain.Worker)
	attacker.lockOut(loginPage, other.Login)
	page := known.to(known.authorize(s.askingAnew()))
	require.Equal(t, "auth.too_many_tries", known.enter(page, other.Login, testPassword).body)
	known.client.Jar.SetCookies(loginPage, []*http.Cookie{{Name: knownBrowserCookie, Value: "mark.AAAA", Path: "/"}})
	require.Equal(t, "auth.too_many_tries", known.enter(page, other.Login, testPassword).body)

	s.clock.forward(2 * time.Minute)
	require.Equal(t, http.StatusSeeOther, attacker.enter(loginPage, p.Login, testPassword).StatusCode, "after the wait")
}

func TestOnlyTrustedProxiesSayWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	p := &provider{providerConfig: providerConfig{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32"),
	}}}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1234", nil, "192.0.2.1"},
		{"192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"10.0.0.1:1234", nil, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"[::ffff:10.0.0.1]:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.7, 10.1.1.1"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"10.1.1.1"}, "10.1.1.1"},
		{"10.0.0.1:1234", []string{"198.51.100.7, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"198.51.100.7:8080"}, "10.0.0.1"},
		{"[fd00::1]:1234", []string{"2001:db8::1"}, "2001:db8::1"},
		{"127.0.0.1:1234", []string{""}, "127.0.0.1"},
		{"", []string{"198.51.100.7"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}, URL: &url.URL{}}
		require.Equal(t, c.want, clientAddress(r, p.TrustedProxies).String(), "%v", c)
	}
}
