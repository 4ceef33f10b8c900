package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// How many wrong passwords cost nothing, and how fast they are forgotten. What is beyond costs a wait of 1, 2, 4 ... seconds
// up to longestWait.
const (
	freeOfPlace   = 5
	freeOfAddress = 50
	// A login that was tried wrongly this often is under attack: each place then has one free try instead of five, but it
	// has that one, so that nobody can shut somebody else out.
	attackedFrom     = 20
	freeWhenAttacked = 1

	placeForgets   = 15 * time.Minute
	addressForgets = 5 * time.Minute
	longestWait    = 15 * time.Minute
)

// The kinds of what tries are counted of. A place is an address, or a browser that is known, together with the login.
const (
	triesOfPlace   = "place"
	triesOfAddress = "address"
	triesOfLogin   = "login"
)

// SignIn is a try to sign in with a password.
type SignIn struct {
	Login, Password string
	// Address is where the try comes from; of IPv6 the network counts, since one customer has all of it.
	Address netip.Addr
	// Browser is the mark of a browser that has signed in with this very login before; empty for any other.
	Browser string
	Now     time.Time
}

// Authenticate returns the active person whose login and password these are. It refuses like the function of that name, and
// with TooSoon, without looking at the password, where too many were wrong: for this login from this place, or from this
// address altogether. A known browser is its own place, whatever others at its address do. What is counted does not depend
// on whether there is such a login.
func (s SignIn) Authenticate(ctx context.Context, db dbsqlc.DBTX) (Person, error) {
	return s.authenticate(ctx, db, hashing)
}

func (s SignIn) authenticate(ctx context.Context, db dbsqlc.DBTX, h *hasher) (Person, error) {
	q, keys := dbsqlc.New(db), s.tries()
	from, err := s.count(ctx, q, keys)
	if err != nil {
		return Person{}, err
	}
	person, err := h.authenticate(ctx, db, from, s.Login, s.Password)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind != domain.TooSoon {
		return Person{}, err
	}
	// A password that was not looked at is none that was wrong.
	settle := func() error { return q.ReturnSignInTry(context.WithoutCancel(ctx), keys.returned()) }
	if err == nil {
		settle = func() error { return q.ClearSignInTries(ctx, dbsqlc.ClearSignInTriesParams(keys.returned())) }
	}
	if failed := settle(); failed != nil && err == nil {
		return Person{}, fmt.Errorf("settle the tries to sign in: %w", failed)
	}
	return person, err
}

// tryKeys are the hashes under which a try is counted. A known browser counts for neither its address nor the login.
type tryKeys struct{ place, address, login []byte }

func (k tryKeys) returned() dbsqlc.ReturnSignInTryParams {
	return dbsqlc.ReturnSignInTryParams{Place: k.place, Address: k.address, Login: k.login}
}

func (s SignIn) tries() tryKeys {
	login, _ := storedLogin(s.Login)
	hash := func(parts ...string) []byte {
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		return sum[:]
	}
	if s.Browser != "" {
		return tryKeys{place: hash("browser", s.Browser, login)}
	}
	network := network(s.Address)
	return tryKeys{place: hash("address", network, login), address: hash(network), login: hash(login)}
}

// network is the address, or the network of 64 bits that one customer of IPv6 has.
func network(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}

// count refuses a try that comes too soon, and else counts it as a failure, to be taken back when it is none.
func (s SignIn) count(ctx context.Context, q *dbsqlc.Queries, keys tryKeys) (from lane, err error) {
	rows, err := q.FindSignInTries(ctx, dbsqlc.FindSignInTriesParams{Place: keys.place, Address: keys.address, Login: keys.login})
	if err != nil {
		return 0, fmt.Errorf("find earlier tries to sign in: %w", err)
	}
	free, wait := freeOfPlace, time.Duration(0)
	from = strangers
	for _, row := range rows {
		wait = max(wait, row.WaitUntil.Sub(s.Now))
		remembered := func(forgets time.Duration) float64 {
			return row.Failures - float64(s.Now.Sub(row.CountedAt))/float64(forgets)
		}
		switch row.Kind {
		case triesOfLogin:
			if remembered(addressForgets) >= attackedFrom {
				free = freeWhenAttacked
			}
		case triesOfPlace:
			if remembered(placeForgets) > 0 {
				from = repeaters
			}
		}
	}
	if wait > 0 {
		return 0, refuseTooSoon(wait)
	}
	counted := []dbsqlc.CountSignInTryParams{{Kind: triesOfPlace, Key: keys.place, Free: float64(free), Leak: placeForgets.Seconds()}}
	if s.Browser != "" {
		from = regulars
	} else {
		counted = append(counted,
			dbsqlc.CountSignInTryParams{Kind: triesOfAddress, Key: keys.address, Free: freeOfAddress, Leak: addressForgets.Seconds()},
			// Nobody waits for what others do with the login.
			dbsqlc.CountSignInTryParams{Kind: triesOfLogin, Key: keys.login, Free: 1e9, Leak: addressForgets.Seconds()})
	}
	for _, c := range counted {
		c.Now, c.Longest = s.Now, longestWait.Seconds()
		switch n, err := q.CountSignInTry(ctx, c); {
		case err != nil:
			return 0, fmt.Errorf("count a try to sign in: %w", err)
		case n == 0:
			// Another try came in between and has to be waited for.
			return 0, refuseTooSoon(time.Second)
		}
	}
	return from, nil
}

func refuseTooSoon(wait time.Duration) error {
	return &domain.Refusal{
		Kind: domain.TooSoon, Code: "auth.too_many_tries", Field: "login", RetryAfter: wait,
		Message: "There were too many tries to sign in. Wait a little and try again.",
	}
}
