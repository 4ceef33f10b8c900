// Package auth is the Auth-Service's domain: who a person is, which role they have and how they prove it. It tells the
// rest of it by User events only; OAuth and the pages for it are in handlers. A new command is a file named after it,
// with its rule about who may ask in people.go.
package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// System is the actor of what the program does of its own accord, such as making the demo people or the first Admin.
// It may do what an Admin may. No session can carry it, because no account can have its role.
var System = domain.Actor{ID: uuid.MustParse("00000000-0000-8000-8000-000000000001"), Role: "system"}

// Status says whether a person may sign in and be given work.
type Status string

// The two statuses of a person.
const (
	Active      Status = "active"
	Deactivated Status = "deactivated"
)

// Invited narrows lists of people to those who are active and have still to choose their password. It is no status of its own.
const Invited = "invited"

// peopleTopic is what pages that list people follow.
const peopleTopic = "people"

// Person is somebody as the Auth-Service knows them, without their secrets.
type Person struct {
	ID     uuid.UUID
	Login  string
	Name   string
	Email  string
	Role   domain.Role
	Status Status
	// Version counts the events told of this person.
	Version int64
}

// Actor is the person as somebody who asks for something.
func (p Person) Actor() domain.Actor { return domain.Actor{ID: p.ID, Role: p.Role} }

// PersonTopic is what changes when a person does, or when a session of theirs ends.
func PersonTopic(id uuid.UUID) string { return "person/" + id.String() }

// FindPerson returns the person as of this moment, active or not, and refuses with NotFound when there is none.
func FindPerson(ctx context.Context, db dbsqlc.DBTX, id uuid.UUID) (Person, error) {
	account, err := dbsqlc.New(db).FindAccount(ctx, id)
	return personOr(account, err)
}

// FindPersonByLogin returns the person who signs in here under that name, in whatever case it is typed, and refuses
// with NotFound when there is none.
func FindPersonByLogin(ctx context.Context, db dbsqlc.DBTX, login string) (Person, error) {
	account, err := dbsqlc.New(db).FindAccountByLogin(ctx, login)
	return personOr(account, err)
}

// FindPersonBySubject returns the person for whom another provider vouches, and refuses with NotFound when the provider's
// name for them is new here. People are known abroad by (issuer, subject) alone: an email can change hands.
func FindPersonBySubject(ctx context.Context, db dbsqlc.DBTX, issuer, subject string) (Person, error) {
	account, err := dbsqlc.New(db).FindAccountBySubject(ctx, dbsqlc.FindAccountBySubjectParams{Issuer: issuer, Subject: subject})
	return personOr(account, err)
}

func personOr(account dbsqlc.AuthAccount, err error) (Person, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, refuseUnknown()
	}
	if err != nil {
		return Person{}, fmt.Errorf("find person: %w", err)
	}
	return personOf(account), nil
}

func personOf(a dbsqlc.AuthAccount) Person {
	return Person{
		ID:      a.ID,
		Login:   a.Login,
		Name:    a.Name,
		Email:   a.Email,
		Role:    domain.Role(a.Role),
		Status:  Status(a.Status),
		Version: a.Version,
	}
}
