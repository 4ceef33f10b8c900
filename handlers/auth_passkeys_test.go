package handlers

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
)

// device is an authenticator with one passkey.
type device struct {
	party virtualwebauthn.RelyingParty
	auth  virtualwebauthn.Authenticator
	key   virtualwebauthn.Credential
}

func (s *authSite) device() *device {
	s.t.Helper()
	d := &device{party: virtualwebauthn.RelyingParty{ID: "localhost", Name: "aTES", Origin: s.url}, auth: virtualwebauthn.NewAuthenticator()}
	for {
		d.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		key, err := x509.ParsePKCS8PrivateKey(d.key.Key.Data)
		require.NoError(s.t, err)
		// The authenticator leaves out zeros at the beginning of a coordinate, which real ones do not.
		point, err := key.(*ecdsa.PrivateKey).PublicKey.Bytes()
		require.NoError(s.t, err)
		if x, y := point[1], point[33]; x != 0 && y != 0 {
			return d
		}
	}
}

// make answers what the site asks for a new passkey.
func (d *device) make(t *testing.T, asked testAnswer) string {
	t.Helper()
	require.Equal(t, http.StatusOK, asked.StatusCode, asked.body)
	options, err := virtualwebauthn.ParseAttestationOptions(asked.body)
	require.NoError(t, err)
	d.auth.Options.UserHandle = []byte(options.UserID)
	return virtualwebauthn.CreateAttestationResponse(d.party, d.auth, d.key, *options)
}

// sign answers what the site asks to let somebody in.
func (d *device) sign(t *testing.T, asked testAnswer) string {
	t.Helper()
	require.Equal(t, http.StatusOK, asked.StatusCode, asked.body)
	options, err := virtualwebauthn.ParseAssertionOptions(asked.body)
	require.NoError(t, err)
	d.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(d.party, d.auth, d.key, *options)
}

func (b *browser) askNewPasskey() testAnswer {
	b.site.t.Helper()
	return b.post("/auth/passkeys/options", nil)
}

func (b *browser) sendNewPasskey(made string) testAnswer {
	b.site.t.Helper()
	return b.post("/auth/passkeys", url.Values{"name": {"Phone"}, "passkey": {made}})
}

// addPasskey adds a passkey for whoever is signed in.
func (b *browser) addPasskey() *device {
	b.site.t.Helper()
	d := b.site.device()
	require.Equal(b.site.t, "/auth/passkeys?done=added", b.to(b.sendNewPasskey(d.make(b.site.t, b.askNewPasskey()))).RequestURI())
	return d
}

func (b *browser) askPasskey(loginPage *url.URL) testAnswer {
	b.site.t.Helper()
	return b.post("/auth/login/passkey", url.Values{"request": {loginPage.Query().Get("request")}})
}

func (b *browser) sendPasskey(loginPage *url.URL, signed string) testAnswer {
	b.site.t.Helper()
	return b.post("/auth/login", url.Values{"request": {loginPage.Query().Get("request")}, "passkey": {signed}})
}

// readToken is what an ID token claims.
func readToken(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(payload, &claims))
	return claims
}

// loginPage is where a visitor who wants in ends up.
func (b *browser) loginPage() *url.URL {
	b.site.t.Helper()
	return b.to(b.get(b.to(b.get("/login")).String()))
}

func TestAPasskeyLetsItsPersonInWithoutALogin_WebAuthn_L2(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	p := s.person(domain.Worker)
	mine := s.browser()
	mine.signInAs(p)
	d := mine.addPasskey()
	require.Contains(t, mine.get("/auth/passkeys").body, "Phone false")

	// Any browser will do, as long as the device is there.
	other, a := s.browser(), s.asking()
	page := other.to(other.authorize(a))
	back := other.to(other.sendPasskey(page, d.sign(t, other.askPasskey(page))))
	access, idToken := s.redeem(back.Query().Get("code"), a).tokens(t)
	claims := s.userinfo(access).json(t)
	require.Equal(t, p.ID.String(), claims["sub"])
	require.Equal(t, []any{"hwk", "user"}, readToken(t, idToken)["amr"], "RFC 8176")
	list := mine.get("/auth/passkeys").body
	require.Contains(t, list, "Phone true")

	id, _, _ := strings.Cut(list, " ")
	require.Equal(t, "/auth/passkeys?done=removed", mine.to(mine.post("/auth/passkeys/"+id+"/remove", nil)).RequestURI())
	third := s.browser()
	page = third.loginPage()
	res := third.sendPasskey(page, d.sign(t, third.askPasskey(page)))
	require.Equal(t, "auth.passkey_refused", res.body, "removed")
	require.Empty(t, res.Cookies())
	require.Equal(t, http.StatusSeeOther, third.enter(page, p.Login, testPassword).StatusCode, "and the page is good for a password still")
}

func TestWhatAPasskeySignsIsChecked_WebAuthn_L2_7_2(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	p, other := s.person(domain.Worker), s.person(domain.Worker)
	// Two people, because one may not have so many.
	owners := []*browser{s.browser(), s.browser()}
	owners[0].signInAs(p)
	owners[1].signInAs(other)
	const refused, expired = "auth.passkey_refused", "auth.passkey_expired"

	for name, c := range map[string]struct {
		// change is what is wrong with the device, or how the answer is sent.
		change func(d *device)
		send   func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer
		want   string
	}{
		"nothing wrong":      {want: ""},
		"another origin":     {change: func(d *device) { d.party.Origin = "http://evil.example" }, want: refused},
		"another port":       {change: func(d *device) { d.party.Origin = "http://localhost:1" }, want: refused},
		"another scheme":     {change: func(d *device) { d.party.Origin = strings.Replace(s.url, "http:", "https:", 1) }, want: refused},
		"another party":      {change: func(d *device) { d.party.ID = "evil.example" }, want: refused},
		"unverified person":  {change: func(d *device) { d.auth.Options.UserNotVerified = true }, want: refused},
		"absent person":      {change: func(d *device) { d.auth.Options.UserNotPresent = true }, want: refused},
		"somebody's handle":  {change: func(d *device) { d.auth.Options.UserHandle = uuid.Nil[:] }, want: refused},
		"no handle":          {change: func(d *device) { d.auth.Options.UserHandle = nil }, want: refused},
		"another key":        {change: func(d *device) { d.key.Key = s.device().key.Key }, want: refused},
		"unknown passkey":    {change: func(d *device) { d.key = s.device().key }, want: refused},
		"became a copy":      {change: func(d *device) { d.auth.Options.BackupEligible = true }, want: refused},
		"a count gone back":  {change: func(d *device) { d.key.Counter -= 2 }, want: refused},
		"a count that stays": {change: func(d *device) { d.key.Counter-- }, want: refused},
		"nonsense": {send: func(_ *testing.T, b *browser, page *url.URL, _ *device) testAnswer {
			return b.sendPasskey(page, `{"id":`)
		}, want: refused},
		"nothing": {send: func(_ *testing.T, b *browser, page *url.URL, _ *device) testAnswer {
			return b.sendPasskey(page, "")
		}, want: refused},
		"a challenge of its own": {send: func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer {
			asked := b.askPasskey(page)
			asked.body = `{"publicKey":{"challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}`
			return b.sendPasskey(page, d.sign(t, asked))
		}, want: expired},
		"a replayed answer": {send: func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer {
			signed := d.sign(t, b.askPasskey(page))
			require.Equal(t, http.StatusSeeOther, b.sendPasskey(page, signed).StatusCode)
			return b.sendPasskey(b.to(b.authorize(s.askingAnew())), signed)
		}, want: expired},
		"a second try at a challenge": {send: func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer {
			asked := b.askPasskey(page)
			d.party.Origin = "http://evil.example"
			require.Equal(t, refused, b.sendPasskey(page, d.sign(t, asked)).body)
			d.party.Origin = s.url
			return b.sendPasskey(page, d.sign(t, asked))
		}, want: expired},
		"a challenge of another browser": {send: func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer {
			attacker := s.browser()
			return b.sendPasskey(page, d.sign(t, attacker.askPasskey(attacker.loginPage())))
		}, want: expired},
		"a challenge for a new passkey": {send: func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer {
			b.signInAs(p)
			return b.sendPasskey(b.to(b.authorize(s.askingAnew())), d.sign(t, b.askNewPasskey()))
		}, want: expired},
	} {
		d := owners[0].addPasskey()
		slices.Reverse(owners)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.on(t)
			b := s.browser()
			page := b.loginPage()
			// A device that has been used has counted.
			require.Equal(t, http.StatusSeeOther, b.sendPasskey(page, d.sign(t, b.askPasskey(page))).StatusCode)
			b = s.browser()
			page = b.loginPage()
			if c.change != nil {
				c.change(d)
			}
			if c.send == nil {
				c.send = func(t *testing.T, b *browser, page *url.URL, d *device) testAnswer {
					t.Helper()
					return b.sendPasskey(page, d.sign(t, b.askPasskey(page)))
				}
			}
			res := c.send(t, b, page, d)
			if c.want == "" {
				require.Equal(t, http.StatusSeeOther, res.StatusCode, res.body)
				return
			}
			require.Equal(t, c.want, res.body)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
			require.Empty(t, res.Cookies())
		})
	}
}

// askingAnew is a request that whoever is signed in has to sign in for again.
func (s *authSite) askingAnew() asking {
	a := s.asking()
	a.query.Set("prompt", "login")
	return a
}

func TestNobodyHasEndlesslyManyPasskeys(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	b := s.browser()
	b.signInAs(s.person(domain.Worker))
	for range 20 {
		b.addPasskey()
	}
	require.Equal(t, "auth.no_more_passkeys", b.sendNewPasskey(s.device().make(t, b.askNewPasskey())).body)
}

func TestChallengesExpireAndDeactivatedPeopleStayOut_WebAuthn_L2(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	p := s.person(domain.Worker)
	b := s.browser()
	b.signInAs(p)
	d := b.addPasskey()

	late := s.browser()
	page := late.loginPage()
	asked := late.askPasskey(page)
	s.clock.forward(passkeyTimeout)
	require.Equal(t, "auth.passkey_expired", late.sendPasskey(page, d.sign(t, asked)).body)

	signed := d.sign(t, late.askPasskey(page))
	s.run(&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: p.ID})
	require.Equal(t, "auth.passkey_refused", late.sendPasskey(page, signed).body)
	s.run(&auth.ReactivatePerson{Request: domain.Request{By: auth.System}, Person: p.ID})
	require.Equal(t, http.StatusSeeOther, late.sendPasskey(page, d.sign(t, late.askPasskey(page))).StatusCode)
}

func TestANewPasskeyIsChecked_WebAuthn_L2_7_1(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	p, other := s.person(domain.Worker), s.person(domain.Worker)
	b, others := s.browser(), s.browser()
	b.signInAs(p)
	others.signInAs(other)
	for name, change := range map[string]func(*device){
		"another origin":    func(d *device) { d.party.Origin = "http://evil.example" },
		"another party":     func(d *device) { d.party.ID = "evil.example" },
		"unverified person": func(d *device) { d.auth.Options.UserNotVerified = true },
		"absent person":     func(d *device) { d.auth.Options.UserNotPresent = true },
	} {
		d := s.device()
		change(d)
		res := b.sendNewPasskey(d.make(t, b.askNewPasskey()))
		require.Equal(t, "auth.passkey_unusable", res.body, name)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, name)
	}
	require.Equal(t, "auth.passkey_unusable", b.sendNewPasskey("nonsense").body)

	d := s.device()
	made := d.make(t, b.askNewPasskey())
	require.Equal(t, "auth.passkey_expired", others.sendNewPasskey(made).body, "asked of somebody else")
	require.Equal(t, http.StatusSeeOther, b.sendNewPasskey(made).StatusCode)
	require.Equal(t, "auth.passkey_expired", b.sendNewPasskey(made).body, "replayed")
	require.Equal(t, "auth.passkey_known", others.sendNewPasskey(d.make(t, others.askNewPasskey())).body, "one passkey has one person")
	asked := b.askNewPasskey()
	require.Contains(t, asked.body, `"excludeCredentials":[{`, "the device is told which ones there are")
	require.Contains(t, asked.body, `"userVerification":"required"`)
	require.Contains(t, asked.body, `"residentKey":"required"`)
	require.Equal(t, "auth.passkey_name_invalid", b.post("/auth/passkeys", url.Values{"name": {" "}, "passkey": {s.device().make(t, asked)}}).body)

	theirs, _, _ := strings.Cut(b.get("/auth/passkeys").body, " ")
	for _, id := range []string{theirs, uuid.NewString(), "nonsense"} {
		res := others.post("/auth/passkeys/"+id+"/remove", nil)
		require.Equal(t, http.StatusNotFound, res.StatusCode, "not theirs")
		require.Equal(t, "auth.unknown_passkey", res.body)
	}
	require.Contains(t, b.get("/auth/passkeys").body, "Phone")
}

func TestPasskeysChangeOnlyRightAfterSigningIn(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	p := s.person(domain.Worker)
	b := s.browser()
	require.Equal(t, "/login?return_to=%2Fauth%2Fpasskeys", b.to(b.get("/auth/passkeys")).RequestURI())
	require.Equal(t, "/login", b.to(b.askNewPasskey()).Path)
	b.signInAs(p)
	d := b.addPasskey()
	made := d.make(t, b.askNewPasskey())
	id, _, _ := strings.Cut(b.get("/auth/passkeys").body, " ")

	s.clock.forward(recentSignIn)
	require.Contains(t, b.get("/auth/passkeys").body, "Phone", "they can be looked at")
	for _, res := range []testAnswer{b.askNewPasskey(), b.sendNewPasskey(made), b.post("/auth/passkeys/"+id+"/remove", nil)} {
		require.Equal(t, http.StatusForbidden, res.StatusCode)
		require.Equal(t, "auth.sign_in_again", res.body)
	}
	again := b.to(b.get(b.to(b.get(b.to(b.post("/auth/passkeys/again", nil)).String())).String()))
	require.Equal(t, "/auth/login", again.Path, "a password is asked for, though somebody was signed in")
	back := b.to(b.get(b.to(b.enter(again, p.Login, testPassword)).String()))
	require.Equal(t, "/auth/passkeys", back.Path)
	require.Equal(t, http.StatusSeeOther, b.post("/auth/passkeys/"+id+"/remove", nil).StatusCode)
}

// Another process on the same database takes an answer for what the first one asked, and only one of them takes it.
func TestProcessesShareChallenges(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	p := s.person(domain.Worker)
	b := s.browser()
	b.signInAs(p)
	d := b.addPasskey()
	second, err := newProvider(t.Context(), s.provider.providerConfig)
	require.NoError(t, err)

	visitor := s.browser()
	page := visitor.loginPage()
	form := url.Values{"request": {page.Query().Get("request")}, "passkey": {d.sign(t, visitor.askPasskey(page))}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/auth/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range visitor.client.Jar.Cookies(page) {
		r.AddCookie(c)
	}
	answered := httptest.NewRecorder()
	second.ServeHTTP(answered, r)
	require.Equal(t, http.StatusSeeOther, answered.Code, answered.Body)
	require.Equal(t, http.StatusConflict, visitor.post("/auth/login", form).StatusCode, "the request has been answered")
}

func TestUnderANumberThereAreNoPasskeys(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	page := b.loginPage()
	require.Equal(t, http.StatusNotFound, b.askPasskey(page).StatusCode)
	require.Equal(t, http.StatusNotFound, b.sendPasskey(page, "{}").StatusCode)
	b.signInAs(s.person(domain.Worker))
	require.Equal(t, http.StatusNotFound, b.askNewPasskey().StatusCode)
	require.Equal(t, http.StatusNotFound, b.sendNewPasskey("{}").StatusCode)
	require.Equal(t, http.StatusOK, b.get("/auth/passkeys").StatusCode)
	for host, has := range map[string]bool{"http://127.0.0.1:8080": false, "http://[::1]:8080": false, "http://localhost:8080": true, "https://tasks.example.com": true} {
		origin, err := url.Parse(host)
		require.NoError(t, err)
		party, err := newRelyingParty(origin)
		require.NoError(t, err)
		require.Equal(t, has, party != nil, host)
	}
}

func TestTheChallengesOfYesterdayAreSwept(t *testing.T) {
	t.Parallel()
	s := newAuthSiteAt(t, "localhost")
	b := s.browser()
	b.askPasskey(b.loginPage())
	b.enter(b.loginPage(), "nobody", "wrong")
	count := func() (n int) {
		require.NoError(t, s.pool.QueryRow(t.Context(), `select (select count(*) from auth.passkey_challenges) + (select count(*) from auth.sign_in_tries)`).Scan(&n))
		return n
	}
	s.run(auth.SweepExpired{})
	require.Equal(t, 4, count(), "a challenge, and three counts")
	s.clock.forward(25 * time.Hour)
	s.run(auth.SweepExpired{})
	require.Zero(t, count())
}
