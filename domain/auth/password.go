package auth

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

const (
	minPassword = 10  // characters
	maxPassword = 256 // bytes, so that nobody makes us hash a book
)

// One of the settings that OWASP recommends for Argon2id; about 30 ms.
var hashParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// noPassword is the hash of a password that nobody knows. Comparing with it makes an unknown login take as long as a
// known one.
const noPassword = "$argon2id$v=19$m=19456,t=2,p=1$oC+oCuZA6UGCf6pFgUE9Hw$U1oNMkoEX9PypZ0B3X1afay2qVaXVmEXnQAC8wsIb30" //nolint:gosec // whose password was drawn and thrown away

// hashing bounds what passwords take to four times 19 MiB per process, however many people sign in at once.
var hashing = make(chan struct{}, 4)

// Authenticate returns the active person whose login and password these are. It refuses an unknown login, a wrong
// password and a deactivated person in the same words and after the same time.
func Authenticate(ctx context.Context, db dbsqlc.DBTX, login, password string) (Person, error) {
	account, err := findByTypedLogin(ctx, db, login)
	if err != nil {
		return Person{}, err
	}
	hash := noPassword
	if account.PasswordHash != nil {
		hash = *account.PasswordHash
	}
	match, err := matchPassword(ctx, password, hash)
	if err != nil {
		return Person{}, err
	}
	person := personOf(account)
	if !match || person.Status != Active {
		return Person{}, &domain.Refusal{
			Kind: domain.Invalid, Code: "auth.sign_in_failed", Field: "login",
			Message: "This login and password do not fit together.",
		}
	}
	return person, nil
}

// findByTypedLogin returns the account behind whatever somebody typed, an empty one when there is none.
func findByTypedLogin(ctx context.Context, db dbsqlc.DBTX, typed string) (account dbsqlc.AuthAccount, err error) {
	login, ok := storedLogin(typed)
	if !ok {
		return account, nil
	}
	account, err = dbsqlc.New(db).FindAccountByLogin(ctx, login)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return account, fmt.Errorf("find person: %w", err)
	}
	return account, nil
}

func checkPassword(password string) error {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		return refuse("password", "auth.password_invalid", "A password has at least 10 characters, and at most 256 bytes.")
	}
	return nil
}

func hashPassword(ctx context.Context, password string) (hash string, err error) {
	err = withinHashing(ctx, func() error {
		hash, err = argon2id.CreateHash(password, hashParams)
		return err
	})
	return hash, err
}

func matchPassword(ctx context.Context, password, hash string) (match bool, err error) {
	if len(password) > maxPassword {
		return false, nil
	}
	err = withinHashing(ctx, func() error {
		match, err = compareHash(password, hash)
		return err
	})
	return match, err
}

func withinHashing(ctx context.Context, hash func() error) error {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := hash(); err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	return nil
}
