package auth

import (
	"context"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ReactivatePerson lets a deactivated person in again, with the role they had. Admins and System only. It refuses an
// unknown person and one who is not as the Admin saw them; whoever is active already stays so, without an event.
type ReactivatePerson struct {
	domain.Request
	Person uuid.UUID `json:"person"`
	// Seen is the version of the person that the Admin saw; nil does not matter.
	Seen *int64 `json:"seen"`
}

// Handle changes the account and tells User.Reactivated.
func (c *ReactivatePerson) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
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
	account, err := q.SetAccountStatus(ctx, dbsqlc.SetAccountStatusParams{ID: c.Person, Status: string(Active), Now: tx.Now})
	person, ok, err := changed(ctx, q, c.Person, account, err)
	if err != nil || !ok {
		return nil, err
	}
	user := person.user()
	return user.tell(UserReactivated{user}), nil
}
