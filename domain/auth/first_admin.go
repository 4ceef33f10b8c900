package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

const (
	// firstAdminLifetime is how long the link for the first Admin can be used; the next start makes another.
	firstAdminLifetime = 24 * time.Hour
	// startTogether is within which time processes count as started together: none voids the link that another has printed.
	startTogether = time.Minute
)

// InviteFirstAdmin makes a one-time link for the first Admin while nobody is known here. It voids those of earlier starts,
// except of processes that start at the same time.
type InviteFirstAdmin struct {
	// Token is the answer, empty when somebody is known already.
	Token string
	// Until is when the link expires.
	Until time.Time
}

// Handle makes the link. It tells nothing.
func (c *InviteFirstAdmin) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	known, err := lockFirstAdmin(ctx, q)
	if err != nil || known {
		return nil, err
	}
	if err := q.DeleteFirstAdminLinks(ctx, tx.Now.Add(-startTogether)); err != nil {
		return nil, fmt.Errorf("void links: %w", err)
	}
	c.Token, c.Until = rand.Text(), tx.Now.Add(firstAdminLifetime)
	err = q.InsertFirstAdminLink(ctx, dbsqlc.InsertFirstAdminLinkParams{TokenHash: linkHash(c.Token), Now: tx.Now, ExpiresAt: c.Until})
	if err != nil {
		return nil, fmt.Errorf("make a link: %w", err)
	}
	return nil, nil
}

// RegisterFirstAdmin makes whoever has the link for it the first Admin, once: of all links and all who use them, one wins, and
// then every such link is dead. It refuses a dead link before anything is hashed, and what cannot be a login, name, email or
// password. Sent again within a minute, with the same password, it is done already.
type RegisterFirstAdmin struct {
	Token, Login, Name, Email, Password string

	// Person is the answer: the Admin.
	Person uuid.UUID
}

// Handle adds the account and tells User.Registered.
func (c *RegisterFirstAdmin) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q, hash := dbsqlc.New(tx), linkHash(c.Token)
	link, err := FindPasswordLink(ctx, tx, c.Token, tx.Now)
	if refused(err) {
		c.Person, err = sentAgain(ctx, q, hash, c.Password, tx.Now)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if !link.FirstAdmin {
		return nil, refuseLink()
	}
	account, err := newAccount(c.Login, c.Name, c.Email, domain.Admin)
	if err != nil {
		return nil, err
	}
	if err := checkPassword(c.Password); err != nil {
		return nil, err
	}
	password, err := hashing.hash(ctx, c.Password, hashParams)
	if err != nil {
		return nil, err
	}
	account.PasswordHash, account.Now = &password, tx.Now
	known, err := lockFirstAdmin(ctx, q)
	if err != nil {
		return nil, err
	}
	if known {
		c.Person, err = sentAgain(ctx, q, hash, c.Password, tx.Now)
		return nil, err
	}
	user, err := insertAccount(ctx, q, account)
	if err != nil {
		return nil, err
	}
	if err := useLink(ctx, q, hash, user.ID, tx.Now); err != nil {
		return nil, err
	}
	if err := q.DeleteFirstAdminLinks(ctx, tx.Now.Add(time.Second)); err != nil {
		return nil, fmt.Errorf("void links: %w", err)
	}
	c.Person = user.ID
	return user.tell(UserRegistered{user}), nil
}

// lockFirstAdmin has this transaction be the only one that decides who the first Admin is, and reports whether anybody is known.
func lockFirstAdmin(ctx context.Context, q *dbsqlc.Queries) (known bool, err error) {
	if err := q.LockFirstAdmin(ctx); err != nil {
		return false, fmt.Errorf("wait for others who begin: %w", err)
	}
	if known, err = q.HasAccounts(ctx); err != nil {
		return false, fmt.Errorf("look for people: %w", err)
	}
	return known, nil
}
