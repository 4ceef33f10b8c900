package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

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
			change, err := open[accounting.BalanceChanged](e)
			if err != nil {
				return nil, err
			}
			day, err := time.Parse(time.DateOnly, change.Day)
			if err != nil {
				return nil, &badEvent{e, err}
			}
			if key := change.UserID.String() + change.Day; !seen[key] {
				seen[key] = true
				cmd.Workers = append(cmd.Workers, change.UserID)
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

// refreshDays works workers' days out anew.
type refreshDays dbsqlc.RefreshDailyBalancesParams

func (c refreshDays) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	if err := dbsqlc.New(tx).RefreshDailyBalances(ctx, dbsqlc.RefreshDailyBalancesParams(c)); err != nil {
		return nil, fmt.Errorf("refresh daily balances: %w", err)
	}
	return nil, nil
}
