package handlers

import (
	"cmp"
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

// vouchedPerson finds people whom another provider vouches for, by (issuer, subject), and keeps their accounts as it
// describes them. Whom it gives no role does not come in, and is out where they were in.
func (h *Handlers) vouchedPerson(roles RoleRules) func(context.Context, identity) (uuid.UUID, error) {
	return func(ctx context.Context, who identity) (uuid.UUID, error) {
		known, err := auth.FindPersonBySubject(ctx, h.pool, who.Issuer, who.Subject)
		isKnown := err == nil
		if refusal := (*domain.Refusal)(nil); err != nil && !errors.As(err, &refusal) {
			return uuid.Nil, err
		}
		if isKnown && known.Status != auth.Active {
			return admit(known, nil)
		}
		role, err := roles.role(who.claims)
		if err != nil {
			return uuid.Nil, cmp.Or(h.shutOut(ctx, known, isKnown), err)
		}
		cmd := &auth.AdmitPerson{
			Request: domain.Request{By: auth.System}, Issuer: who.Issuer, Subject: who.Subject, Role: role,
			Login: who.claims.text("preferred_username"),
			// What the provider has stopped telling stays as it was.
			Name: cmp.Or(who.Name, known.Name, who.Email, who.Subject), Email: cmp.Or(who.Email, known.Email),
		}
		if isKnown && !cmd.Changes(known) {
			return known.ID, nil
		}
		if err := h.commands.Do(ctx, cmd); err != nil {
			return uuid.Nil, withoutEmail(err)
		}
		return admit(auth.FindPerson(ctx, h.pool, cmd.ID))
	}
}

// withoutEmail puts the refusal of an email, which people could correct in a form, into words for those who see none.
func withoutEmail(err error) error {
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Field == "email" {
		return &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.no_email",
			Message: "The sign-in service tells no email address of yours that could be used here. Ask whoever manages your account there.",
		}
	}
	return err
}

// shutOut ends the sessions of somebody who has lost every role.
func (h *Handlers) shutOut(ctx context.Context, person auth.Person, known bool) error {
	if !known {
		return nil
	}
	return h.commands.Do(ctx, &auth.EndSessions{Request: domain.Request{By: person.Actor()}})
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
