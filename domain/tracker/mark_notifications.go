package tracker

import (
	"context"
	"fmt"
	"time"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// MarkNotifications marks what a person was told in the pages as read, or as unread again: their own with the given ids, and all of theirs
// that was there at a moment. What is so already stays as it is.
type MarkNotifications struct {
	domain.Request
	IDs []int64 `json:"ids"`
	// Until is nil to mark those with the given ids only.
	Until *time.Time `json:"until"`
	State string     `json:"state"`
}

// Handle marks; it tells nothing.
func (c *MarkNotifications) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if _, err := dbsqlc.New(tx).MarkNotifications(ctx, dbsqlc.MarkNotificationsParams{
		Person: c.By.ID, Ids: c.IDs, Until: c.Until, State: c.State, At: tx.Now,
	}); err != nil {
		return nil, fmt.Errorf("mark notifications: %w", err)
	}
	return nil, nil
}

// Topics has the person's other pages follow.
func (c *MarkNotifications) Topics() []string { return []string{domain.NotificationsTopic(c.By.ID)} }
