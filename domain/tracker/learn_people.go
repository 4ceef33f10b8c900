package tracker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// Person is what the tracker needs to know of somebody. Version is that of the person at the Auth-Service.
type Person struct {
	ID      uuid.UUID
	Name    string
	Email   string
	Role    domain.Role
	Active  bool
	Version int64
}

// LearnPeople brings the tracker's copy of people up to date. It may come late, twice and in any order: of each person the
// highest version stays. It is a reaction to User.* events and tells nothing itself.
type LearnPeople struct{ People []Person }

// Handle updates the copy.
func (c LearnPeople) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	newest := map[uuid.UUID]Person{}
	for _, p := range c.People {
		if p.Version > newest[p.ID].Version {
			newest[p.ID] = p
		}
	}
	var rows dbsqlc.LearnTrackerPeopleParams
	for _, p := range newest {
		rows.Ids = append(rows.Ids, p.ID)
		rows.Names = append(rows.Names, p.Name)
		rows.Emails = append(rows.Emails, p.Email)
		rows.Roles = append(rows.Roles, string(p.Role))
		rows.Active = append(rows.Active, p.Active)
		rows.Versions = append(rows.Versions, p.Version)
	}
	if err := dbsqlc.New(tx).LearnTrackerPeople(ctx, rows); err != nil {
		return nil, fmt.Errorf("learn people: %w", err)
	}
	return nil, nil
}
