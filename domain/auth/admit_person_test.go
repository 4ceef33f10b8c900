package auth_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/sqltest"
)

// vouched is a command that admits somebody of whom nobody else has heard.
func vouched(role domain.Role) *auth.AdmitPerson {
	subject := uuid.NewString()
	return &auth.AdmitPerson{
		Request: domain.Request{By: auth.System}, Issuer: "https://id.popug.example", Subject: subject,
		Login: "v" + strings.ReplaceAll(subject, "-", ""), Name: "Vera", Email: "vera@popug.example", Role: role,
	}
}

func admitted(t *testing.T, tx domain.Tx, cmd *auth.AdmitPerson) auth.Person {
	t.Helper()
	_, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	person, err := auth.FindPersonBySubject(t.Context(), tx, cmd.Issuer, cmd.Subject)
	require.NoError(t, err)
	require.Equal(t, cmd.ID, person.ID)
	return person
}

func TestWhomAnotherProviderVouchesForIsToldOfLikeEverybody(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	cmd := vouched(domain.Worker)
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	user := auth.User{ID: cmd.ID, Name: "Vera", Email: "vera@popug.example", Role: domain.Worker, Status: auth.Active, Version: 1}
	require.Equal(t, []domain.Event{{Data: auth.UserRegistered{User: user}, Subject: cmd.ID, Version: 1}}, events)

	tellsNothing(t, tx, cmd)
	person, err := auth.FindPerson(t.Context(), tx, cmd.ID)
	require.NoError(t, err)
	require.Equal(t, cmd.Login[:len(person.Login)], person.Login)
	require.False(t, cmd.Changes(person))

	cmd.Role, cmd.Login = domain.Manager, "another"
	require.True(t, cmd.Changes(person))
	user.Role, user.Version = domain.Manager, 2
	tells(t, tx, cmd, auth.UserRoleChanged{User: user})
	cmd.Email = "vera@elsewhere.example"
	user.Email, user.Version = cmd.Email, 3
	tells(t, tx, cmd, auth.UserUpdated{User: user})

	cmd.Name, cmd.Role = "Vera Vasa", domain.TopManager
	events, err = cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	updated := user
	updated.Name, updated.Version = "Vera Vasa", 4
	changed := updated
	changed.Role, changed.Version = domain.TopManager, 5
	require.Equal(t, []domain.Event{
		{Data: auth.UserUpdated{User: updated}, Subject: cmd.ID, Version: 4},
		{Data: auth.UserRoleChanged{User: changed}, Subject: cmd.ID, Version: 5},
	}, events, "both at once, each with a version of its own")

	after, err := auth.FindPerson(t.Context(), tx, cmd.ID)
	require.NoError(t, err)
	require.Equal(t, person.Login, after.Login, "a login stays")
}

// An address can change hands, and another provider can call somebody else by the same name.
func TestPeopleFromElsewhereAreKnownByIssuerAndSubjectAlone(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	here := someone(domain.Admin)
	_, err := here.Handle(t.Context(), tx)
	require.NoError(t, err)

	cmd := vouched(domain.Worker)
	cmd.Email, cmd.Login = here.Email, here.Login
	first := admitted(t, tx, cmd)
	require.NotEqual(t, here.ID, first.ID)
	require.Equal(t, domain.Worker, first.Role)

	other := *cmd
	other.Issuer = "https://other.popug.example"
	require.NotEqual(t, first.ID, admitted(t, tx, &other).ID)
	_, err = auth.Authenticate(t.Context(), tx, first.Login, "")
	require.Error(t, err, "they have no password here")
}

func TestLoginsAreMadeFromWhatAProviderTells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ called, email, want string }{
		{"Polly.Parrot", "p@popug.example", "polly.parrot"},
		{"Polly@corp.example", "p@popug.example", "polly"},
		{"Polly Parrot!", "p@popug.example", "pollyparrot"},
		{"", "P.Parrot+ates@popug.example", "p.parrotates"},
		{"Полли", "polly@popug.example", "polly"},
		{"--polly", "p@popug.example", "polly"},
		{"Полли", "полли@popug.example", "person"},
		{strings.Repeat("p", 99), "p@popug.example", strings.Repeat("p", 40)},
	} {
		tx := begin(t)
		cmd := vouched(domain.Worker)
		cmd.Login, cmd.Email = c.called, c.email
		require.Equal(t, c.want, admitted(t, tx, cmd).Login, "%q %q", c.called, c.email)
		require.NoError(t, tx.Rollback(t.Context()))
	}

	tx := begin(t)
	var logins []string
	for range 11 {
		cmd := vouched(domain.Worker)
		cmd.Login = strings.Repeat("q", 40)
		logins = append(logins, admitted(t, tx, cmd).Login)
	}
	require.Equal(t, strings.Repeat("q", 38)+"-2", logins[1])
	require.Equal(t, strings.Repeat("q", 38)+"-9", logins[8])
	for _, login := range logins {
		require.LessOrEqual(t, len(login), 40)
	}
}

func TestWhatAProviderTellsIsMadePresentable(t *testing.T) {
	t.Parallel()
	for told, want := range map[string]string{
		"  Vera\tVasa\n":                "Vera Vasa",
		"Vera\x00":                      "Vera",
		"\xff":                          "\ufffd",
		" \x07 ":                        "–",
		strings.Repeat("я", 101):        strings.Repeat("я", 100),
		strings.Repeat("я", 99) + " ая": strings.Repeat("я", 99),
	} {
		tx := begin(t)
		cmd := vouched(domain.Worker)
		cmd.Name = told
		person := admitted(t, tx, cmd)
		require.Equal(t, want, person.Name)
		require.False(t, cmd.Changes(person), "or every sign-in would be a change")
	}
}

func TestRefusalsOfAdmitting(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	manager := register(t, tx, domain.Manager)
	with := func(change func(*auth.AdmitPerson)) *auth.AdmitPerson {
		cmd := vouched(domain.Worker)
		change(cmd)
		return cmd
	}
	refuses(t, tx, with(func(c *auth.AdmitPerson) { c.By = manager.Actor() }), "auth.admins_only", "a Manager")
	refuses(t, tx, with(func(c *auth.AdmitPerson) { c.Email = "" }), "auth.email_invalid", "no email")
	refuses(t, tx, with(func(c *auth.AdmitPerson) { c.Email = "vera" }), "auth.email_invalid", "what is no email")
	refuses(t, tx, with(func(c *auth.AdmitPerson) { c.Role = "" }), "auth.role_invalid", "no role")
	refuses(t, tx, with(func(c *auth.AdmitPerson) { c.Role = auth.System.Role }), "auth.role_invalid", "the program's role")
}

func TestWhoIsDeactivatedHereStaysSoWhateverTheProviderSays(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	cmd := vouched(domain.Worker)
	person := admitted(t, tx, cmd)
	_, err := (&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: person.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)

	cmd.Role, cmd.Name = domain.Admin, "Vera the Great"
	tellsNothing(t, tx, cmd)
	after, err := auth.FindPerson(t.Context(), tx, person.ID)
	require.NoError(t, err)
	person.Status, person.Version = auth.Deactivated, 2
	require.Equal(t, person, after)
}

// The provider can make somebody else an Admin, so it cannot lock anybody out; but whom it no longer trusts must not stay one.
func TestAProviderMayDemoteTheLastAdmin(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	cmd := vouched(domain.Admin)
	person := admitted(t, tx, cmd)
	refuses(t, tx, &auth.ChangeRole{Request: domain.Request{By: auth.System}, Person: person.ID, Role: domain.Worker}, "auth.last_admin", "by anybody else")
	cmd.Role = domain.Worker
	require.Equal(t, domain.Worker, admitted(t, tx, cmd).Role)
}

func TestTwoFirstSignInsAtOnceMakeOneAccount(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	person := vouched(domain.Worker)
	var group sync.WaitGroup
	ids, told := make([]uuid.UUID, 6), make([]int, 6)
	for i := range ids {
		group.Go(func() {
			cmd := *person
			err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				events, err := cmd.Handle(t.Context(), domain.Tx{Tx: tx, Now: time.Now().UTC()})
				told[i] = len(events)
				return err
			})
			if err == nil {
				ids[i] = cmd.ID
			}
		})
	}
	group.Wait()
	events := 0
	for i := range ids {
		require.NotEqual(t, uuid.Nil, ids[i])
		require.Equal(t, ids[0], ids[i])
		events += told[i]
	}
	require.Equal(t, 1, events)
	var accounts int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from auth.accounts").Scan(&accounts))
	require.Equal(t, 1, accounts)
}
