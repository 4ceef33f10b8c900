package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// AdmitPerson keeps the account of somebody for whom another provider has just vouched: it makes one at first sight, and
// brings it up to date when the provider tells another name, email or role. Admins and System only. The provider has the
// last word, also where it takes the role of the last active Admin away, since it can give it to somebody else; but who is
// deactivated here stays so, and as they were. It refuses what cannot be an email or a role.
type AdmitPerson struct {
	domain.Request
	// Issuer and Subject are who vouches and its name for the person, by which alone they are known.
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Login is what a login is made from at first sight; any text will do. It stays as it was then.
	Login string      `json:"login"`
	Name  string      `json:"name"`
	Email string      `json:"email"`
	Role  domain.Role `json:"role"`

	// ID is the answer: the id of the person.
	ID uuid.UUID `json:"id"`
}

// Changes reports whether there is anything to bring up to date in a person who is known already.
func (c *AdmitPerson) Changes(p Person) bool {
	return p.Name != presentableName(c.Name) || p.Email != strings.TrimSpace(c.Email) || p.Role != c.Role
}

// Handle adds or changes the account and tells User.Registered, or User.Updated and User.RoleChanged, each where it applies.
func (c *AdmitPerson) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	email, err := cleanEmail(c.Email)
	if err != nil {
		return nil, err
	}
	if err := checkRole(c.Role); err != nil {
		return nil, err
	}
	q := dbsqlc.New(tx)
	admins, err := lockAdmins(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := admins.mayManage(c.By); err != nil {
		return nil, err
	}
	account, isNew, err := c.findOrInsert(ctx, q, dbsqlc.InsertVouchedAccountParams{
		Issuer: c.Issuer, Subject: c.Subject, Name: presentableName(c.Name), Email: email, Role: string(c.Role), Now: tx.Now,
	})
	if err != nil {
		return nil, err
	}
	c.ID = account.ID
	switch {
	case isNew:
		user := personOf(account).user()
		return user.tell(UserRegistered{user}), nil
	case Status(account.Status) != Active:
		return nil, nil
	}
	return c.update(ctx, tx, q, email)
}

// Topics has the person's streams look whether they may go on.
func (c *AdmitPerson) Topics() []string { return []string{PersonTopic(c.ID)} }

func (c *AdmitPerson) update(ctx context.Context, tx domain.Tx, q *dbsqlc.Queries, email string) (events []domain.Event, err error) {
	account, err := q.SetAccountProfile(ctx, dbsqlc.SetAccountProfileParams{ID: c.ID, Name: presentableName(c.Name), Email: email, Now: tx.Now})
	person, ok, err := changed(ctx, q, c.ID, account, err)
	if err != nil {
		return nil, err
	}
	if ok {
		user := person.user()
		events = append(events, user.tell(UserUpdated{user})...)
	}
	account, err = q.SetAccountRole(ctx, dbsqlc.SetAccountRoleParams{ID: c.ID, Role: string(c.Role), Now: tx.Now})
	person, ok, err = changed(ctx, q, c.ID, account, err)
	if err != nil {
		return nil, err
	}
	if ok {
		user := person.user()
		events = append(events, user.tell(UserRoleChanged{user})...)
	}
	return events, nil
}

// findOrInsert returns the account of the person, a new one at first sight. Of two first sights at once, the second waits
// for the first and finds what it has made.
func (c *AdmitPerson) findOrInsert(ctx context.Context, q *dbsqlc.Queries, account dbsqlc.InsertVouchedAccountParams) (a dbsqlc.AuthAccount, isNew bool, err error) {
	known := dbsqlc.FindAccountBySubjectParams{Issuer: c.Issuer, Subject: c.Subject}
	if a, err = q.FindAccountBySubject(ctx, known); !errors.Is(err, pgx.ErrNoRows) {
		return a, false, wrapped("find account", err)
	}
	if account.ID, err = uuid.NewV7(); err != nil {
		return a, false, fmt.Errorf("draw an id: %w", err)
	}
	for _, account.Login = range loginsFrom(c.Login, c.Email) {
		if a, err = q.InsertVouchedAccount(ctx, account); !errors.Is(err, pgx.ErrNoRows) {
			return a, err == nil, wrapped("insert account", err)
		}
		if a, err = q.FindAccountBySubject(ctx, known); !errors.Is(err, pgx.ErrNoRows) {
			return a, false, wrapped("find account", err)
		}
	}
	return a, false, fmt.Errorf("insert account: every login made from %q is in use", c.Login)
}

func wrapped(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// maxName is the longest name, in characters.
const maxName = 100

// presentableName returns the nearest to a name that can be one here: a provider has no form that would show it again. It
// is a dash where nothing is left.
func presentableName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "\ufffd"))
	runes := []rune(strings.TrimSpace(name))
	if name = strings.TrimSpace(string(runes[:min(len(runes), maxName)])); name == "" {
		return "–"
	}
	return name
}

// loginsFrom returns logins to try, the nicest first: made from what the provider calls the person or else from their email,
// with a number where others have it, and in the end with so many letters drawn that nobody has it.
func loginsFrom(called, email string) []string {
	base := "person"
	for _, text := range []string{called, email} {
		local, _, _ := strings.Cut(text, "@")
		if login := loginLike(local); login != "" {
			base = login
			break
		}
	}
	with := func(suffix string) string { return base[:min(len(base), maxLogin-len(suffix))] + suffix }
	logins := []string{with("")}
	for n := 2; n < 10; n++ {
		logins = append(logins, with("-"+strconv.Itoa(n)))
	}
	return append(logins, with("-"+strings.ToLower(rand.Text()[:10])))
}

// loginLike returns a text without what no login can have, "" where nothing is left.
func loginLike(text string) string {
	login := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLower(r) || unicode.IsDigit(r) || slices.Contains([]rune("._-"), r)) {
			return r
		}
		return -1
	}, strings.ToLower(text))
	login = strings.Trim(login, "._-")
	return login[:min(len(login), maxLogin)]
}
