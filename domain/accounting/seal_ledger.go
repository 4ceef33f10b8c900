package accounting

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// SealLedger seals the transfers that no seal stands for yet, in order, up to an id at or below which nobody is about to write one
// any more. A seal is a digest of its rows and of the seal before it; migration 00020 says of what.
type SealLedger struct {
	UpTo int64
	// Most is how many transfers one seal stands for at most.
	Most int32

	// Sealed is the answer; nil when there was nothing to seal.
	Sealed *dbsqlc.SealTransfersRow
}

// Handle makes one seal; it tells nothing.
func (c *SealLedger) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	sealed, err := dbsqlc.New(tx).SealTransfers(ctx, dbsqlc.SealTransfersParams{UpTo: c.UpTo, Most: c.Most, At: tx.Now})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("seal transfers: %w", err)
	}
	c.Sealed = &sealed
	return nil, nil
}
