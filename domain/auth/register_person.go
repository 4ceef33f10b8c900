package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// RegisterPerson makes somebody known who signs in here with a login and a password. Admins and System only. It refuses
// what cannot be a login, name, email, role or password, and a login that is in use.
type RegisterPerson struct {
	domain.Request
	Login string      `json:"login"`
	Name  string      `json:"name"`
	Email string      `json:"email"`
	Role  domain.Role `json:"role"`
	// Password is never recorded, only its hash is.
	Password string `json:"-"`
	// hashParams are for a password that everybody knows; nil are those of all others.
	hashParams *argon2id.Params

	// ID is the answer: the id of the person.
	ID uuid.UUID `json:"id"`
}

// Handle adds the account and tells User.Registered.
func (c *RegisterPerson) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	account, err := c.account()
	if err != nil {
		return nil, err
	}
	// Hashing may have to wait its turn, and nobody should be locked meanwhile.
	hash, err := hashing.hash(ctx, c.Password, cmp.Or(c.hashParams, hashParams))
	if err != nil {
		return nil, err
	}
	account.PasswordHash, account.Now = &hash, tx.Now
	q := dbsqlc.New(tx)
	admins, err := lockAdmins(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := admins.mayManage(c.By); err != nil {
		return nil, err
	}
	user, err := insertAccount(ctx, q, account)
	if err != nil {
		return nil, err
	}
	c.ID = user.ID
	return user.tell(UserRegistered{user}), nil
}

// account is what the command asks for, checked and in the form in which it is stored, short of the hash.
func (c *RegisterPerson) account() (account dbsqlc.InsertAccountParams, err error) {
	if account, err = newAccount(c.Login, c.Name, c.Email, c.Role); err != nil {
		return account, err
	}
	return account, checkPassword(c.Password)
}

// newAccount is somebody who is to be known, checked and in the form in which it is stored, with a new id and without a password.
func newAccount(login, name, email string, role domain.Role) (account dbsqlc.InsertAccountParams, err error) {
	if account.Login, err = cleanLogin(login); err != nil {
		return account, err
	}
	if account.Name, err = cleanName(name); err != nil {
		return account, err
	}
	if account.Email, err = cleanEmail(email); err != nil {
		return account, err
	}
	if err = checkRole(role); err != nil {
		return account, err
	}
	account.Role = string(role)
	if account.ID, err = uuid.NewV7(); err != nil {
		return account, fmt.Errorf("draw an id: %w", err)
	}
	return account, nil
}

// insertAccount makes somebody known and refuses a login that is in use.
func insertAccount(ctx context.Context, q *dbsqlc.Queries, account dbsqlc.InsertAccountParams) (User, error) {
	inserted, err := q.InsertAccount(ctx, account)
	if violates(err, "accounts_one_per_login") {
		return User{}, refuseLogin()
	}
	if err != nil {
		return User{}, fmt.Errorf("insert account: %w", err)
	}
	return personOf(inserted).user(), nil
}

func refuseLogin() error {
	return &domain.Refusal{
		Kind: domain.Conflict, Code: "auth.login_taken", Field: "login",
		Message: "Somebody else has this login. Choose another.",
	}
}

func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}
