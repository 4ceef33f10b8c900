package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/views"
)

// people lists the people who fit the filter in the address.
func (h *Handlers) people(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	filter, err := readPeopleFilter(query)
	if err != nil {
		return err
	}
	data := views.PeopleData{
		Address: address("/people", query), Export: address("/people.csv", query, "after", ""), Roles: map[domain.Role]int{},
		Filter: views.PeopleFilter{Query: typed(query.Get("q")), Role: filter.Role, Status: filter.Status, Created: query.Get("created")},
	}
	counts, err := h.queries.CountPeople(ctx)
	if err != nil {
		return fmt.Errorf("count people: %w", err)
	}
	data.Active, data.Deactivated, data.Invited = int(counts.Active), int(counts.Deactivated), int(counts.Invited)
	roles, err := h.queries.CountPeopleByRole(ctx)
	if err != nil {
		return fmt.Errorf("count people by role: %w", err)
	}
	for _, role := range roles {
		data.Roles[domain.Role(role.Role)] = int(role.People)
	}
	filter.Rows = rowsOfPage + 1
	rows, err := h.queries.ListPeople(ctx, filter)
	if err != nil {
		return fmt.Errorf("list people: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Next = address("/people", query, "after", rows[rowsOfPage-1].ID.String())
	}
	if filter.After != nil {
		data.First = address("/people", query, "after", "")
	}
	for _, row := range rows {
		data.People = append(data.People, personRow(row))
	}
	return h.show(w, r, http.StatusOK, views.People(p.Page, data))
}

// readPeopleFilter is the filter of the list of people as a query; what makes no sense in it is refused.
func readPeopleFilter(query url.Values) (filter dbsqlc.ListPeopleParams, err error) {
	refused := func(field string) error {
		return &domain.Refusal{Kind: domain.Invalid, Code: "people.filter", Field: field,
			Message: "The address of this list cannot be read. Go to the people and filter them again."}
	}
	if filter.Role = query.Get("role"); filter.Role != "" && !slices.Contains(domain.Roles(), domain.Role(filter.Role)) {
		return filter, refused("role")
	}
	if filter.Status = query.Get("status"); filter.Status != "" && !slices.Contains(views.PersonStatuses(), views.PersonStatus(filter.Status)) {
		return filter, refused("status")
	}
	if s := query.Get("created"); s != "" {
		created, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return filter, refused("created")
		}
		filter.Created = &created
	}
	if s := query.Get("after"); s != "" {
		id, err := uuid.Parse(s)
		if err != nil {
			return filter, refused("after")
		}
		filter.After = &id
	}
	filter.Search = searched(query.Get("q"))
	return filter, nil
}

// searched is what somebody searches for, as a part of a pattern.
func searched(q string) string {
	q = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(q, "\x00", ""), ""))
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q)
}

func personRow(row dbsqlc.ListPeopleRow) views.PersonRow {
	shown := views.PersonRow{
		ID: row.ID.String(), Login: row.Login, Name: row.Name, Email: row.Email, Role: domain.Role(row.Role),
		Status: views.PersonStatus(row.Status), Elsewhere: row.Elsewhere, Since: row.CreatedAt,
	}
	if row.Invited {
		shown.Status = views.PersonInvited
	}
	if row.SignedInAt != nil {
		shown.SignedIn = *row.SignedInAt
	}
	return shown
}

// exportPeople answers with everybody who fits the filter, in a form that can be imported again.
func (h *Handlers) exportPeople(w http.ResponseWriter, r *http.Request, _ page) error {
	ctx := r.Context()
	filter, err := readPeopleFilter(r.URL.Query())
	if err != nil {
		return err
	}
	filter.Rows = rowsOfExport
	rows, err := h.queries.ListPeople(ctx, filter)
	if err != nil {
		return fmt.Errorf("list people: %w", err)
	}
	file := newExport(w, r, "people")
	file.row("login", "name", "email", "role", "status", "since", "last_sign_in")
	for {
		for _, row := range rows {
			p, signedIn := personRow(row), ""
			if !p.SignedIn.IsZero() {
				signedIn = p.SignedIn.UTC().Format(time.RFC3339)
			}
			file.row(textCell(p.Login), textCell(p.Name), textCell(p.Email), textCell(string(p.Role)), textCell(string(p.Status)),
				textCell(p.Since.UTC().Format(time.RFC3339)), textCell(signedIn))
		}
		if len(rows) < rowsOfExport {
			return file.end()
		}
		if err := file.flush(); err != nil {
			file.abort(err)
		}
		filter.After = &rows[len(rows)-1].ID
		if rows, err = h.queries.ListPeople(ctx, filter); err != nil {
			h.logFault(r, err)
			file.abort(err)
		}
	}
}

// issueLinks answers with a file of new one-time links for those shown people who have no password.
func (h *Handlers) issueLinks(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	filter, err := readPeopleFilter(r.PostForm)
	if err != nil {
		return err
	}
	issue := &auth.IssueLinks{Request: p.by(r), Search: filter.Search, Role: domain.Role(filter.Role), Created: filter.Created}
	if err := h.commands.Do(r.Context(), issue); err != nil {
		return err
	}
	file := newExport(w, r, "links")
	file.row("login", "name", "email", "link", "until")
	until := h.Now().Add(auth.LinkLifetime).UTC().Format(time.RFC3339)
	for _, link := range issue.Links {
		file.row(textCell(link.Login), textCell(link.Name), textCell(link.Email), textCell(h.linkAddress(passwordPath, link.Token)), textCell(until))
	}
	return file.end()
}

// newPerson shows the form that makes somebody known.
func (h *Handlers) newPerson(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showNewPerson(w, r, p, http.StatusOK, views.NewPersonData{Role: domain.Worker})
}

func (h *Handlers) showNewPerson(w http.ResponseWriter, r *http.Request, p page, status int, form views.NewPersonData) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	form.Key = p.Key
	return h.show(w, r, status, views.NewPerson(p.Page, form))
}

// invitePerson makes somebody known and shows the link by which they choose their password, this once.
func (h *Handlers) invitePerson(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	form := r.PostForm
	invite := &auth.InvitePerson{
		Request: p.by(r), Login: form.Get("login"), Name: form.Get("name"), Email: form.Get("email"), Role: domain.Role(form.Get("role")),
	}
	err := h.commands.Do(r.Context(), invite)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind != domain.Forbidden {
		return h.showNewPerson(w, r, p, statuses[refusal.Kind], views.NewPersonData{
			Login: typed(invite.Login), Name: typed(invite.Name), Email: typed(invite.Email), Role: invite.Role,
			Refused: views.RefusedField{Name: refusal.Field, Message: translate(r.Context(), refusal)},
		})
	}
	if err != nil {
		return err
	}
	return h.showLink(w, r, p, invite.ID, invite.Token, true)
}

// showLink shows a one-time link; there is none where the form that made it was sent again.
func (h *Handlers) showLink(w http.ResponseWriter, r *http.Request, p page, id uuid.UUID, token string, isNew bool) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	row, err := h.findPerson(r.Context(), id)
	if err != nil {
		return err
	}
	data := views.PersonLinkData{Person: personRow(row), Until: h.Now().Add(auth.LinkLifetime), New: isNew}
	if token != "" {
		data.Link = h.linkAddress(passwordPath, token)
	}
	return h.show(w, r, http.StatusOK, views.PersonLink(p.Page, data))
}

// findPerson is one row of the list of people.
func (h *Handlers) findPerson(ctx context.Context, id uuid.UUID) (dbsqlc.ListPeopleRow, error) {
	rows, err := h.queries.ListPeople(ctx, dbsqlc.ListPeopleParams{Person: &id, Rows: 1})
	if err != nil {
		return dbsqlc.ListPeopleRow{}, fmt.Errorf("find a person: %w", err)
	}
	if len(rows) == 0 {
		return dbsqlc.ListPeopleRow{}, errNoPerson()
	}
	return rows[0], nil
}

func errNoPerson() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "auth.unknown_person", Message: "There is no such person."}
}
