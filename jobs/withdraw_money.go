package jobs

import (
	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
)

const withdrawMoneyKind = "withdraw_money"

// withdrawMoney charges for each Task.Assigned.
func withdrawMoney(books accounting.Books) *reaction {
	return &reaction{kind: withdrawMoneyKind, queue: moneyQueue, together: true,
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := accounting.WithdrawMoney{Books: books}
			for _, e := range events {
				assigned, err := open[tracker.TaskAssigned](e)
				if err != nil {
					return nil, err
				}
				cmd.Fees = append(cmd.Fees, accounting.Posting{Cause: e, TaskID: assigned.TaskID, Assignment: assigned.Assignment, UserID: assigned.Assignee})
			}
			return cmd, nil
		},
		topics: entriesOfTasks,
	}
}
