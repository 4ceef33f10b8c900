package jobs

import (
	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
)

const depositMoneyKind = "deposit_money"

// depositMoney pays for each Task.Resolved.
func depositMoney(books accounting.Books) *reaction {
	return &reaction{kind: depositMoneyKind, queue: moneyQueue, together: true,
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := accounting.DepositMoney{Books: books}
			for _, e := range events {
				resolved, err := open[tracker.TaskResolved](e)
				if err != nil {
					return nil, err
				}
				cmd.Rewards = append(cmd.Rewards, accounting.Posting{Cause: e, TaskID: resolved.TaskID, Assignment: resolved.Assignment, UserID: resolved.Assignee})
			}
			return cmd, nil
		},
		topics: entriesOfTasks,
	}
}
