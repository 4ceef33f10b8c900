package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// LinkLifetime is how long a one-time link for a password can be used.
const LinkLifetime = 72 * time.Hour

// sentAgainWithin is for how long a form that has used a link up may be sent again, as by a double click.
const sentAgainWithin = time.Minute

// The purposes of a link. A link does nothing but what it was made for.
const (
	forFirstPassword = "first"
	forReset         = "reset"
	forFirstAdmin    = "first_admin"
)

// PasswordLink is what the token of a link stands for.
type PasswordLink struct {
	// Person chooses the password; nobody where FirstAdmin is true.
	Person Person
	// FirstAdmin makes the first person known.
	FirstAdmin bool
	// First is true for somebody who never had a password.
	First bool
}

// FindPasswordLink returns what a link is for, without using it up. It refuses what is no link, one that has been used or has
// expired, and one in whose place there is another, all in the same words.
func FindPasswordLink(ctx context.Context, db dbsqlc.DBTX, token string, now time.Time) (PasswordLink, error) {
	q := dbsqlc.New(db)
	link, err := q.FindPasswordLink(ctx, dbsqlc.FindPasswordLinkParams{TokenHash: linkHash(token), Now: now})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && link.UsedAt != nil {
		return PasswordLink{}, refuseLink()
	}
	if err != nil {
		return PasswordLink{}, fmt.Errorf("find link: %w", err)
	}
	if link.Purpose == forFirstAdmin {
		known, err := q.HasAccounts(ctx)
		if err != nil {
			return PasswordLink{}, fmt.Errorf("look for people: %w", err)
		}
		if known {
			return PasswordLink{}, refuseLink()
		}
		return PasswordLink{FirstAdmin: true}, nil
	}
	person, err := FindPerson(ctx, db, *link.AccountID)
	if err == nil && person.Status != Active {
		err = refuseLink()
	}
	return PasswordLink{Person: person, First: link.Purpose == forFirstPassword}, err
}

func refuseLink() error {
	return &domain.Refusal{
		Kind: domain.NotFound, Code: "auth.link_dead",
		Message: "This link does not work: it has been used, has expired, or a newer one has taken its place. Ask an Admin for a new one.",
	}
}

// The database never holds a token that would let its reader in. A token is random, so a fast hash is enough.
func linkHash(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// issueLinks gives each of these people a new link in place of the one they had, and returns the tokens in their order.
func issueLinks(ctx context.Context, q *dbsqlc.Queries, now time.Time, people []uuid.UUID, purpose func(i int) string) ([]string, error) {
	if err := q.DeleteUnusedLinksOf(ctx, people); err != nil {
		return nil, fmt.Errorf("void links: %w", err)
	}
	tokens := make([]string, len(people))
	links := dbsqlc.InsertPasswordLinksParams{Accounts: people, Now: now, ExpiresAt: now.Add(LinkLifetime)}
	for i := range people {
		tokens[i] = rand.Text()
		links.TokenHashes = append(links.TokenHashes, linkHash(tokens[i]))
		links.Purposes = append(links.Purposes, purpose(i))
	}
	if err := q.InsertPasswordLinks(ctx, links); err != nil {
		return nil, fmt.Errorf("make links: %w", err)
	}
	return tokens, nil
}

// useLink uses a link up for a person and refuses when another has been faster.
func useLink(ctx context.Context, q *dbsqlc.Queries, hash []byte, person uuid.UUID, now time.Time) error {
	used, err := q.UsePasswordLink(ctx, dbsqlc.UsePasswordLinkParams{TokenHash: hash, AccountID: &person, Now: &now})
	if err != nil {
		return fmt.Errorf("use link: %w", err)
	}
	if used == 0 {
		return refuseLink()
	}
	return nil
}

// sentAgain accepts the form that has just used a link up with this very password: that is a double click, and what it asks
// for is done. Everything else is refused like any other dead link.
func sentAgain(ctx context.Context, q *dbsqlc.Queries, hash []byte, password string, now time.Time) (uuid.UUID, error) {
	link, err := q.FindPasswordLink(ctx, dbsqlc.FindPasswordLinkParams{TokenHash: hash, Now: now})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && (link.UsedAt == nil || now.Sub(*link.UsedAt) > sentAgainWithin) {
		return uuid.Nil, refuseLink()
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find link: %w", err)
	}
	account, err := q.FindAccount(ctx, *link.AccountID)
	if err != nil {
		return uuid.Nil, fmt.Errorf("find person: %w", err)
	}
	if account.PasswordHash == nil || Status(account.Status) != Active {
		return uuid.Nil, refuseLink()
	}
	match, err := hashing.match(ctx, regulars, password, *account.PasswordHash)
	if err == nil && !match {
		err = refuseLink()
	}
	return account.ID, err
}
