package jobs

import (
	"slices"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"ates/domain"
	"ates/domain/accounting"
)

// notifyBalances notes the message about a worker's closed day and has it sent, if mails are sent at all: for each
// Account.BalanceReset that pays nothing, and for each Account.PayoutCommitted.
func notifyBalances(mails bool) *reaction {
	return &reaction{kind: "notify_balances", queue: mailQueue,
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
		},
		follow: func(done domain.Command) []river.InsertManyParams {
			var jobs []river.InsertManyParams
			for chunk := range slices.Chunk(done.(*accounting.NotifyBalances).Waiting, mailsOfJob) {
				jobs = append(jobs, river.InsertManyParams{Args: sendMailArgs{chunk}, InsertOpts: &river.InsertOpts{Queue: mailQueue}})
			}
			return jobs
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
