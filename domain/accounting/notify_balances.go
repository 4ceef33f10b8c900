package accounting

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// DailyBalance is the kind of what Accounting tells people.
const DailyBalance = "daily_balance"

// NotifyBalances notes what tells a worker how a day ended, by mail and in the inbox: earned, charged, paid or carried. It is a reaction
// to Account.BalanceReset where nothing is paid and to Account.PayoutCommitted where something was, and notes one message a
// worker, day and channel, however often it is asked. Whoever is no worker any more is told as long as there is something to tell.
type NotifyBalances struct {
	Balances []ClosedBalance
	// Keep keeps the mails to be read here only, where there is no way to send them.
	Keep bool

	domain.Told
}

// ClosedBalance is a worker's day, and the event after which nothing about it will change.
type ClosedBalance struct {
	Cause  domain.Envelope
	UserID uuid.UUID
	Day    time.Time
}

// Handle notes the messages; it tells nothing.
func (c *NotifyBalances) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	asked := dbsqlc.NoteMessagesParams{MailState: domain.MailWaiting, At: tx.Now}
	if c.Keep {
		asked.MailState = domain.MailKept
	}
	for _, b := range c.Balances {
		asked.Causes = append(asked.Causes, b.Cause.ID)
		asked.People = append(asked.People, b.UserID)
		asked.Days = append(asked.Days, b.Day)
	}
	noted, err := dbsqlc.New(tx).NoteMessages(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("note messages: %w", err)
	}
	for _, n := range noted {
		c.Note(n.ID, n.Channel, n.Person, n.State)
	}
	return nil, nil
}
