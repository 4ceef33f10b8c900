package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ates/views"
)

// Whatever the headers of a request say, it comes from its peer or from whom a trusted proxy names, the pages speak one of their
// languages, nobody is sent elsewhere, and what the program has not sealed opens nothing.
func FuzzHeaders(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.2", "ru-RU,ru;q=0.9,en;q=0.8", "https://ates.example.com/tasks?q=nut", "4711", "Mozilla/5.0 (X11; Linux)")
	f.Add("::ffff:1.2.3.4%eth0,2001:db8::1%1,10.0.0.1", "x-"+strings.Repeat("a-", 40), "//evil.example/x", "-1", "\xff\x00"+strings.Repeat("я", 200))
	f.Add(",,unknown,\"[2001:db8::1]:80\"", "*;q=NaN,ru;q=1e999", `http:/\evil.example`, "18446744073709551615", "x.eHg")
	f.Add("", "en_US.UTF-8", "javascript:alert(1)", "9223372036854775807", "")
	p, _ := fuzzed(f)
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/64")}
	f.Fuzz(func(t *testing.T, forwarded, language, page, event, text string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:4711", URL: &url.URL{Path: "/live"}, Header: http.Header{
			"X-Forwarded-For": {forwarded}, "Last-Event-Id": {event}, "Cookie": {knownBrowserCookie + "=" + text}, "Hx-Request": {"true"}, "Hx-Request-Type": {"partial"}, "Hx-Target": {text},
		}}
		requireAddress(t, r, proxies)
		require.Contains(t, views.Languages(), views.MatchLanguage(text, language))
		requireOurPage(t, loginURL(page))
		if since, ok := cursorOf(r); ok {
			again, err := parseCursor(since.String())
			require.NoError(t, err)
			require.Equal(t, since, again)
		}
		agent := printable(text)
		require.True(t, utf8.ValidString(agent))
		require.LessOrEqual(t, len(agent), 256)
		require.NotContains(t, agent, "\x00")
		require.LessOrEqual(t, len(fragment(r)), len(text))
		require.Empty(t, p.knownBrowser(r, "ann"), "nobody has signed in here")
		_, opened := p.openAccessToken(text)
		require.False(t, opened)
	})
}

// requireAddress fails the test unless a request comes from its peer, or from the last that is named by a trusted proxy.
func requireAddress(t *testing.T, r *http.Request, proxies []netip.Prefix) {
	t.Helper()
	peer := netip.MustParseAddrPort(r.RemoteAddr).Addr()
	require.Equal(t, peer, clientAddress(r, nil), "no proxy is trusted")
	address := clientAddress(r, proxies)
	require.True(t, address.IsValid())
	require.Equal(t, address, address.Unmap().WithZone(""))
	require.NotEmpty(t, addressKey(address))
	for _, hop := range slices.Backward(strings.Split(r.Header.Get("X-Forwarded-For"), ",")) {
		named, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		peer = named.Unmap().WithZone("")
		if !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(peer) }) {
			break
		}
	}
	require.Equal(t, peer, address)
}

// requireOurPage fails the test unless an address is the sign-in's and leads on to a page of ours.
func requireOurPage(t *testing.T, to string) {
	t.Helper()
	u, err := url.Parse(to)
	require.NoError(t, err)
	require.Equal(t, "/login", u.Path)
	require.Empty(t, u.Host)
	if back := u.Query().Get("return_to"); back != "" {
		require.Equal(t, back, returnTo(back))
	}
}
