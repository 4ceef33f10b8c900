package domain_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

func TestAnActorHasOneRoleAndNoOther(t *testing.T) {
	t.Parallel()
	for _, role := range domain.Roles() {
		actor := domain.Actor{ID: uuid.New(), Role: role}
		for _, other := range domain.Roles() {
			require.Equal(t, role == other, actor.Is(other), "%s as %s", role, other)
		}
		require.True(t, actor.Is(domain.Roles()...))
		require.False(t, actor.Is())
	}
	require.False(t, domain.Actor{}.Is(domain.Roles()...), "nobody has no role")
}

func TestARefusalIsFoundUnderWhatWasAddedToIt(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("assign: %w", &domain.Refusal{Kind: domain.Forbidden, Code: "task.may_not_assign", Message: "Only managers can."})
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, domain.Forbidden, refusal.Kind)
	require.Equal(t, "Only managers can.", refusal.Error())
}

func TestTheRequestIDTravelsWithTheContext(t *testing.T) {
	t.Parallel()
	require.Empty(t, domain.RequestID(t.Context()))
	require.Equal(t, "r-1", domain.RequestID(domain.WithRequestID(t.Context(), "r-1")))
}
