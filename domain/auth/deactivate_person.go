package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// DeactivatePerson shuts a person out: their sessions and one-time links end with the same commit and they cannot sign
// in. Admins and System only. It refuses to deactivate oneself or the last active Admin, an unknown person, and one who is not
// as the Admin saw them; whoever is deactivated already stays so, without an event.
type DeactivatePerson struct {
	domain.Request
	Person uuid.UUID `json:"person"`
	// Seen is the version of the person that the Admin saw; nil does not matter.
	Seen *int64 `json:"seen"`
}

// Handle changes the account, ends its sessions and tells User.Deactivated.
func (c *DeactivatePerson) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
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
	if err := admins.mayTakeAway(c.By, c.Person); err != nil {
		return nil, err
	}
	account, err := q.SetAccountStatus(ctx, dbsqlc.SetAccountStatusParams{ID: c.Person, Status: string(Deactivated), Now: tx.Now})
	person, ok, err := changed(ctx, q, c.Person, account, err)
	if err != nil || !ok {
		return nil, err
	}
	if err := q.DeleteUnusedLinksOf(ctx, []uuid.UUID{person.ID}); err != nil {
		return nil, fmt.Errorf("void links: %w", err)
	}
	if err := endSessions(ctx, q, person.ID, tx.Now); err != nil {
		return nil, err
	}
	user := person.user()
	return user.tell(UserDeactivated{user}), nil
}

// Topics has the person's streams look whether they may go on.
func (c *DeactivatePerson) Topics() []string { return []string{PersonTopic(c.Person)} }
