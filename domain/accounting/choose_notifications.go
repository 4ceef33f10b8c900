package accounting

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ChooseNotifications keeps what a person wants Accounting to tell them from now on; the mail of the daily balance is always sent. Choice.Version is that of the choice they saw; it
// is refused when there is a newer one.
type ChooseNotifications struct {
	domain.Request
	Choice domain.NotificationChoice `json:"choice"`
}

// Handle keeps the choice; it tells nothing.
func (c *ChooseNotifications) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	for _, off := range c.Choice.Off {
		if off != DailyBalance+"/"+domain.Inbox {
			return nil, domain.ErrChoiceUnknown()
		}
	}
	kept, err := dbsqlc.New(tx).ChooseAccountingNotifications(ctx, dbsqlc.ChooseAccountingNotificationsParams{
		Person: c.By.ID, Seen: c.Choice.Version, Off: append([]string{}, c.Choice.Off...), Language: c.Choice.Language,
	})
	if err != nil {
		return nil, fmt.Errorf("keep a choice of notifications: %w", err)
	}
	if kept == 0 {
		return nil, domain.ErrChoiceChanged()
	}
	return nil, nil
}

// NotificationChoice is what a person wants Accounting to tell them.
func NotificationChoice(ctx context.Context, db dbsqlc.DBTX, person uuid.UUID) (domain.NotificationChoice, error) {
	row, err := dbsqlc.New(db).AccountingNotificationSettings(ctx, person)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.NotificationChoice{}, nil
	}
	if err != nil {
		return domain.NotificationChoice{}, fmt.Errorf("read a choice of notifications: %w", err)
	}
	return domain.NotificationChoice(row), nil
}
