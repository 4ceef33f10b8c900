package auth

import (
	"context"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// InvitePerson makes somebody known who chooses their password by a one-time link. Admins and System only. It refuses what
// cannot be a login, name, email or role, and a login that is in use.
type InvitePerson struct {
	domain.Request
	Login string      `json:"login"`
	Name  string      `json:"name"`
	Email string      `json:"email"`
	Role  domain.Role `json:"role"`

	// ID is the answer: the id of the person.
	ID uuid.UUID `json:"id"`
	// Token is the answer too, of the first sending only: that of the link. It is never recorded.
	Token string `json:"-"`
}

// Handle adds the account and tells User.Registered.
func (c *InvitePerson) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	account, err := newAccount(c.Login, c.Name, c.Email, c.Role)
	if err != nil {
		return nil, err
	}
	account.Now = tx.Now
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
	tokens, err := issueLinks(ctx, q, tx.Now, []uuid.UUID{user.ID}, func(int) string { return forFirstPassword })
	if err != nil {
		return nil, err
	}
	c.ID, c.Token = user.ID, tokens[0]
	return user.tell(UserRegistered{user}), nil
}
