package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ResetPassword takes a person's password away, ends their sessions, and makes a one-time link by which they choose another. A
// link that they had is void. Admins and System only. It refuses an unknown person, one who is deactivated, one whom another
// provider vouches for, and oneself: an Admin who lost the link would be locked out.
type ResetPassword struct {
	domain.Request
	Person uuid.UUID `json:"person"`

	// Token is the answer, of the first sending only: that of the link. It is never recorded.
	Token string `json:"-"`
}

// Handle resets the password. It tells nothing.
func (c *ResetPassword) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	admins, err := lockAdmins(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := admins.mayManage(c.By); err != nil {
		return nil, err
	}
	account, err := lockAccount(ctx, q, c.Person)
	if err != nil {
		return nil, err
	}
	switch {
	case c.By.ID == account.ID:
		return nil, &domain.Refusal{Kind: domain.Forbidden, Code: "auth.not_own_password",
			Message: "You cannot reset your own password: without the link you would be locked out. Ask another Admin."}
	case account.Issuer != nil:
		return nil, &domain.Refusal{Kind: domain.Conflict, Code: "auth.password_elsewhere",
			Message: "This person signs in through another service and has no password here."}
	case Status(account.Status) != Active:
		return nil, &domain.Refusal{Kind: domain.Conflict, Code: "auth.deactivated",
			Message: "This person is deactivated. Reactivate them first."}
	}
	purpose := forReset
	if account.PasswordHash == nil && account.SignedInAt == nil {
		purpose = forFirstPassword
	}
	tokens, err := issueLinks(ctx, q, tx.Now, []uuid.UUID{account.ID}, func(int) string { return purpose })
	if err != nil {
		return nil, err
	}
	c.Token = tokens[0]
	if err := q.SetAccountPassword(ctx, dbsqlc.SetAccountPasswordParams{ID: account.ID, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("take the password away: %w", err)
	}
	return nil, endSessions(ctx, q, account.ID, tx.Now)
}

// Topics are what pages show of it: the person's own, which end, and who has no password.
func (c *ResetPassword) Topics() []string {
	return []string{peopleTopic, PersonTopic(c.Person)}
}
