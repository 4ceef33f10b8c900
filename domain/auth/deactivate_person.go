package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// DeactivatePerson shuts a person out: their sessions end with the same commit and they cannot sign in. Admins and
// System only. It refuses to deactivate oneself or the last active Admin, and an unknown person; whoever is deactivated
// already stays so, without an event.
type DeactivatePerson struct {
	domain.Request
	Person uuid.UUID `json:"person"`
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
	if err := admins.mayTakeAway(c.By, c.Person); err != nil {
		return nil, err
	}
	account, err := q.SetAccountStatus(ctx, dbsqlc.SetAccountStatusParams{ID: c.Person, Status: string(Deactivated), Now: tx.Now})
	person, ok, err := changed(ctx, q, c.Person, account, err)
	if err != nil || !ok {
		return nil, err
	}
	if err := q.RevokeSessionsOfSubject(ctx, dbsqlc.RevokeSessionsOfSubjectParams{Subject: c.Person, Now: &tx.Now}); err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	if err := q.EndProviderSessionsOfAccount(ctx, dbsqlc.EndProviderSessionsOfAccountParams{AccountID: c.Person, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("sign out at the provider: %w", err)
	}
	if err := q.EndRefreshFamiliesOfAccount(ctx, dbsqlc.EndRefreshFamiliesOfAccountParams{AccountID: c.Person, Now: tx.Now}); err != nil {
		return nil, fmt.Errorf("end refresh tokens: %w", err)
	}
	user := person.user()
	return user.tell(UserDeactivated{user}), nil
}

// Topics has the person's streams look whether they may go on.
func (c *DeactivatePerson) Topics() []string { return []string{PersonTopic(c.Person)} }
