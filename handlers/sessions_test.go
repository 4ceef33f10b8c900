package handlers

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/sqltest"
	"ates/views"
)

// token is the session cookie of a browser.
func (b *browser) token() string {
	b.site.t.Helper()
	r := httptest.NewRequest(http.MethodGet, b.site.url, nil)
	for _, c := range b.client.Jar.Cookies(r.URL) {
		if c.Name == "ates" {
			return c.Value
		}
	}
	b.site.t.Fatal("the browser has no session")
	return ""
}

// alive asks like an open stream does.
func (s *authSite) alive(token string) (uuid.UUID, bool) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/live", nil)
	r.AddCookie(&http.Cookie{Name: "ates", Value: token})
	id, ok, err := s.sessions.Alive(s.t.Context(), r)
	require.NoError(s.t, err)
	return id, ok
}

func TestSessionGetsANewNameAtSignIn_ASVS_3_2_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	b.get("/login")
	before := b.token()
	b.signInAs(p)
	require.NotEqual(t, before, b.token())
	_, found, err := s.sessions.store.FindCtx(t.Context(), before)
	require.NoError(t, err)
	require.False(t, found, "the old name leads nowhere")
}

func TestDatabaseHoldsNoToken_ASVS_3_2_3(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	b.signInAs(s.person(domain.Worker))
	token := b.token()
	var named, holding int
	require.NoError(t, s.pool.QueryRow(t.Context(), `
		select count(*) filter (where token_hash = $1), count(*) filter (where position($2::bytea in token_hash || data) > 0)
		from auth.sessions`, tokenHash(token), []byte(token)).Scan(&named, &holding))
	require.Equal(t, 1, named)
	require.Zero(t, holding)
}

// A request that was on its way when somebody signed out, such as a poll, must not write the session back to life.
func TestSignedOutSessionsDoNotComeBack_ASVS_3_3_1(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	b.signInAs(p)
	token := b.token()
	inFlight, err := s.sessions.manager.Load(t.Context(), token)
	require.NoError(t, err)
	s.sessions.manager.Put(inFlight, "key", "value")

	b.follow(b.post("/logout", nil))
	_, _, err = s.sessions.manager.Commit(inFlight)
	require.NoError(t, err)

	_, found, err := s.sessions.store.FindCtx(t.Context(), token)
	require.NoError(t, err)
	require.False(t, found)
	_, ok := s.alive(token)
	require.False(t, ok)
	var data []byte
	require.NoError(t, s.pool.QueryRow(t.Context(), "select data from auth.sessions where token_hash = $1", tokenHash(token)).Scan(&data))
	require.Empty(t, data, "what was in it stays forgotten")
}

func TestAllSessionsOfAPersonEndAtOnce(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, other := s.person(domain.Worker), s.person(domain.Worker)
	phone, desk, theirs := s.browser(), s.browser(), s.browser()
	phone.signInAs(p)
	desk.signInAs(p)
	theirs.signInAs(other)

	s.run(&auth.EndSessions{Request: domain.Request{By: p.Actor()}})
	require.Empty(t, phone.whoami())
	require.Empty(t, desk.whoami())
	require.Equal(t, other.ID.String(), theirs.whoami())
}

func TestDeactivatedPeopleAreOutEverywhere(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p, b := s.person(domain.Worker), s.browser()
	b.signInAs(p)
	token := b.token()
	id, ok := s.alive(token)
	require.True(t, ok)
	require.Equal(t, p.ID, id)

	by := domain.Request{By: auth.System}
	s.run(&auth.DeactivatePerson{Request: by, Person: p.ID})
	_, ok = s.alive(token)
	require.False(t, ok)
	require.Empty(t, b.whoami())
	require.Equal(t, "/auth/login", b.to(b.get(b.to(b.get("/login")).String())).Path)

	s.run(&auth.ReactivatePerson{Request: by, Person: p.ID})
	require.Empty(t, b.whoami(), "who comes back signs in anew")
}

func TestSessionsEndIdleAndInAll(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	p := s.person(domain.Worker)
	idle, busy := s.browser(), s.browser()
	idle.signInAs(p)
	busy.signInAs(p)
	// Six steps of less than two hours keep a session in use up to its end.
	for range 6 {
		s.clock.forward(sessionIdle - 2*time.Minute)
		require.Equal(t, p.ID.String(), busy.whoami())
	}
	require.Empty(t, idle.whoami(), "two idle hours")
	s.clock.forward(sessionLifetime - 6*(sessionIdle-2*time.Minute) + time.Second)
	require.Empty(t, busy.whoami(), "twelve hours in all")
	_, ok := s.alive(busy.token())
	require.False(t, ok)
}

// An open stream that asks whether its session lives must not keep it alive.
func TestAskingWhetherASessionLivesIsNotUse(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	b.signInAs(s.person(domain.Worker))
	s.clock.forward(sessionIdle - time.Minute)
	_, ok := s.alive(b.token())
	require.True(t, ok)
	s.clock.forward(2 * time.Minute)
	_, ok = s.alive(b.token())
	require.False(t, ok)
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	b := s.browser()
	b.signInAs(s.person(domain.Worker))
	touched := func() (at time.Time) {
		require.NoError(t, s.pool.QueryRow(t.Context(),
			"select touched_at from auth.sessions where token_hash = $1", tokenHash(b.token())).Scan(&at))
		return at
	}
	first := touched()
	b.whoami()
	require.Equal(t, first, touched())
	s.clock.forward(sessionTouchEvery + time.Second)
	b.whoami()
	require.Greater(t, touched(), first)
}

func TestCookiesAreTiedToTheHost_ASVS_3_4(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	manager := newSessions(s.pool, true, s.clock.now).manager
	require.Equal(t, "__Host-ates", manager.Cookie.Name)
	require.True(t, manager.Cookie.Secure)

	b, p := s.browser(), s.person(domain.Worker)
	first := b.get("/login")
	asked := b.get(b.to(first).String())
	for _, res := range []testAnswer{first, asked, b.enter(b.to(asked), p.Login, testPassword)} {
		require.NotEmpty(t, res.Cookies())
		for _, c := range res.Cookies() {
			require.True(t, c.HttpOnly, c.Name)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite, c.Name)
			require.Equal(t, "/", c.Path, c.Name)
			require.Empty(t, c.Domain, c.Name)
		}
	}

	overTLS := &provider{secure: true}
	w := httptest.NewRecorder()
	overTLS.setCookie(w, providerSessionCookie, "x")
	require.Equal(t, "__Host-ates-auth=x; Path=/; HttpOnly; Secure; SameSite=Lax", w.Header().Get("Set-Cookie"))
}

func TestFlashIsShownOnce(t *testing.T) {
	t.Parallel()
	s := newAuthSite(t)
	ctx, err := s.sessions.manager.Load(t.Context(), "")
	require.NoError(t, err)
	flash := views.Flash{Kind: views.FlashDone, Text: "Three reassigned, one kept."}
	require.NoError(t, s.sessions.PutFlash(ctx, flash))
	token, _, err := s.sessions.manager.Commit(ctx)
	require.NoError(t, err)

	next, err := s.sessions.manager.Load(t.Context(), token)
	require.NoError(t, err)
	got, err := s.sessions.PopFlash(next)
	require.NoError(t, err)
	require.Equal(t, &flash, got)
	got, err = s.sessions.PopFlash(next)
	require.NoError(t, err)
	require.Nil(t, got)
}

// A sign-in that was answered survives a crash of Postgres. The message for the next page need not, so its form waits for no disk.
func TestOnlyNewSessionsAreWaitedFor(t *testing.T) {
	t.Parallel()
	tx := sqltest.Tx(t)
	store := newSessions(tx, false, time.Now).store
	data, err := scs.GobCodec{}.Encode(time.Now().Add(time.Hour), map[string]any{sessionFlash: []byte("{}")})
	require.NoError(t, err)
	commit := func(token string) (waits string) {
		t.Helper()
		_, err := tx.Exec(t.Context(), "set local synchronous_commit = on")
		require.NoError(t, err)
		require.NoError(t, store.CommitCtx(t.Context(), token, data, time.Time{}))
		require.NoError(t, tx.QueryRow(t.Context(), "show synchronous_commit").Scan(&waits))
		return waits
	}
	require.Equal(t, "on", commit("new"))
	require.Equal(t, "off", commit("new"))
	require.Equal(t, "on", commit("another"))
}
