package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// ChooseNotifications keeps what a person wants the tracker to tell them from now on. Choice.Version is that of the choice they saw; it
// is refused when there is a newer one.
type ChooseNotifications struct {
	domain.Request
	Choice domain.NotificationChoice `json:"choice"`
}

// Handle keeps the choice; it tells nothing.
func (c *ChooseNotifications) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	for _, off := range c.Choice.Off {
		if !slices.Contains(choosable(), off) {
			return nil, domain.ErrChoiceUnknown()
		}
	}
	kept, err := dbsqlc.New(tx).ChooseTrackerNotifications(ctx, dbsqlc.ChooseTrackerNotificationsParams{
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

// choosable is everything that can be switched off.
func choosable() (all []string) {
	for _, kind := range NotificationKinds() {
		all = append(all, kind+"/"+domain.Inbox, kind+"/"+domain.Mail)
	}
	return all
}

// NotificationChoice is what a person wants the tracker to tell them.
func NotificationChoice(ctx context.Context, db dbsqlc.DBTX, person uuid.UUID) (domain.NotificationChoice, error) {
	row, err := dbsqlc.New(db).TrackerNotificationSettings(ctx, person)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.NotificationChoice{}, nil
	}
	if err != nil {
		return domain.NotificationChoice{}, fmt.Errorf("read a choice of notifications: %w", err)
	}
	return domain.NotificationChoice(row), nil
}
