package jobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
)

// sealBooks seals what was written into the log of events and the ledger since the last time, so that rows that somebody changes
// later, with whatever rights, are found. The digests of the seals go to the program's log too: who can rewrite the database can make
// seals anew, but not what a log somewhere else says.
type sealBooks struct{}

// SealBooks is the command that the clock asks for every few minutes, for whoever does not want to wait.
func SealBooks() domain.Command { return sealBooks{} }

const (
	// rowsOfSeal is how many rows one seal stands for at most: what has to be read again to look at one of them.
	rowsOfSeal = 10_000
	// sealFor is how long one run goes on making seals, and waitToSeal how long it waits for transactions to end.
	sealFor, waitToSeal = 20 * time.Second, 5 * time.Second
)

// Handle makes as many seals as are due and there is time for. Where a transaction goes on for too long it makes none, and the next
// run does.
func (sealBooks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	if alone, err := q.TryToSeal(ctx); err != nil || !alone {
		return nil, err
	}
	events, err := q.LastEventPosition(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the last event: %w", err)
	}
	transfers, err := q.LastTransfer(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the last transfer: %w", err)
	}
	if settled, err := writersEnd(ctx, tx, waitToSeal, "log.events", "accounting.transfers"); err != nil || !settled {
		return nil, err
	}
	for begin := time.Now(); time.Since(begin) < sealFor; {
		ledger := &accounting.SealLedger{UpTo: transfers, Most: rowsOfSeal}
		if _, err := ledger.Handle(ctx, tx); err != nil {
			return nil, err
		}
		if s := ledger.Sealed; s != nil {
			slog.InfoContext(ctx, "sealed", "what", "transfers", "seal", s.Number, "last", s.Last, "rows", s.RowCount, "digest", hex.EncodeToString(s.Digest))
		}
		s, err := q.SealEvents(ctx, dbsqlc.SealEventsParams{UpTo: events, Most: rowsOfSeal, At: tx.Now})
		switch {
		case err == nil:
			slog.InfoContext(ctx, "sealed", "what", "events", "seal", s.Number, "last", s.Last, "rows", s.RowCount, "digest", hex.EncodeToString(s.Digest))
		case !errors.Is(err, pgx.ErrNoRows):
			return nil, fmt.Errorf("seal events: %w", err)
		case ledger.Sealed == nil:
			return nil, nil
		}
	}
	return nil, nil
}
