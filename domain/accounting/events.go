package accounting

import (
	"time"

	"github.com/google/uuid"
)

// Producer is Accounting's name in the log.
const Producer = "accounting"

// TaskPriced tells what a task costs and pays, in minor units, Task.Priced version 1. It is told once for a task.
type TaskPriced struct {
	TaskID uuid.UUID `json:"task_id"`
	Fee    int64     `json:"fee"`
	Reward int64     `json:"reward"`
}

// EventName is Task.Priced.
func (TaskPriced) EventName() string { return "Task.Priced" }

// EventVersion is 1.
func (TaskPriced) EventVersion() int { return 1 }

// Producer is Accounting.
func (TaskPriced) Producer() string { return Producer }

// BalanceChanged tells of one transfer from or to a worker's wallet, Account.BalanceChanged version 1. MoneyDiff is in minor
// units, negative when money was withdrawn; Balance is the wallet's with it.
type BalanceChanged struct {
	UserID     uuid.UUID `json:"user_id"`
	Kind       string    `json:"kind"`
	MoneyDiff  int64     `json:"money_diff"`
	Balance    int64     `json:"balance"`
	TaskID     uuid.UUID `json:"task_id"`
	Assignment int32     `json:"assignment"`
	// Day is the business day of the transfer as YYYY-MM-DD, OccurredAt when its cause occurred.
	Day        string    `json:"day"`
	OccurredAt time.Time `json:"occurred_at"`
}

// EventName is Account.BalanceChanged.
func (BalanceChanged) EventName() string { return "Account.BalanceChanged" }

// EventVersion is 1.
func (BalanceChanged) EventVersion() int { return 1 }

// Producer is Accounting.
func (BalanceChanged) Producer() string { return Producer }
