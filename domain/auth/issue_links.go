package auth

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// IssueLinks gives everybody who fits a filter and has no password yet a new one-time link; those they had are void. Admins and
// System only. It can be asked for again when its answer was lost, since the answer is nowhere kept.
type IssueLinks struct {
	domain.Request
	// What narrows the people, as for the list of them; what is empty does not.
	Search  string      `json:"search"`
	Role    domain.Role `json:"role"`
	Created *time.Time  `json:"created"`

	// Links are the answer, by name. They are never recorded.
	Links []IssuedLink `json:"-"`
}

// IssuedLink is a one-time link of a person.
type IssuedLink struct {
	ID                 uuid.UUID
	Login, Name, Email string
	Token              string
}

// Handle makes the links. It tells nothing.
func (c *IssueLinks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	admins, err := lockAdmins(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := admins.mayManage(c.By); err != nil {
		return nil, err
	}
	rows, err := q.ListPeople(ctx, dbsqlc.ListPeopleParams{
		Search: c.Search, Role: string(c.Role), Status: Invited, Created: c.Created, Rows: math.MaxInt32,
	})
	if err != nil {
		return nil, fmt.Errorf("list people without a password: %w", err)
	}
	people := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		people[i] = row.ID
	}
	tokens, err := issueLinks(ctx, q, tx.Now, people, func(i int) string {
		if rows[i].SignedInAt != nil {
			return forReset
		}
		return forFirstPassword
	})
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		c.Links = append(c.Links, IssuedLink{ID: row.ID, Login: row.Login, Name: row.Name, Email: row.Email, Token: tokens[i]})
	}
	return nil, nil
}
