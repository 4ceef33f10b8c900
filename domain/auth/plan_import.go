package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// MaxImport is how many people one import may hold.
const MaxImport = 10_000

// ImportRow is a person as a line of an import describes them.
type ImportRow struct {
	// Line is where it stands in what was imported, counted from 1.
	Line                     int
	Login, Name, Email, Role string
}

// ImportAction is what an import does with a line.
type ImportAction string

// The actions of an import. A person who is that way already is kept.
const (
	ImportCreate ImportAction = "create"
	ImportUpdate ImportAction = "update"
	ImportKeep   ImportAction = "keep"
	ImportRefuse ImportAction = "refuse"
)

// ImportLine is what would become of a row.
type ImportLine struct {
	ImportRow
	Action ImportAction
	// Was is the person whom it updates or keeps.
	Was Person
	// Refused is why it cannot be done, with ImportRefuse.
	Refused *domain.Refusal
}

// ImportPlan is what an import would do, all of it or, with a refused line, nothing.
type ImportPlan struct {
	Lines                         []ImportLine
	Create, Update, Keep, Refused int
	// Digest tells this plan from any other: what is imported and what it would be done to.
	Digest string
}

// PlanImport says what an import would do at this moment. Logins name the people: who is new is created, and the others get
// another name, email or role where that differs. It refuses an import of nobody, or of more people than MaxImport.
func PlanImport(ctx context.Context, db dbsqlc.DBTX, by domain.Actor, rows []ImportRow) (ImportPlan, error) {
	switch {
	case len(rows) == 0:
		return ImportPlan{}, refuse("file", "auth.import_empty", "There is nobody in this file.")
	case len(rows) > MaxImport:
		return ImportPlan{}, &domain.Refusal{
			Kind: domain.Invalid, Code: "auth.import_too_many", Field: "file", Details: map[string]any{"Max": MaxImport},
			Message: fmt.Sprintf("There are more than %d people in this file. Cut it into several.", MaxImport),
		}
	}
	plan := ImportPlan{Lines: make([]ImportLine, len(rows))}
	logins := make([]string, 0, len(rows))
	first := map[string]int{}
	for i, row := range rows {
		line := cleanRow(row)
		if line.Refused == nil {
			if before, twice := first[line.Login]; twice {
				line.Refused = &domain.Refusal{
					Kind: domain.Invalid, Code: "auth.import_twice", Field: "login", Details: map[string]any{"Line": before},
					Message: fmt.Sprintf("Line %d has the same login.", before),
				}
			} else {
				first[line.Login] = row.Line
				logins = append(logins, line.Login)
			}
		}
		plan.Lines[i] = line
	}
	known, err := peopleByLogin(ctx, db, logins)
	if err != nil {
		return ImportPlan{}, err
	}
	for i := range plan.Lines {
		plan.Lines[i].decide(by, known)
	}
	if err := plan.keepAnAdmin(ctx, db); err != nil {
		return ImportPlan{}, err
	}
	plan.sum()
	return plan, nil
}

// cleanRow is a row in the form in which it is stored, or with the first thing that is wrong with it.
func cleanRow(row ImportRow) ImportLine {
	line := ImportLine{ImportRow: row}
	var errs [4]error
	line.Login, errs[0] = cleanLogin(row.Login)
	line.Name, errs[1] = cleanName(row.Name)
	line.Email, errs[2] = cleanEmail(row.Email)
	line.Role = strings.ToLower(strings.TrimSpace(row.Role))
	errs[3] = checkRole(domain.Role(line.Role))
	for _, err := range errs {
		if errors.As(err, &line.Refused) {
			line.ImportRow = row
			break
		}
	}
	return line
}

func peopleByLogin(ctx context.Context, db dbsqlc.DBTX, logins []string) (map[string]dbsqlc.AuthAccount, error) {
	accounts, err := dbsqlc.New(db).FindPeopleByLogins(ctx, logins)
	if err != nil {
		return nil, fmt.Errorf("find people by their logins: %w", err)
	}
	known := make(map[string]dbsqlc.AuthAccount, len(accounts))
	for _, a := range accounts {
		known[strings.ToLower(a.Login)] = a
	}
	return known, nil
}

// decide finds out what a line does to the people who are known.
func (l *ImportLine) decide(by domain.Actor, known map[string]dbsqlc.AuthAccount) {
	account, found := known[l.Login]
	if l.Refused != nil {
		return
	}
	if !found {
		l.Action = ImportCreate
		return
	}
	l.Was = personOf(account)
	same := l.Was.Name == l.Name && l.Was.Email == l.Email
	switch {
	case same && l.Was.Role == domain.Role(l.Role):
		l.Action = ImportKeep
	case account.Issuer != nil:
		l.Refused = &domain.Refusal{Kind: domain.Conflict, Code: "auth.import_elsewhere", Field: "login",
			Message: "This person signs in through another service, which says who they are."}
	case l.Was.ID == by.ID && l.Was.Role != domain.Role(l.Role):
		l.Refused = refuseYourself()
	default:
		l.Action = ImportUpdate
	}
}

// keepAnAdmin refuses the lines that would leave no active Admin.
func (p *ImportPlan) keepAnAdmin(ctx context.Context, db dbsqlc.DBTX) error {
	demotes := func(l ImportLine) bool {
		return l.Action == ImportUpdate && l.Was.Status == Active && l.Was.Role == domain.Admin && domain.Role(l.Role) != domain.Admin
	}
	var demoted []uuid.UUID
	for _, l := range p.Lines {
		if demotes(l) {
			demoted = append(demoted, l.Was.ID)
		}
		if l.Action == ImportCreate && domain.Role(l.Role) == domain.Admin ||
			l.Action == ImportUpdate && domain.Role(l.Role) == domain.Admin && l.Was.Status == Active {
			return nil
		}
	}
	if len(demoted) == 0 {
		return nil
	}
	active, err := dbsqlc.New(db).ListActiveAdmins(ctx)
	if err != nil {
		return fmt.Errorf("list admins: %w", err)
	}
	if slices.ContainsFunc(active, func(id uuid.UUID) bool { return !slices.Contains(demoted, id) }) {
		return nil
	}
	for i := range p.Lines {
		if l := &p.Lines[i]; demotes(*l) {
			l.Refused = refuseLastAdmin()
		}
	}
	return nil
}

// sum counts what the plan does and gives it its digest.
func (p *ImportPlan) sum() {
	digest := sha256.New()
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Refused != nil {
			l.Action = ImportRefuse
		}
		switch l.Action {
		case ImportCreate:
			p.Create++
		case ImportUpdate:
			p.Update++
		case ImportKeep:
			p.Keep++
		case ImportRefuse:
			p.Refused++
		}
		fmt.Fprintf(digest, "%q %q %q %q %s %d\n", l.Login, l.Name, l.Email, l.Role, l.Action, l.Was.Version)
	}
	p.Digest = hex.EncodeToString(digest.Sum(nil))
}
