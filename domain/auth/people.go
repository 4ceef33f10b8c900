package auth

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// admins are the active Admins of this transaction. Nobody else can take one away before it ends.
type admins []uuid.UUID

// lockAdmins is the first thing each command about people does. Two commands that would take away each other's author
// so come one after the other, and the second finds that its author is no Admin any more.
func lockAdmins(ctx context.Context, q *dbsqlc.Queries) (admins, error) {
	ids, err := q.LockActiveAdmins(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock admins: %w", err)
	}
	return ids, nil
}

// mayManage refuses everybody who is not an active Admin at this moment, whatever they were when they asked.
func (a admins) mayManage(by domain.Actor) error {
	if by == System || slices.Contains(a, by.ID) {
		return nil
	}
	return &domain.Refusal{
		Kind: domain.Forbidden, Code: "auth.admins_only",
		Message: "Only an active Admin can change people.",
	}
}

// mayTakeAway refuses to deactivate or demote oneself or the last active Admin.
func (a admins) mayTakeAway(by domain.Actor, person uuid.UUID) error {
	if by.ID == person {
		return refuseYourself()
	}
	if len(a) == 1 && a[0] == person {
		return refuseLastAdmin()
	}
	return nil
}

func refuseYourself() *domain.Refusal {
	return &domain.Refusal{
		Kind: domain.Forbidden, Code: "auth.not_yourself",
		Message: "You cannot deactivate or demote yourself. Ask another Admin.",
	}
}

func refuseLastAdmin() *domain.Refusal {
	return &domain.Refusal{
		Kind: domain.Conflict, Code: "auth.last_admin",
		Message: "This is the last active Admin. Make somebody else an Admin first.",
	}
}

// changed turns the answer of a guarded update into what follows it: no row means that the person is that way already,
// which is no event, or that there is no such person, which is refused.
func changed(ctx context.Context, q *dbsqlc.Queries, id uuid.UUID, a dbsqlc.AuthAccount, err error) (p Person, ok bool, _ error) {
	if errors.Is(err, pgx.ErrNoRows) {
		_, err := personOr(q.FindAccount(ctx, id))
		return Person{}, false, err
	}
	if err != nil {
		return Person{}, false, fmt.Errorf("change person: %w", err)
	}
	return personOf(a), true, nil
}

// lockAccount returns a person whom nobody else changes before this transaction ends, and refuses an unknown one.
func lockAccount(ctx context.Context, q *dbsqlc.Queries, id uuid.UUID) (dbsqlc.AuthAccount, error) {
	account, err := q.LockAccount(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return account, refuseUnknown()
	}
	if err != nil {
		return account, fmt.Errorf("lock person: %w", err)
	}
	return account, nil
}

// checkSeen refuses to change a person who is not as the Admin saw them, so that nobody undoes what another has just done
// without knowing of it.
func checkSeen(ctx context.Context, q *dbsqlc.Queries, id uuid.UUID, seen *int64) error {
	if seen == nil {
		return nil
	}
	account, err := lockAccount(ctx, q, id)
	if err == nil && account.Version != *seen {
		err = &domain.Refusal{
			Kind: domain.Conflict, Code: "auth.changed_meanwhile",
			Message: "Somebody else has changed this person meanwhile, so nothing was done. Look at them as they are now, then try again.",
		}
	}
	return err
}

// refused reports whether an error is a refusal.
func refused(err error) bool {
	var refusal *domain.Refusal
	return errors.As(err, &refusal)
}

func refuseUnknown() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "auth.unknown_person", Message: "There is no such person."}
}

func refuse(field, code, message string) error {
	return &domain.Refusal{Kind: domain.Invalid, Code: code, Field: field, Message: message}
}

// maxLogin is the longest login, in characters.
const maxLogin = 40

var loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// storedLogin returns a login as it is stored: lower case, without blanks around it. It is not ok if it cannot be a login.
func storedLogin(typed string) (login string, ok bool) {
	login = strings.ToLower(strings.TrimSpace(typed))
	return login, loginPattern.MatchString(login)
}

func cleanLogin(typed string) (string, error) {
	login, ok := storedLogin(typed)
	if !ok {
		return "", refuse("login", "auth.login_invalid",
			"A login has 1 to 40 letters a to z, digits, dots, dashes or underscores, and begins with a letter or digit.")
	}
	return login, nil
}

func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 || !readable(name) {
		return "", refuse("name", "auth.name_invalid", "A name has 1 to 100 characters.")
	}
	return name, nil
}

func cleanEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	// A bare address only: what a display name or a comment would do in a mail header is nobody's business here.
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email || len(email) > 254 || !readable(email) {
		return "", refuse("email", "auth.email_invalid", "Enter an email address such as ann@example.com.")
	}
	return email, nil
}

// readable reports whether Postgres can store a text and a mail header carry it.
func readable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func checkRole(role domain.Role) error {
	if !slices.Contains(domain.Roles(), role) {
		return refuse("role", "auth.role_invalid", "Choose one of the roles.")
	}
	return nil
}
