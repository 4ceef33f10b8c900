package auth

import (
	"context"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// UpdatePerson corrects a person's name and email. Admins and System only. It refuses what cannot be a name or an email,
// an unknown person, and one who is not as the Admin saw them; whoever has both already
// stays as they are, without an event.
type UpdatePerson struct {
	domain.Request
	Person uuid.UUID `json:"person"`
	// Seen is the version of the person that the Admin saw; nil does not matter.
	Seen  *int64 `json:"seen"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Handle changes the account and tells User.Updated.
func (c *UpdatePerson) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	name, err := cleanName(c.Name)
	if err != nil {
		return nil, err
	}
	email, err := cleanEmail(c.Email)
	if err != nil {
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
	account, err := q.SetAccountProfile(ctx, dbsqlc.SetAccountProfileParams{ID: c.Person, Name: name, Email: email, Now: tx.Now})
	person, ok, err := changed(ctx, q, c.Person, account, err)
	if err != nil || !ok {
		return nil, err
	}
	user := person.user()
	return user.tell(UserUpdated{user}), nil
}
