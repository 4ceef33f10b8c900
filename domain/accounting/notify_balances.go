package accounting

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// The states of a message; the migration that makes accounting.messages says what they mean.
const (
	MessageWaiting = "waiting"
	MessageSending = "sending"
	MessageSent    = "sent"
	MessageRefused = "refused"
	MessageKept    = "kept"
)

// NotifyBalances notes the message that tells a worker how a day ended: earned, charged, paid or carried. It is a reaction to
// Account.BalanceReset where nothing is paid and to Account.PayoutCommitted where something was, and notes one message a worker
// and day, however often it is asked. Whoever is no worker any more is told as long as there is something to tell.
type NotifyBalances struct {
	Balances []ClosedBalance
	// Keep keeps the messages to be read here only, where there is no way to send them.
	Keep bool

	// Waiting is the answer: the new messages that are to be sent.
	Waiting []int64
}

// ClosedBalance is a worker's day, and the event after which nothing about it will change.
type ClosedBalance struct {
	Cause  domain.Envelope
	UserID uuid.UUID
	Day    time.Time
}

// Handle notes the messages; it tells nothing.
func (c *NotifyBalances) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	asked := dbsqlc.NoteMessagesParams{State: MessageWaiting, At: tx.Now}
	if c.Keep {
		asked.State = MessageKept
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
	if !c.Keep {
		c.Waiting = noted
	}
	return nil, nil
}
