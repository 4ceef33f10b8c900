package auth

import (
	"context"
	"errors"
	"fmt"

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
	hash, err := hashing.hash(ctx, c.Password)
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
	inserted, err := q.InsertAccount(ctx, account)
	if violates(err, "accounts_one_per_login") {
		return nil, &domain.Refusal{
			Kind: domain.Conflict, Code: "auth.login_taken", Field: "login",
			Message: "Somebody else has this login. Choose another.",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("insert account: %w", err)
	}
	c.ID = inserted.ID
	user := personOf(inserted).user()
	return user.tell(UserRegistered{user}), nil
}

// account is what the command asks for, checked and in the form in which it is stored, short of the hash.
func (c *RegisterPerson) account() (account dbsqlc.InsertAccountParams, err error) {
	if account.Login, err = cleanLogin(c.Login); err != nil {
		return account, err
	}
	if account.Name, err = cleanName(c.Name); err != nil {
		return account, err
	}
	if account.Email, err = cleanEmail(c.Email); err != nil {
		return account, err
	}
	if err = checkRole(c.Role); err != nil {
		return account, err
	}
	if err = checkPassword(c.Password); err != nil {
		return account, err
	}
	account.Role = string(c.Role)
	if account.ID, err = uuid.NewV7(); err != nil {
		return account, fmt.Errorf("draw an id: %w", err)
	}
	return account, nil
}

func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}
