package auth

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

func requireRefusal(t *testing.T, code string, err error) {
	t.Helper()
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code)
	require.NotEmpty(t, refusal.Message)
}

func TestWhoMayManagePeople(t *testing.T) {
	t.Parallel()
	admin, stranger := uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		by   domain.Actor
		code string
	}{
		"an active Admin":                   {domain.Actor{ID: admin, Role: domain.Admin}, ""},
		"the program itself":                {System, ""},
		"a Manager":                         {domain.Actor{ID: stranger, Role: domain.Manager}, "auth.admins_only"},
		"a Worker":                          {domain.Actor{ID: stranger, Role: domain.Worker}, "auth.admins_only"},
		"who was an Admin when they asked":  {domain.Actor{ID: stranger, Role: domain.Admin}, "auth.admins_only"},
		"who says they are the program":     {domain.Actor{ID: stranger, Role: System.Role}, "auth.admins_only"},
		"the id of the program with a role": {domain.Actor{ID: System.ID, Role: domain.Worker}, "auth.admins_only"},
		"nobody":                            {domain.Actor{}, "auth.admins_only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := admins{admin}.mayManage(c.by)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			requireRefusal(t, c.code, err)
		})
	}
}

func TestWhomOneMayTakeAway(t *testing.T) {
	t.Parallel()
	ada, bea, worker := uuid.New(), uuid.New(), uuid.New()
	by := func(id uuid.UUID) domain.Actor { return domain.Actor{ID: id, Role: domain.Admin} }
	for name, c := range map[string]struct {
		admins admins
		by     domain.Actor
		person uuid.UUID
		code   string
	}{
		"a worker":                          {admins{ada}, by(ada), worker, ""},
		"another Admin":                     {admins{ada, bea}, by(ada), bea, ""},
		"oneself":                           {admins{ada, bea}, by(ada), ada, "auth.not_yourself"},
		"oneself, the last Admin":           {admins{ada}, by(ada), ada, "auth.not_yourself"},
		"the last Admin, by the program":    {admins{ada}, System, ada, "auth.last_admin"},
		"one of two Admins, by the program": {admins{ada, bea}, System, ada, ""},
		"an Admin who is not active, by the last Admin": {admins{ada}, by(ada), bea, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.admins.mayTakeAway(c.by, c.person)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			requireRefusal(t, c.code, err)
		})
	}
}
