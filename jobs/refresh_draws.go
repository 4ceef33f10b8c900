package jobs

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
)

// refreshDraws keeps what draws tell of themselves in their read model. What they moved comes with the tasks, by refreshTasks.
var refreshDraws = &reaction{kind: "refresh_draws", queue: readModelsQueue,
	command: func(events []domain.Envelope) (domain.Command, error) {
		var view drawView
		for _, e := range events {
			drawn, err := open[tracker.TasksDrawn](e)
			if err != nil {
				return nil, err
			}
			view.Commands = append(view.Commands, e.CorrelationID)
			view.Draws = append(view.Draws, drawn.DrawID)
			view.DrawnBy = append(view.DrawnBy, orNil(e.Actor))
			view.DrawnAt = append(view.DrawnAt, e.OccurredAt)
			view.Open = append(view.Open, int32(drawn.Open))
			view.Workers = append(view.Workers, int32(drawn.Workers))
			view.Reassigned = append(view.Reassigned, int32(drawn.Reassigned))
			view.Kept = append(view.Kept, int32(drawn.Kept))
		}
		return view, nil
	},
	topics: func(events []domain.Envelope, _ domain.Command) []string {
		var topics []string
		for _, e := range events {
			topics = append(topics, drawTopic(e.CorrelationID))
		}
		return topics
	},
}

// drawTopic is what pages that show a draw look at, by the draw's command: a task that it moved knows no other name of it.
func drawTopic(command uuid.UUID) string { return "draws/" + command.String() }

// drawView is what events say about draws. Applying it again, late or in another order ends in the same rows.
type drawView dbsqlc.ApplyDrawsParams

// Handle applies the view; it tells nothing.
func (v drawView) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	v.ShownAt = tx.Now
	if err := dbsqlc.New(tx).ApplyDraws(ctx, dbsqlc.ApplyDrawsParams(v)); err != nil {
		return nil, fmt.Errorf("apply draws: %w", err)
	}
	return nil, nil
}
