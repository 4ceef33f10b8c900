package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// SetPassword lets whoever has a one-time link choose the password of the person it was made for, and uses the link up. It
// refuses what cannot be a password, and a link that is dead, before anything is hashed. Sent again within a minute, with the
// same password, it is done already. It is nobody's request: the link alone says who asks.
type SetPassword struct {
	Token, Password string

	// Person is the answer: whose password it is.
	Person uuid.UUID
}

// Handle sets the password. It tells nothing: a password is no one else's business.
func (c *SetPassword) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q, hash := dbsqlc.New(tx), linkHash(c.Token)
	link, err := FindPasswordLink(ctx, tx, c.Token, tx.Now)
	if refused(err) {
		c.Person, err = sentAgain(ctx, q, hash, c.Password, tx.Now)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if link.FirstAdmin {
		return nil, refuseLink()
	}
	if err := checkPassword(c.Password); err != nil {
		return nil, err
	}
	// Hashing may have to wait its turn, and nobody should be locked meanwhile.
	password, err := hashing.hash(ctx, c.Password, hashParams)
	if err != nil {
		return nil, err
	}
	// The person first, then the link, as whoever makes a new link does.
	account, err := q.LockAccount(ctx, link.Person.ID)
	if err != nil {
		return nil, fmt.Errorf("lock person: %w", err)
	}
	if Status(account.Status) != Active || account.Issuer != nil {
		return nil, refuseLink()
	}
	if err := useLink(ctx, q, hash, account.ID, tx.Now); refused(err) {
		c.Person, err = sentAgain(ctx, q, hash, c.Password, tx.Now)
		return nil, err
	} else if err != nil {
		return nil, err
	}
	if err := q.SetAccountPassword(ctx, dbsqlc.SetAccountPasswordParams{ID: account.ID, PasswordHash: &password, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("set password: %w", err)
	}
	c.Person = account.ID
	return nil, endSessions(ctx, q, account.ID, tx.Now)
}

// Topics are what pages show of it: who has no password yet.
func (c *SetPassword) Topics() []string { return []string{peopleTopic} }
