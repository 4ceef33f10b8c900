package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
)

// refreshDailyBalances keeps the read model of workers' days.
var refreshDailyBalances = &reaction{kind: "refresh_daily_balances", queue: readModelsQueue,
	command: func(events []domain.Envelope) (domain.Command, error) {
		var cmd refreshDays
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
			if key := worker.String() + text; !seen[key] {
				seen[key] = true
				cmd.Workers = append(cmd.Workers, worker)
				cmd.Days = append(cmd.Days, day)
			}
		}
		return cmd, nil
	},
	topics: func(events []domain.Envelope, done domain.Command) []string {
		var topics []string
		for _, worker := range done.(refreshDays).Workers {
			topics = append(topics, "balance/"+worker.String())
		}
		slices.Sort(topics)
		return slices.Compact(topics)
	},
}

// whoseDay is the worker and the business day that an event about an account changes.
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
	}
	return uuid.Nil, "", &badEvent{e, errors.New("it is not about an account")}
}

// refreshDays works workers' days out anew.
type refreshDays dbsqlc.RefreshDailyBalancesParams

func (c refreshDays) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if err := dbsqlc.New(tx).RefreshDailyBalances(ctx, dbsqlc.RefreshDailyBalancesParams(c)); err != nil {
		return nil, fmt.Errorf("refresh daily balances: %w", err)
	}
	return nil, nil
}
