package handlers

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

// ownPerson finds people whom the embedded Auth-Service vouches for: its subject is the person's id.
func ownPerson(db dbsqlc.DBTX) func(context.Context, identity) (uuid.UUID, error) {
	return func(ctx context.Context, who identity) (uuid.UUID, error) {
		id, err := uuid.Parse(who.Subject)
		if err != nil {
			return uuid.Nil, fmt.Errorf("read subject: %w", err)
		}
		return admit(auth.FindPerson(ctx, db, id))
	}
}

// foreignPerson finds people whom another provider vouches for, by (issuer, subject).
func foreignPerson(db dbsqlc.DBTX) func(context.Context, identity) (uuid.UUID, error) {
	return func(ctx context.Context, who identity) (uuid.UUID, error) {
		return admit(auth.FindPersonBySubject(ctx, db, who.Issuer, who.Subject))
	}
}

// admit refuses whoever is unknown here or deactivated.
func admit(person auth.Person, err error) (uuid.UUID, error) {
	if refusal := (*domain.Refusal)(nil); errors.As(err, &refusal) || err == nil && person.Status != auth.Active {
		return uuid.Nil, &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.no_account",
			Message: "You have no active account here. Ask an Admin.",
		}
	}
	return person.ID, err
}
