package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ImportPeople does what PlanImport says, all of it or nothing. Admins and System only. It refuses a plan with a refused line,
// and one that is not, or no longer, the plan that was seen. People who are new get no password and no link: IssueLinks makes
// those. Nobody gets another password or status.
type ImportPeople struct {
	domain.Request
	// People are not recorded, since the events tell of them; Seen, the digest of the plan that was seen, stands for them.
	People []ImportRow `json:"-"`
	Seen   string      `json:"seen"`

	// Created, Updated and Kept are the answer, and At, the moment at which the new people were created.
	Created int       `json:"created"`
	Updated int       `json:"updated"`
	Kept    int       `json:"kept"`
	At      time.Time `json:"at"`
}

// Handle tells User.Registered for who is new, User.Updated and User.RoleChanged for who is another.
func (c *ImportPeople) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	admins, err := lockAdmins(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := admins.mayManage(c.By); err != nil {
		return nil, err
	}
	plan, err := PlanImport(ctx, tx, c.By, c.People)
	if err != nil {
		return nil, err
	}
	if plan.Refused > 0 {
		return nil, refuse("file", "auth.import_refused", "Something in this file cannot be right, so nothing was done. Correct the lines below and import it again.")
	}
	if plan.Digest != c.Seen {
		return nil, &domain.Refusal{Kind: domain.Conflict, Code: "auth.import_changed",
			Message: "People have changed since this import was shown, so nothing was done. Look at what it would do now, then import it."}
	}
	c.Created, c.Updated, c.Kept, c.At = plan.Create, plan.Update, plan.Keep, tx.Now
	return plan.carryOut(ctx, q, tx.Now)
}

// carryOut does what the plan says, with a statement for all of each kind.
func (p ImportPlan) carryOut(ctx context.Context, q *dbsqlc.Queries, now time.Time) (events []domain.Event, err error) {
	create := dbsqlc.InsertPeopleParams{Now: now}
	profiles, roles := dbsqlc.SetProfilesParams{Now: now}, dbsqlc.SetRolesParams{Now: now}
	for _, l := range p.Lines {
		switch l.Action {
		case ImportCreate:
			id, err := uuid.NewV7()
			if err != nil {
				return nil, fmt.Errorf("draw an id: %w", err)
			}
			create.Ids = append(create.Ids, id)
			create.Logins = append(create.Logins, l.Login)
			create.Names = append(create.Names, l.Name)
			create.Emails = append(create.Emails, l.Email)
			create.Roles = append(create.Roles, l.Role)
		case ImportUpdate:
			profiles.Ids = append(profiles.Ids, l.Was.ID)
			profiles.Names = append(profiles.Names, l.Name)
			profiles.Emails = append(profiles.Emails, l.Email)
			roles.Ids = append(roles.Ids, l.Was.ID)
			roles.Roles = append(roles.Roles, l.Role)
		case ImportKeep, ImportRefuse:
		}
	}
	created, err := q.InsertPeople(ctx, create)
	if violates(err, "accounts_one_per_login") {
		return nil, refuseLogin()
	}
	if err != nil {
		return nil, fmt.Errorf("insert people: %w", err)
	}
	for _, a := range created {
		user := personOf(a).user()
		events = append(events, user.tell(UserRegistered{user})...)
	}
	updated, err := q.SetProfiles(ctx, profiles)
	if err != nil {
		return nil, fmt.Errorf("set profiles: %w", err)
	}
	for _, a := range updated {
		user := personOf(a).user()
		events = append(events, user.tell(UserUpdated{user})...)
	}
	changed, err := q.SetRoles(ctx, roles)
	if err != nil {
		return nil, fmt.Errorf("set roles: %w", err)
	}
	for _, a := range changed {
		user := personOf(a).user()
		events = append(events, user.tell(UserRoleChanged{user})...)
	}
	return events, nil
}
