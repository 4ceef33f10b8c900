package jobs

import (
	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/accounting"
)

// notifyBalances notes what a worker is told of a closed day and has it sent, if mails are sent at all: for each
// Account.BalanceReset that pays nothing, and for each Account.PayoutCommitted.
func notifyBalances(mails bool) *reaction {
	return &reaction{kind: "notify_balances", queue: notificationsQueue, topics: inboxTopics, follow: sendsMails(balanceMails),
		command: func(events []domain.Envelope) (domain.Command, error) {
			cmd := &accounting.NotifyBalances{Keep: !mails}
			for _, e := range events {
				person, text, final, err := closedBalance(e)
				if err != nil {
					return nil, err
				}
				if !final {
					continue
				}
				day, err := readDay(e, text)
				if err != nil {
					return nil, err
				}
				cmd.Balances = append(cmd.Balances, accounting.ClosedBalance{Cause: e, UserID: person, Day: day})
			}
			return cmd, nil
		}}
}

// closedBalance is whose day an event is the last word about, and whether it is.
func closedBalance(e domain.Envelope) (person uuid.UUID, day string, final bool, err error) {
	if e.Name == (accounting.PayoutCommitted{}).EventName() {
		paid, err := open[accounting.PayoutCommitted](e)
		return paid.UserID, paid.Day, true, err
	}
	reset, err := open[accounting.BalanceReset](e)
	return reset.UserID, reset.Day, reset.Amount == 0, err
}
