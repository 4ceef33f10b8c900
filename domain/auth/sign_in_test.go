package auth

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

const rightPassword = "correct horse battery"

// gate is where people sign in, with a clock of its own.
type gate struct {
	t   *testing.T
	db  dbsqlc.DBTX
	h   *hasher
	now time.Time
}

func openGate(t *testing.T, db dbsqlc.DBTX) *gate {
	t.Helper()
	return &gate{t: t, db: db, h: newHasher(), now: time.Now().UTC().Truncate(time.Microsecond)}
}

// addresses are drawn, because tests share the tables.
func someAddress() netip.Addr {
	id := uuid.New()
	return netip.AddrFrom16([16]byte(id))
}

func (g *gate) person(tx domain.Tx) string {
	g.t.Helper()
	cmd := &RegisterPerson{
		Request: domain.Request{By: System}, Login: "p" + strings.ReplaceAll(uuid.NewString(), "-", ""), Name: "Polly",
		Email: "polly@popug.example", Role: domain.Worker, Password: rightPassword,
	}
	_, err := cmd.Handle(g.t.Context(), tx)
	require.NoError(g.t, err)
	return cmd.Login
}

// try signs in and returns the code of the refusal, "" for none, and how long to wait.
func (g *gate) try(login, password string, from netip.Addr, browser string) (code string, wait time.Duration) {
	g.t.Helper()
	_, err := SignIn{Login: login, Password: password, Address: from, Browser: browser, Now: g.now}.authenticate(g.t.Context(), g.db, g.h)
	var refusal *domain.Refusal
	if err == nil {
		return "", 0
	}
	require.ErrorAs(g.t, err, &refusal)
	return refusal.Code, refusal.RetryAfter
}

// unhashed is a wrong password that is too long to be hashed, which saves the tests most of their time.
var unhashed = strings.Repeat("x", maxPassword+1)

const (
	wrong   = "auth.sign_in_failed"
	tooSoon = "auth.too_many_tries"
)

func TestWrongPasswordsCostMoreAndMoreTime_ASVS_2_2(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	for _, known := range []bool{true, false} {
		g := openGate(t, tx)
		login := "nobody-" + uuid.NewString()
		if known {
			login = g.person(tx)
		}
		from := someAddress()
		for range freeOfPlace {
			code, _ := g.try(login, unhashed, from, "")
			require.Equal(t, wrong, code)
		}
		var waits []time.Duration
		for range 14 {
			// However it is written, it is the same login.
			code, _ := g.try(" "+strings.ToUpper(login), unhashed, from, "")
			require.Equal(t, wrong, code)
			code, wait := g.try(login, rightPassword, from, "")
			require.Equal(t, tooSoon, code, "even the right one")
			require.Zero(t, g.h.hashed.Load(), "nothing is hashed for it")
			waits = append(waits, wait.Round(time.Second))
			g.now = g.now.Add(wait)
		}
		s := time.Second
		// Time makes up for failures, so the waits are a little less than the powers of two.
		require.Equal(t, []time.Duration{1 * s, 2 * s, 4 * s, 8 * s, 16 * s}, waits[:5])
		require.True(t, slices.IsSorted(waits[:10]))
		require.LessOrEqual(t, slices.Max(waits), longestWait)
		require.GreaterOrEqual(t, slices.Max(waits), longestWait/3)
		code, _ := g.try(login, rightPassword, from, "")
		require.Equal(t, known, code == "")
	}
}

// People of one address who sign in at the same moment do not come in the order of their moments.
func TestWhoSignsInTogetherDoesNotWaitForOneAnother(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	g := openGate(t, tx)
	office := someAddress()
	for _, login := range []string{g.person(tx), g.person(tx), g.person(tx)} {
		code, _ := g.try(login, rightPassword, office, "")
		require.Empty(t, code)
		g.now = g.now.Add(-10 * time.Millisecond)
		code, _ = g.try(login, unhashed, office, "")
		require.Equal(t, wrong, code)
		g.now = g.now.Add(-10 * time.Millisecond)
	}
}

func TestTheRightPasswordForgetsWrongOnes_ASVS_2_2(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	g := openGate(t, tx)
	login, from := g.person(tx), someAddress()
	for range 2 {
		for range freeOfPlace {
			code, _ := g.try(login, unhashed, from, "")
			require.Equal(t, wrong, code)
		}
		code, _ := g.try(login, rightPassword, from, "")
		require.Empty(t, code)
	}
	// Those who know their passwords do not use up what their address and their login may do wrong.
	keys := SignIn{Login: login, Address: from}.tries()
	rows, err := dbsqlc.New(tx).FindSignInTries(t.Context(), dbsqlc.FindSignInTriesParams{Place: keys.place, Address: keys.address, Login: keys.login})
	require.NoError(t, err)
	require.Len(t, rows, 3)
	for _, row := range rows {
		want := 2.0 * freeOfPlace
		if row.Kind == triesOfPlace {
			want = 0
		}
		require.InDelta(t, want, row.Failures, 0.01, row.Kind)
	}
}

func TestAnAddressThatTriesManyLoginsHasToWait_ASVS_2_2(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	g := openGate(t, tx)
	login, from := g.person(tx), someAddress()
	for range freeOfAddress + 1 {
		code, _ := g.try("nobody-"+uuid.NewString(), unhashed, from, "")
		require.Equal(t, wrong, code)
	}
	code, _ := g.try(login, rightPassword, from, "")
	require.Equal(t, tooSoon, code)
	neighbour := from.As16()
	neighbour[15]++
	code, _ = g.try(login, rightPassword, netip.AddrFrom16(neighbour), "")
	require.Equal(t, tooSoon, code, "one customer of IPv6 has the whole network")
	code, _ = g.try(login, rightPassword, from, "a browser that is known")
	require.Empty(t, code, "a known browser is let in past its neighbours")
	code, _ = g.try(login, rightPassword, someAddress(), "")
	require.Empty(t, code)
}

func TestNobodyCanShutSomebodyElseOut_ASVS_2_2(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	g := openGate(t, tx)
	login := g.person(tx)
	guesses := 0
	for range 40 {
		from := someAddress()
		for range 10 {
			if code, _ := g.try(login, unhashed, from, ""); code == wrong {
				guesses++
			}
		}
	}
	// Two tries of each address: the free one, and the one after which it waits.
	require.LessOrEqual(t, guesses, attackedFrom+2*40, "once the login is under attack each address has one free try")
	code, _ := g.try(login, rightPassword, someAddress(), "")
	require.Empty(t, code, "and so has its person")

	attacked := someAddress()
	for range 10 {
		g.try(login, unhashed, attacked, "")
	}
	code, _ = g.try(login, rightPassword, attacked, "")
	require.Equal(t, tooSoon, code)
	code, _ = g.try(login, rightPassword, attacked, "a browser that is known")
	require.Empty(t, code, "also from the very address of the attack")

	// A known browser in the wrong hands is stopped like any other place.
	for range freeOfPlace + 1 {
		code, _ = g.try(login, unhashed, attacked, "a stolen one")
		require.Equal(t, wrong, code)
	}
	code, _ = g.try(login, rightPassword, attacked, "a stolen one")
	require.Equal(t, tooSoon, code)
}

// The answer and the work must not tell whether there is such a login: the same number of hashes, also while others wait.
func TestUnknownLoginsAreAnsweredWithTheSameWork_ASVS_2_2(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	type outcome struct {
		codes  string
		hashes int64
	}
	outcomes := map[string]outcome{}
	for name, loginOf := range map[string]func(*gate) string{
		"known":         func(g *gate) string { return g.person(tx) },
		"unknown":       func(*gate) string { return "nobody" + uuid.NewString()[:8] },
		"no login ever": func(*gate) string { return "*** " + uuid.NewString() },
	} {
		g := openGate(t, tx)
		login, from := loginOf(g), someAddress()
		var codes []string
		begin := time.Now()
		for _, password := range []string{"wrong", "", unhashed, unhashed, unhashed, unhashed, "wrong", "wrong"} {
			code, _ := g.try(login, password, from, "")
			codes = append(codes, code)
		}
		outcomes[name] = outcome{strings.Join(codes, " "), g.h.hashed.Load()}
		t.Logf("%s: %d hashes in %s", name, g.h.hashed.Load(), time.Since(begin).Round(time.Millisecond))
	}
	require.EqualValues(t, 2, outcomes["known"].hashes)
	require.Equal(t, outcomes["known"], outcomes["unknown"])
	require.Equal(t, outcomes["known"], outcomes["no login ever"])
}

func TestTriesSentAtOnceCannotOutrunTheCount_ASVS_2_2(t *testing.T) {
	t.Parallel()
	g := openGate(t, sqltest.Pool(t))
	from := someAddress()
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			_, err := SignIn{Login: "polly", Password: "wrong", Address: from, Now: g.now}.authenticate(t.Context(), g.db, g.h)
			if !errors.As(err, new(*domain.Refusal)) {
				t.Errorf("a fault: %v", err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, freeOfPlace+1, g.h.hashed.Load())
}

func TestAPasswordThatWasNotLookedAtIsNotCounted(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	g := openGate(t, tx)
	login, from := g.person(tx), someAddress()
	g.h.waiting.Store(maxWaiting)
	for range 2 * freeOfPlace {
		code, _ := g.try(login, rightPassword, from, "")
		require.Equal(t, "auth.busy", code)
	}
	g.h.waiting.Store(0)
	code, _ := g.try(login, rightPassword, from, "")
	require.Empty(t, code)
}

func TestWhichAddressesAreOnePlace(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		require.Equal(t, want, network(netip.MustParseAddr(address)))
	}
}
