package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/sql/sqltest"
)

func TestAuthenticateTellsNobodyWhatWasWrong(t *testing.T) {
	t.Parallel()
	tx := domain.Tx{Tx: sqltest.Tx(t), Now: time.Now().UTC().Truncate(time.Microsecond)}
	person := func() *RegisterPerson {
		login := "p" + strings.ReplaceAll(uuid.NewString(), "-", "")
		cmd := &RegisterPerson{
			Request: domain.Request{By: System}, Login: login, Name: "Polly", Email: "polly@popug.example",
			Role: domain.Worker, Password: "correct horse battery",
		}
		_, err := cmd.Handle(t.Context(), tx)
		require.NoError(t, err)
		return cmd
	}
	active, gone := person(), person()
	_, err := (&DeactivatePerson{Request: domain.Request{By: System}, Person: gone.ID}).Handle(t.Context(), tx)
	require.NoError(t, err)

	who, err := Authenticate(t.Context(), tx, strings.ToUpper(active.Login), active.Password)
	require.NoError(t, err)
	require.Equal(t, active.ID, who.ID)

	var answers []string
	for _, c := range []struct{ login, password string }{
		{active.Login, "wrong"},
		{active.Login, ""},
		{active.Login, strings.Repeat("x", maxPassword+1)},
		{"nobody-" + active.Login, active.Password},
		{"", ""},
		{"\x00\xff", active.Password},
		{gone.Login, gone.Password},
	} {
		_, err := Authenticate(t.Context(), tx, c.login, c.password)
		requireRefusal(t, "auth.sign_in_failed", err)
		answers = append(answers, err.Error())
	}
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
}

// An unknown login takes as long as a known one if the hash that stands in for its own is as costly as a new one.
func TestUnknownLoginsCostAsMuchAsKnownOnes(t *testing.T) {
	t.Parallel()
	standIn, _, _, err := argon2id.DecodeHash(noPassword)
	require.NoError(t, err)
	hash, err := newHasher().hash(t.Context(), "correct horse battery", hashParams)
	require.NoError(t, err)
	fresh, _, _, err := argon2id.DecodeHash(hash)
	require.NoError(t, err)
	require.Equal(t, fresh, standIn)
	require.EqualValues(t, 19*1024, fresh.Memory)
}
