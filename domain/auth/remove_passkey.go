package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// RemovePasskey takes a way to sign in away from whoever asks: it lets nobody in from that moment. It refuses a passkey that
// is not theirs.
type RemovePasskey struct {
	domain.Request
	Passkey uuid.UUID `json:"passkey"`
}

// Handle removes the passkey. It tells nothing: how people sign in is no other service's business.
func (c *RemovePasskey) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	removed, err := dbsqlc.New(tx).DeletePasskey(ctx, dbsqlc.DeletePasskeyParams{ID: c.Passkey, AccountID: c.By.ID})
	if err != nil {
		return nil, fmt.Errorf("delete passkey: %w", err)
	}
	if removed == 0 {
		return nil, refusePasskeyUnknown()
	}
	return nil, nil
}
