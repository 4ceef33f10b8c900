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

// DayEnded asks for one part of a business day that has ended to be closed, Day.Ended version 1. Part counts from 1 to Parts;
// its subject is the day's id.
type DayEnded struct {
	// Day is the business day as YYYY-MM-DD.
	Day   string `json:"day"`
	Part  int32  `json:"part"`
	Parts int32  `json:"parts"`
}

// EventName is Day.Ended.
func (DayEnded) EventName() string { return "Day.Ended" }

// EventVersion is 1.
func (DayEnded) EventVersion() int { return 1 }

// Producer is Accounting.
func (DayEnded) Producer() string { return Producer }

// DayClosed tells that a business day is closed for every wallet, Day.Closed version 1. Its figures never change from here on.
type DayClosed struct {
	// Day is the business day as YYYY-MM-DD.
	Day string `json:"day"`
}

// EventName is Day.Closed.
func (DayClosed) EventName() string { return "Day.Closed" }

// EventVersion is 1.
func (DayClosed) EventVersion() int { return 1 }

// Producer is Accounting.
func (DayClosed) Producer() string { return Producer }

// BalanceReset tells how a worker's day was closed, Account.BalanceReset version 1: Amount moved to payouts pending, or, when that is
// 0, the debt in CarriedOver stays. All amounts are in minor units; CarriedOver is never positive.
type BalanceReset struct {
	UserID uuid.UUID `json:"user_id"`
	// Day is the business day as YYYY-MM-DD.
	Day         string `json:"day"`
	Opening     int64  `json:"opening"`
	Fees        int64  `json:"fees"`
	Rewards     int64  `json:"rewards"`
	Amount      int64  `json:"amount"`
	CarriedOver int64  `json:"carried_over"`
}

// EventName is Account.BalanceReset.
func (BalanceReset) EventName() string { return "Account.BalanceReset" }

// EventVersion is 1.
func (BalanceReset) EventVersion() int { return 1 }

// Producer is Accounting.
func (BalanceReset) Producer() string { return Producer }

// PayoutCommitted tells that a worker's payout of a day has left payouts pending for good, Account.PayoutCommitted version 1.
type PayoutCommitted struct {
	UserID uuid.UUID `json:"user_id"`
	// Day is the business day that is paid for, as YYYY-MM-DD.
	Day    string `json:"day"`
	Amount int64  `json:"amount"`
}

// EventName is Account.PayoutCommitted.
func (PayoutCommitted) EventName() string { return "Account.PayoutCommitted" }

// EventVersion is 1.
func (PayoutCommitted) EventVersion() int { return 1 }

// Producer is Accounting.
func (PayoutCommitted) Producer() string { return Producer }
