package accounting

import (
	"context"

	"ates/domain"
)

// DepositMoney pays workers the reward of the tasks that were resolved with them, once for each task. It is a reaction to
// Task.Resolved.
type DepositMoney struct {
	Books   Books
	Rewards []Posting
}

// Handle books the rewards; the events are Account.BalanceChanged, and Task.Priced for tasks seen for the first time.
func (c DepositMoney) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	return book(ctx, tx, c.Books, Reward, c.Rewards)
}
