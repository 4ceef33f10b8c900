package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

const another = "four words of my own"

// invited is somebody who has a link, and its token.
func invited(t *testing.T, tx domain.Tx) (auth.Person, string) {
	t.Helper()
	like := someone(domain.Worker)
	cmd := &auth.InvitePerson{Request: domain.Request{By: auth.System}, Login: like.Login, Name: like.Name, Email: like.Email, Role: like.Role}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, "User.Registered", events[0].Data.EventName())
	person, err := auth.FindPerson(t.Context(), tx, cmd.ID)
	require.NoError(t, err)
	return person, cmd.Token
}

func signsIn(t *testing.T, tx domain.Tx, login, password string) bool {
	t.Helper()
	_, err := auth.Authenticate(t.Context(), tx, login, password)
	var refusal *domain.Refusal
	if err != nil {
		require.ErrorAs(t, err, &refusal)
	}
	return err == nil
}

func later(tx domain.Tx, by time.Duration) domain.Tx {
	return domain.Tx{Tx: tx.Tx, Now: tx.Now.Add(by)}
}

func TestALinkSetsOnePasswordOnce(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	person, token := invited(t, tx)
	require.False(t, signsIn(t, tx, person.Login, ""), "nobody gets in without a password")

	refuses(t, tx, &auth.SetPassword{Token: "wrong", Password: another}, "auth.link_dead", "a token that is none")
	refuses(t, tx, &auth.SetPassword{Token: token, Password: "short"}, "auth.password_invalid", "a short password uses no link up")
	refuses(t, tx, &auth.RegisterFirstAdmin{Token: token, Login: "boss", Name: "Boss", Email: "b@popug.example", Password: another}, "auth.link_dead", "a link for something else")
	refuses(t, later(tx, auth.LinkLifetime), &auth.SetPassword{Token: token, Password: another}, "auth.link_dead", "a link that has expired")
	link, err := auth.FindPasswordLink(t.Context(), tx, token, tx.Now)
	require.NoError(t, err)
	require.Equal(t, auth.PasswordLink{Person: person, First: true}, link)

	set := &auth.SetPassword{Token: token, Password: another}
	tellsNothing(t, tx, set)
	require.Equal(t, person.ID, set.Person)
	require.True(t, signsIn(t, tx, person.Login, another))

	tellsNothing(t, tx, &auth.SetPassword{Token: token, Password: another}) // a double click
	refuses(t, tx, &auth.SetPassword{Token: token, Password: password}, "auth.link_dead", "another password with a used link")
	refuses(t, later(tx, time.Hour), &auth.SetPassword{Token: token, Password: another}, "auth.link_dead", "the same password, long after")
	_, err = auth.FindPasswordLink(t.Context(), tx, token, tx.Now)
	require.Error(t, err)
}

func TestAResetTakesPasswordSessionsAndOldLinksAway(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	by := domain.Request{By: auth.System}
	person := register(t, tx, domain.Worker)
	q := dbsqlc.New(tx)
	require.NoError(t, q.SaveSession(t.Context(), dbsqlc.SaveSessionParams{
		TokenHash: []byte(person.Login), Subject: &person.ID, Data: []byte("x"), Now: tx.Now, ExpiresAt: tx.Now.Add(time.Hour),
	}))
	first, second := &auth.ResetPassword{Request: by, Person: person.ID}, &auth.ResetPassword{Request: by, Person: person.ID}
	tellsNothing(t, tx, first)
	link, err := auth.FindPasswordLink(t.Context(), tx, first.Token, tx.Now)
	require.NoError(t, err)
	require.Equal(t, person.ID, link.Person.ID)
	require.False(t, link.First)
	require.False(t, signsIn(t, tx, person.Login, password))
	_, err = q.FindSession(t.Context(), dbsqlc.FindSessionParams{TokenHash: []byte(person.Login), Now: tx.Now, IdleSince: tx.Now.Add(-time.Hour)})
	require.ErrorIs(t, err, pgx.ErrNoRows)
	tellsNothing(t, tx, second)
	refuses(t, tx, &auth.SetPassword{Token: first.Token, Password: another}, "auth.link_dead", "a newer link has taken its place")

	issue := &auth.IssueLinks{Request: by, Search: person.Login}
	tellsNothing(t, tx, issue)
	require.Len(t, issue.Links, 1)
	refuses(t, tx, &auth.SetPassword{Token: second.Token, Password: another}, "auth.link_dead", "one of many has taken its place")

	_, err = (&auth.DeactivatePerson{Request: by, Person: person.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)
	_, err = (&auth.ReactivatePerson{Request: by, Person: person.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)
	refuses(t, tx, &auth.SetPassword{Token: issue.Links[0].Token, Password: another}, "auth.link_dead", "a deactivation voids links for good")
}

func TestWhosePasswordCannotBeReset(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	admin, manager, gone, foreign := register(t, tx, domain.Admin), register(t, tx, domain.Manager), register(t, tx, domain.Worker), register(t, tx, domain.Worker)
	_, err := (&auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: gone.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "update auth.accounts set password_hash = null, issuer = 'https://id.example', subject = login where id = $1", foreign.ID)
	require.NoError(t, err)
	as := func(p auth.Person) domain.Request { return domain.Request{By: p.Actor()} }
	for _, c := range []struct {
		name, code string
		cmd        domain.Command
	}{
		{"by a Manager", "auth.admins_only", &auth.ResetPassword{Request: as(manager), Person: gone.ID}},
		{"one's own", "auth.not_own_password", &auth.ResetPassword{Request: as(admin), Person: admin.ID}},
		{"of somebody deactivated", "auth.deactivated", &auth.ResetPassword{Request: as(admin), Person: gone.ID}},
		{"of somebody who has none here", "auth.password_elsewhere", &auth.ResetPassword{Request: as(admin), Person: foreign.ID}},
		{"of nobody", "auth.unknown_person", &auth.ResetPassword{Request: as(admin), Person: uuid.New()}},
		{"an invitation by a Manager", "auth.admins_only", &auth.InvitePerson{Request: as(manager), Login: "x", Name: "X", Email: "x@popug.example", Role: domain.Worker}},
		{"links by a Manager", "auth.admins_only", &auth.IssueLinks{Request: as(manager)}},
		{"an import by a Manager", "auth.admins_only", &auth.ImportPeople{Request: as(manager)}},
	} {
		refuses(t, tx, c.cmd, c.code, c.name)
	}
	issue := &auth.IssueLinks{Request: as(admin), Search: foreign.Login}
	tellsNothing(t, tx, issue)
	require.Empty(t, issue.Links, "who has no password here gets no link for one")
}

func TestNobodyUndoesUnknowinglyWhatAnotherAdminDid(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	register(t, tx, domain.Admin)
	person := register(t, tx, domain.Worker)
	by, seen := domain.Request{By: auth.System}, person.Version
	_, err := (&auth.ChangeRole{Request: by, Person: person.ID, Role: domain.Manager, Seen: &seen}).Handle(t.Context(), tx)
	require.NoError(t, err)
	for name, cmd := range map[string]domain.Command{
		"role":       &auth.ChangeRole{Request: by, Person: person.ID, Seen: &seen, Role: domain.Worker},
		"profile":    &auth.UpdatePerson{Request: by, Person: person.ID, Seen: &seen, Name: "X", Email: "x@popug.example"},
		"deactivate": &auth.DeactivatePerson{Request: by, Person: person.ID, Seen: &seen},
		"reactivate": &auth.ReactivatePerson{Request: by, Person: person.ID, Seen: &seen},
	} {
		refuses(t, tx, cmd, "auth.changed_meanwhile", name)
	}
}

// do runs a command in a transaction of its own, as the bus does.
func do(t *testing.T, pool *pgxpool.Pool, cmd domain.Command, now time.Time) error {
	return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := cmd.Handle(t.Context(), domain.Tx{Tx: tx, Now: now})
		return err
	})
}

func TestOfManyWhoUseALinkAtOnceOneWins(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	one, two := &auth.InviteFirstAdmin{}, &auth.InviteFirstAdmin{}
	require.NoError(t, do(t, pool, one, now))
	require.NoError(t, do(t, pool, two, now), "a process that starts at the same time voids nothing")

	won := atOnce(t, 6, func(i int) error {
		token := []string{one.Token, two.Token}[i%2]
		return do(t, pool, &auth.RegisterFirstAdmin{Token: token, Login: "boss" + string(rune('a'+i)), Name: "Boss", Email: "boss@popug.example", Password: another + string(rune('a'+i))}, now)
	})
	require.Equal(t, 1, won, "one is the first Admin")
	none := &auth.InviteFirstAdmin{}
	require.NoError(t, do(t, pool, none, now))
	require.Empty(t, none.Token)

	invite := &auth.InvitePerson{Request: domain.Request{By: auth.System}, Login: "polly", Name: "Polly", Email: "polly@popug.example", Role: domain.Worker}
	require.NoError(t, do(t, pool, invite, now))
	won = atOnce(t, 6, func(i int) error {
		return do(t, pool, &auth.SetPassword{Token: invite.Token, Password: another + string(rune('a'+i))}, now)
	})
	require.Equal(t, 1, won, "one password is set")
}

// atOnce runs n attempts together and counts those that were not refused. Passwords are hashed a few at a time by the whole process: who is
// told to come again does so.
func atOnce(t *testing.T, n int, try func(i int) error) (done int) {
	t.Helper()
	results := make(chan error, n)
	for i := range n {
		go func() {
			err := try(i)
			for busy := new(domain.Refusal); errors.As(err, &busy) && busy.Code == "auth.busy"; {
				err = try(i)
			}
			results <- err
		}()
	}
	for range n {
		err := <-results
		if err == nil {
			done++
			continue
		}
		var refusal *domain.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "auth.link_dead", refusal.Code)
	}
	return done
}

func TestAnImportThatLeavesNoAdminIsRefused(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	ada, bea := register(t, tx, domain.Admin), register(t, tx, domain.Admin)
	rows := []auth.ImportRow{
		{Line: 2, Login: ada.Login, Name: ada.Name, Email: ada.Email, Role: "worker"},
		{Line: 3, Login: bea.Login, Name: bea.Name, Email: bea.Email, Role: " Manager "},
	}
	plan, err := auth.PlanImport(t.Context(), tx, auth.System, rows)
	require.NoError(t, err)
	require.Equal(t, 2, plan.Refused)
	require.Equal(t, "auth.last_admin", plan.Lines[0].Refused.Code)

	plan, err = auth.PlanImport(t.Context(), tx, ada.Actor(), rows)
	require.NoError(t, err)
	require.Equal(t, "auth.not_yourself", plan.Lines[0].Refused.Code)
	require.Equal(t, auth.ImportUpdate, plan.Lines[1].Action)
	refuses(t, tx, &auth.ImportPeople{Request: domain.Request{By: ada.Actor()}, People: rows, Seen: plan.Digest}, "auth.import_refused", "a refused line")

	plan, err = auth.PlanImport(t.Context(), tx, auth.System, append(rows, auth.ImportRow{Line: 4, Login: "p" + uuid.NewString()[:8], Name: "Cleo", Email: "cleo@popug.example", Role: "admin"}))
	require.NoError(t, err)
	require.Zero(t, plan.Refused, "there is a new Admin")
}

// Name, email and role of one person in one import are two changes, each with its event and its version.
func TestAnImportTellsEveryChange(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	admin, person := register(t, tx, domain.Admin), register(t, tx, domain.Worker)
	rows := []auth.ImportRow{{Line: 2, Login: person.Login, Name: "Paula", Email: person.Email, Role: "manager"}}
	plan, err := auth.PlanImport(t.Context(), tx, admin.Actor(), rows)
	require.NoError(t, err)
	cmd := &auth.ImportPeople{Request: domain.Request{By: admin.Actor()}, People: rows, Seen: plan.Digest}
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	user := auth.User{ID: person.ID, Name: "Paula", Email: person.Email, Role: domain.Worker, Status: auth.Active, Version: 2}
	renamed := domain.Event{Data: auth.UserUpdated{User: user}, Subject: user.ID, Version: 2}
	user.Role, user.Version = domain.Manager, 3
	require.Equal(t, []domain.Event{renamed, {Data: auth.UserRoleChanged{User: user}, Subject: user.ID, Version: 3}}, events)
	require.True(t, signsIn(t, tx, person.Login, password), "nobody gets another password")
	refuses(t, tx, cmd, "auth.import_changed", "what was seen is not so any more")
}
