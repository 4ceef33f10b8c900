package auth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
	"ates/sql/sqltest"
)

const password = "correct horse battery"

func begin(t *testing.T) domain.Tx {
	t.Helper()
	return domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
}

// someone is a command that registers a person whom nobody else has heard of.
func someone(role domain.Role) *auth.RegisterPerson {
	cmd := auth.DemoPeople()[0] // whose password is quickly hashed
	cmd.Request, cmd.Login, cmd.Name, cmd.Role, cmd.Password = domain.Request{By: auth.System}, "p"+strings.ReplaceAll(uuid.NewString(), "-", ""), "Polly", role, password
	cmd.Email = cmd.Login + "@popug.example"
	return cmd
}

func register(t *testing.T, tx domain.Tx, role domain.Role) auth.Person {
	t.Helper()
	cmd := someone(role)
	_, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	person, err := auth.FindPerson(t.Context(), tx, cmd.ID)
	require.NoError(t, err)
	return person
}

// tells runs a command and requires that it tells this one event.
func tells(t *testing.T, tx domain.Tx, cmd domain.Command, want domain.EventData) {
	t.Helper()
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, want, events[0].Data)
	told, err := json.Marshal(events[0].Data)
	require.NoError(t, err)
	var user auth.User
	require.NoError(t, json.Unmarshal(told, &user))
	require.Equal(t, user.ID, events[0].Subject)
	require.Equal(t, user.Version, events[0].Version)
}

// tellsNothing runs a command and requires that it finds nothing to do.
func tellsNothing(t *testing.T, tx domain.Tx, cmd domain.Command) {
	t.Helper()
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	require.Empty(t, events)
}

func refuses(t *testing.T, tx domain.Tx, cmd domain.Command, code, name string) {
	t.Helper()
	// A savepoint, because a constraint that is broken spoils the transaction around it.
	sp, err := tx.Begin(t.Context())
	require.NoError(t, err)
	_, err = cmd.Handle(t.Context(), domain.Tx{Tx: sp, Now: tx.Now})
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal, name)
	require.Equal(t, code, refusal.Code, name)
	require.NoError(t, sp.Rollback(t.Context()))
}

func TestAPersonsLifeIsToldByEventsThatCarryTheWholeState(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	admin := register(t, tx, domain.Admin)
	by := domain.Request{By: admin.Actor()}

	cmd := someone(domain.Worker)
	cmd.Request, cmd.Login, cmd.Name = by, strings.ToUpper(cmd.Login), "  Polly Parrot "
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	user := auth.User{ID: cmd.ID, Name: "Polly Parrot", Email: cmd.Email, Role: domain.Worker, Status: auth.Active, Version: 1}
	require.Equal(t, []domain.Event{{Data: auth.UserRegistered{User: user}, Subject: cmd.ID, Version: 1}}, events)

	user.Version, user.Name, user.Email = 2, "Paula Parrot", "paula@popug.example"
	tells(t, tx, &auth.UpdatePerson{Request: by, Person: user.ID, Name: user.Name, Email: user.Email}, auth.UserUpdated{User: user})

	user.Version, user.Role = 3, domain.Manager
	tells(t, tx, &auth.ChangeRole{Request: by, Person: user.ID, Role: user.Role}, auth.UserRoleChanged{User: user})

	user.Version, user.Status = 4, auth.Deactivated
	tells(t, tx, &auth.DeactivatePerson{Request: by, Person: user.ID}, auth.UserDeactivated{User: user})

	user.Version, user.Status = 5, auth.Active
	tells(t, tx, &auth.ReactivatePerson{Request: by, Person: user.ID}, auth.UserReactivated{User: user})

	person, err := auth.FindPerson(t.Context(), tx, user.ID)
	require.NoError(t, err)
	require.Equal(t, auth.Person{
		ID: user.ID, Login: strings.ToLower(cmd.Login), Name: user.Name, Email: user.Email,
		Role: user.Role, Status: user.Status, Version: user.Version,
	}, person)
}

func TestWhatIsSoAlreadyIsNoEvent(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	by := domain.Request{By: auth.System}
	person := register(t, tx, domain.Worker)

	tellsNothing(t, tx, &auth.ChangeRole{Request: by, Person: person.ID, Role: domain.Worker})
	tellsNothing(t, tx, &auth.UpdatePerson{Request: by, Person: person.ID, Name: person.Name, Email: person.Email})
	tellsNothing(t, tx, &auth.ReactivatePerson{Request: by, Person: person.ID})
	deactivate := &auth.DeactivatePerson{Request: by, Person: person.ID}
	_, err := deactivate.Handle(t.Context(), tx)
	require.NoError(t, err)
	tellsNothing(t, tx, deactivate)
}

func TestSecretsAreNeitherToldNorRecorded(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	cmd := someone(domain.Worker)
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	for _, v := range []any{cmd, events} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(text), password)
		require.NotContains(t, string(text), "argon2")
	}
}

func TestRefusalsOfCommandsAboutPeople(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	admin, manager, worker := register(t, tx, domain.Admin), register(t, tx, domain.Manager), register(t, tx, domain.Worker)
	asAdmin, asManager := domain.Request{By: admin.Actor()}, domain.Request{By: manager.Actor()}
	// with is a sound registration with one thing wrong.
	with := func(change func(*auth.RegisterPerson)) *auth.RegisterPerson {
		cmd := someone(domain.Worker)
		change(cmd)
		return cmd
	}
	for _, c := range []struct {
		name, code string
		cmd        domain.Command
	}{
		{"a Manager registers", "auth.admins_only", with(func(c *auth.RegisterPerson) { c.Request = asManager })},
		{"a Manager gives a role", "auth.admins_only", &auth.ChangeRole{Request: asManager, Person: worker.ID, Role: domain.Manager}},
		{"a Manager makes themselves Admin", "auth.admins_only", &auth.ChangeRole{Request: asManager, Person: manager.ID, Role: domain.Admin}},
		{"a Manager deactivates", "auth.admins_only", &auth.DeactivatePerson{Request: asManager, Person: worker.ID}},
		{"a Manager reactivates", "auth.admins_only", &auth.ReactivatePerson{Request: asManager, Person: worker.ID}},
		{"a Manager updates", "auth.admins_only", &auth.UpdatePerson{Request: asManager, Person: worker.ID, Name: "X", Email: "x@popug.example"}},
		{"an Admin demotes themselves", "auth.not_yourself", &auth.ChangeRole{Request: asAdmin, Person: admin.ID, Role: domain.Worker}},
		{"an Admin deactivates themselves", "auth.not_yourself", &auth.DeactivatePerson{Request: asAdmin, Person: admin.ID}},
		{"the last Admin is demoted", "auth.last_admin", &auth.ChangeRole{Request: domain.Request{By: auth.System}, Person: admin.ID, Role: domain.Worker}},
		{"the last Admin is deactivated", "auth.last_admin", &auth.DeactivatePerson{Request: domain.Request{By: auth.System}, Person: admin.ID}},
		{"nobody gets a role", "auth.unknown_person", &auth.ChangeRole{Request: asAdmin, Person: uuid.New(), Role: domain.Worker}},
		{"nobody is deactivated", "auth.unknown_person", &auth.DeactivatePerson{Request: asAdmin, Person: uuid.New()}},
		{"nobody is reactivated", "auth.unknown_person", &auth.ReactivatePerson{Request: asAdmin, Person: uuid.New()}},
		{"an unknown role", "auth.role_invalid", &auth.ChangeRole{Request: asAdmin, Person: worker.ID, Role: "parrot"}},
		{"the program's role", "auth.role_invalid", &auth.ChangeRole{Request: asAdmin, Person: worker.ID, Role: auth.System.Role}},
		{"a login in use, in capitals", "auth.login_taken", with(func(c *auth.RegisterPerson) { c.Login = strings.ToUpper(worker.Login) })},
		{"an empty login", "auth.login_invalid", with(func(c *auth.RegisterPerson) { c.Login = " " })},
		{"a login with a blank", "auth.login_invalid", with(func(c *auth.RegisterPerson) { c.Login = "a b" })},
		{"a login of 41 characters", "auth.login_invalid", with(func(c *auth.RegisterPerson) { c.Login = strings.Repeat("a", 41) })},
		{"an empty name", "auth.name_invalid", with(func(c *auth.RegisterPerson) { c.Name = "\t" })},
		{"a name of 101 characters", "auth.name_invalid", with(func(c *auth.RegisterPerson) { c.Name = strings.Repeat("я", 101) })},
		{"a name that is not text", "auth.name_invalid", with(func(c *auth.RegisterPerson) { c.Name = "Polly\x00" })},
		{"a name of two lines", "auth.name_invalid", with(func(c *auth.RegisterPerson) { c.Name = "Polly\nParrot" })},
		{"a name that is not UTF-8", "auth.name_invalid", with(func(c *auth.RegisterPerson) { c.Name = "Polly\xff" })},
		{"an email that is not UTF-8", "auth.email_invalid", with(func(c *auth.RegisterPerson) { c.Email = "polly\xff@popug.example" })},
		{"no email", "auth.email_invalid", with(func(c *auth.RegisterPerson) { c.Email = "polly" })},
		{"an email with a name", "auth.email_invalid", with(func(c *auth.RegisterPerson) { c.Email = "Polly <polly@popug.example>" })},
		{"an email with a header", "auth.email_invalid", with(func(c *auth.RegisterPerson) { c.Email = "polly@popug.example\r\nBcc: all@popug.example" })},
		{"a password of 9 characters", "auth.password_invalid", with(func(c *auth.RegisterPerson) { c.Password = strings.Repeat("я", 9) })},
		{"a password of 257 bytes", "auth.password_invalid", with(func(c *auth.RegisterPerson) { c.Password = strings.Repeat("a", 257) })},
	} {
		refuses(t, tx, c.cmd, c.code, c.name)
	}
}

func TestDeactivationEndsAllSessions(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	q := dbsqlc.New(tx)
	person := register(t, tx, domain.Worker)
	later := tx.Now.Add(time.Hour)
	require.NoError(t, q.SaveSession(t.Context(), dbsqlc.SaveSessionParams{
		TokenHash: []byte(person.Login), Subject: &person.ID, Data: []byte("x"), Now: tx.Now, ExpiresAt: later,
	}))
	require.NoError(t, q.InsertProviderSession(t.Context(), dbsqlc.InsertProviderSessionParams{
		TokenHash: []byte(person.Login), AccountID: person.ID, AuthTime: tx.Now, Amr: []string{"pwd"}, ExpiresAt: later,
	}))
	by := domain.Request{By: auth.System}
	_, err := (&auth.DeactivatePerson{Request: by, Person: person.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)
	_, err = (&auth.ReactivatePerson{Request: by, Person: person.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)

	_, err = q.FindSession(t.Context(), dbsqlc.FindSessionParams{TokenHash: []byte(person.Login), Now: tx.Now, IdleSince: tx.Now.Add(-time.Hour)})
	require.ErrorIs(t, err, pgx.ErrNoRows)
	_, err = q.FindProviderSession(t.Context(), dbsqlc.FindProviderSessionParams{TokenHash: []byte(person.Login), Now: tx.Now})
	require.ErrorIs(t, err, pgx.ErrNoRows)
}

// The second finds that its author is no Admin any more, so one is always left.
func TestTwoAdminsWhoTakeAwayEachOtherLeaveOne(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	run := func(cmd domain.Command) error {
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := cmd.Handle(t.Context(), domain.Tx{Tx: tx, Now: time.Now().UTC()})
			return err
		})
	}
	ada, bea := someone(domain.Admin), someone(domain.Admin)
	require.NoError(t, run(ada))
	require.NoError(t, run(bea))

	first, err := pool.Begin(t.Context())
	require.NoError(t, err)
	byAda := domain.Request{By: domain.Actor{ID: ada.ID, Role: domain.Admin}}
	_, err = (&auth.DeactivatePerson{Request: byAda, Person: bea.ID}).Handle(t.Context(), domain.Tx{Tx: first, Now: time.Now().UTC()})
	require.NoError(t, err)

	second := make(chan error, 1)
	go func() {
		byBea := domain.Request{By: domain.Actor{ID: bea.ID, Role: domain.Admin}}
		second <- run(&auth.ChangeRole{Request: byBea, Person: ada.ID, Role: domain.Worker})
	}()
	require.Eventually(t, func() bool {
		var waiting int
		err := pool.QueryRow(t.Context(),
			"select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting == 1 || len(second) == 1
	}, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, first.Commit(t.Context()))

	var refusal *domain.Refusal
	require.ErrorAs(t, <-second, &refusal)
	require.Equal(t, "auth.admins_only", refusal.Code)
}

func TestDemoPeopleCanSignIn(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	var logins []string
	for _, cmd := range auth.DemoPeople() {
		require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := cmd.Handle(t.Context(), domain.Tx{Tx: tx, Now: time.Now().UTC()})
			return err
		}))
		person, err := auth.Authenticate(t.Context(), pool, cmd.Login, "demo-"+cmd.Login)
		require.NoError(t, err)
		require.Equal(t, cmd.Role, person.Role)
		logins = append(logins, cmd.Login)
	}
	require.Equal(t, []string{
		"admin", "manager", "top-manager", "worker",
		"worker-2", "worker-3", "worker-4", "worker-5", "worker-6", "worker-7", "worker-8",
	}, logins)
}

func TestSweepForgetsOnlyWhatHasLongExpired(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	q := dbsqlc.New(tx)
	save := func(name string, expires time.Time) {
		require.NoError(t, q.SaveSession(t.Context(), dbsqlc.SaveSessionParams{TokenHash: []byte(name), Data: []byte{}, Now: tx.Now, ExpiresAt: expires}))
	}
	long, just := uuid.NewString(), uuid.NewString()
	save(long, tx.Now.Add(-2*time.Hour))
	save(just, tx.Now.Add(-time.Minute))
	tellsNothing(t, tx, auth.SweepExpired{})

	left := func(name string) (n int) {
		require.NoError(t, tx.QueryRow(t.Context(), "select count(*) from auth.sessions where token_hash = $1", []byte(name)).Scan(&n))
		return n
	}
	require.Zero(t, left(long))
	require.Equal(t, 1, left(just), "a tombstone outlives the requests that could miss it")
}
