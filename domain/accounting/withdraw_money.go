package accounting

import (
	"context"

	"ates/domain"
)

// WithdrawMoney charges workers the fee of the tasks that were assigned to them, once for each assignment. It is a reaction
// to Task.Assigned.
type WithdrawMoney struct {
	Books Books
	Fees  []Posting
}

// Handle books the fees; the events are Account.BalanceChanged, and Task.Priced for tasks seen for the first time.
func (c WithdrawMoney) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	return book(ctx, tx, c.Books, Fee, c.Fees)
}
