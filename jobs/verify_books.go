package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"ates/domain"
	"ates/sql/dbsqlc"
	"ates/sql/verify"
)

const verifyBooksKind = "verify_books"

// verifyBooks proves once a day what must hold of the books, and keeps what it found for the admin's page.
type verifyBooks struct {
	// read is what was found by reading the log.
	read []verify.Result
}

// VerifyBooks is the command that the clock asks for every day, for whoever does not want to wait.
func VerifyBooks() domain.Command { return verifyBooks{} }

// Topics are the page on which an admin sees what was found.
func (verifyBooks) Topics() []string { return []string{"ops"} }

// prepare checks the log and compares the read models with what it makes of them, which takes many transactions.
func (verifyBooks) prepare(ctx context.Context, b *Bus) (domain.Command, error) {
	read, err := readLog(ctx, b.direct, false, compareAtMost)
	return verifyBooks{read}, err
}

// Handle verifies. Books that are unsound are no fault of the job: they are told of in the log and on the page.
func (c verifyBooks) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	results, err := verify.Run(ctx, tx)
	if err != nil {
		return nil, err
	}
	results = append(results, c.read...)
	for _, r := range results {
		if !r.OK() {
			slog.ErrorContext(ctx, "the books are not sound", "check", r.Name, "broken", r.Broken, "of", r.Looked, "examples", r.Examples)
		}
	}
	checks, err := json.Marshal(results)
	if err != nil {
		return nil, fmt.Errorf("encode what was found: %w", err)
	}
	if err := dbsqlc.New(tx).KeepVerification(ctx, dbsqlc.KeepVerificationParams{At: tx.Now, Sound: verify.Sound(results), Checks: checks}); err != nil {
		return nil, fmt.Errorf("keep what was found: %w", err)
	}
	return nil, nil
}
