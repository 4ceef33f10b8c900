package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/sql/migrations"
)

// Backlog is what the queues have still to do.
type Backlog struct {
	// Waiting jobs run as soon as somebody is free; Failing ones have failed and will be tried again; Dead ones have been given up.
	Waiting, Failing, Dead int
	// Oldest is when the oldest event occurred that a job has still to react to; zero when there is none.
	Oldest time.Time
}

// Backlog looks at the queues.
func (b *Bus) Backlog(ctx context.Context) (Backlog, error) {
	var found Backlog
	var oldest *time.Time
	err := b.pool.QueryRow(ctx, `select count(*) filter (where j.state not in ('retryable', 'discarded')), count(*) filter (where j.state = 'retryable'),
		count(*) filter (where j.state = 'discarded'), min(e.occurred_at) filter (where j.state <> 'discarded')
		from `+pgx.Identifier{migrations.RiverSchema, "river_job"}.Sanitize()+` j
		left join log.events e on e.position = (j.args ->> 'first')::bigint
		where j.state not in ('completed', 'cancelled')`).Scan(&found.Waiting, &found.Failing, &found.Dead, &oldest)
	if err != nil {
		return found, fmt.Errorf("look at the queues: %w", err)
	}
	if oldest != nil {
		found.Oldest = *oldest
	}
	return found, nil
}
