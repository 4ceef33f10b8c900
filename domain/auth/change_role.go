package auth

import (
	"context"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ChangeRole gives a person another role. Admins and System only. It refuses to demote oneself or the last active
// Admin, an unknown person, an unknown role, and a person who is not as the Admin saw them; a person who has the role already
// stays as they are, without an event.
type ChangeRole struct {
	domain.Request
	Person uuid.UUID `json:"person"`
	// Seen is the version of the person that the Admin saw; nil does not matter.
	Seen *int64      `json:"seen"`
	Role domain.Role `json:"role"`
}

// Handle changes the account and tells User.RoleChanged.
func (c *ChangeRole) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
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
	if err := checkSeen(ctx, q, c.Person, c.Seen); err != nil {
		return nil, err
	}
	if c.Role != domain.Admin {
		if err := admins.mayTakeAway(c.By, c.Person); err != nil {
			return nil, err
		}
	}
	account, err := q.SetAccountRole(ctx, dbsqlc.SetAccountRoleParams{ID: c.Person, Role: string(c.Role), Now: tx.Now})
	person, ok, err := changed(ctx, q, c.Person, account, err)
	if err != nil || !ok {
		return nil, err
	}
	user := person.user()
	return user.tell(UserRoleChanged{user}), nil
}

// Topics has the person's streams look whether they may go on.
func (c *ChangeRole) Topics() []string { return []string{PersonTopic(c.Person)} }
