package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
)

// refreshDailyBalances keeps the read models of business days: the workers', and what management had of each.
var refreshDailyBalances = &reaction{kind: "refresh_daily_balances", queue: readModelsQueue, together: true,
	command: func(events []domain.Envelope) (domain.Command, error) {
		refresh := &refreshDays{}
		seen := map[string]bool{}
		for _, e := range events {
			worker, text, err := whoseDay(e)
			if err != nil {
				return nil, err
			}
			day, err := readDay(e, text)
			if err != nil {
				return nil, err
			}
			if err := refresh.keepResolved(e, day); err != nil {
				return nil, err
			}
			if key := worker.String() + text; !seen[key] {
				seen[key] = true
				refresh.add(worker, day)
			}
		}
		return refresh, nil
	},
	topics: func(_ []domain.Envelope, done domain.Command) []string {
		refresh := done.(*refreshDays)
		topics := []string{"analytics"}
		for _, worker := range refresh.balances.Workers {
			topics = append(topics, "balance/"+worker.String())
		}
		for _, day := range refresh.days {
			topics = append(topics, "accounting/"+day.Format(time.DateOnly))
		}
		slices.Sort(topics)
		return slices.Compact(topics)
	},
}

// whoseDay is the business day that an event changes, and the worker whose day that is; none where it is everybody's.
func whoseDay(e domain.Envelope) (worker uuid.UUID, day string, err error) {
	switch e.Name {
	case accounting.BalanceChanged{}.EventName():
		change, err := open[accounting.BalanceChanged](e)
		return change.UserID, change.Day, err
	case accounting.BalanceReset{}.EventName():
		reset, err := open[accounting.BalanceReset](e)
		return reset.UserID, reset.Day, err
	case accounting.PayoutCommitted{}.EventName():
		paid, err := open[accounting.PayoutCommitted](e)
		return paid.UserID, paid.Day, err
	case accounting.DayClosed{}.EventName():
		closed, err := open[accounting.DayClosed](e)
		return uuid.Nil, closed.Day, err
	}
	return uuid.Nil, "", &badEvent{e, errors.New("it is not about an account or a day")}
}

// refreshDays works days out anew: first the workers', then management's, which are their sums.
type refreshDays struct {
	balances dbsqlc.RefreshDailyBalancesParams
	days     []time.Time
	resolved dbsqlc.KeepDearestTasksParams
}

// add asks for a worker's day, or for a day without a worker's.
func (c *refreshDays) add(worker uuid.UUID, day time.Time) {
	if worker != uuid.Nil {
		c.balances.Workers = append(c.balances.Workers, worker)
		c.balances.Days = append(c.balances.Days, day)
	}
	if !slices.ContainsFunc(c.days, day.Equal) {
		c.days = append(c.days, day)
	}
}

// keepResolved notes the task that was resolved, where an event tells of its reward. Its day is that of the reward, so that a late
// event does not change a day that is closed.
func (c *refreshDays) keepResolved(e domain.Envelope, day time.Time) error {
	if e.Name != (accounting.BalanceChanged{}).EventName() {
		return nil
	}
	change, err := open[accounting.BalanceChanged](e)
	if err != nil || change.Kind != accounting.Reward {
		return err
	}
	c.resolved.Days = append(c.resolved.Days, day)
	c.resolved.Tasks = append(c.resolved.Tasks, change.TaskID)
	c.resolved.Rewards = append(c.resolved.Rewards, change.MoneyDiff)
	c.resolved.ResolvedAt = append(c.resolved.ResolvedAt, change.OccurredAt)
	return nil
}

// Handle refreshes; it tells nothing.
func (c *refreshDays) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	q := dbsqlc.New(tx)
	if err := q.RefreshDailyBalances(ctx, c.balances); err != nil {
		return nil, fmt.Errorf("refresh daily balances: %w", err)
	}
	// Only now, so that whoever waits for the same day waits for the shortest time.
	if err := q.LockDailyFigures(ctx, c.days); err != nil {
		return nil, fmt.Errorf("lock daily figures: %w", err)
	}
	if err := q.RefreshDailyFigures(ctx, c.days); err != nil {
		return nil, fmt.Errorf("refresh daily figures: %w", err)
	}
	if len(c.resolved.Tasks) > 0 {
		if err := q.KeepDearestTasks(ctx, c.resolved); err != nil {
			return nil, fmt.Errorf("keep the most expensive tasks: %w", err)
		}
	}
	return nil, nil
}
