package tracker

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

func TestRights(t *testing.T) {
	t.Parallel()
	type rights struct{ own, others, assign bool }
	for role, want := range map[domain.Role]rights{
		domain.Worker:     {own: true},
		domain.Manager:    {own: true, others: true, assign: true},
		domain.Admin:      {own: true, others: true, assign: true},
		domain.TopManager: {own: true, others: true},
		"somebody new":    {own: true},
	} {
		by := domain.Actor{ID: uuid.New(), Role: role}
		require.Equal(t, want, rights{MayResolve(by, by.ID), MayResolve(by, uuid.New()), MayAssign(by)}, role)
	}
}
