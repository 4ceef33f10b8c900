package jobs_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
)

// TestFiguresOfDaysComeOutTheSameHoweverTheirEventsCome has two days of work in any order booked and closed, and then has all events
// worked on again, and again from nothing, by several workers at once.
func TestFiguresOfDaysComeOutTheSameHoweverTheirEventsCome(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "America/New_York", "2026-03-07T15:00:00Z", nil)
	c.sweep()
	jobstest.Work(t, c.bus)
	for _, at := range []string{"2026-03-07T15:00:00Z", "2026-03-08T15:00:00Z", "2026-03-09T04:00:30Z"} {
		c.clock.set(at)
		c.sweep()
		c.idle()
		var tasks []uuid.UUID
		for range 8 {
			tasks = append(tasks, c.given(c.ann, 10+rand.Int64N(11), 20+rand.Int64N(3)))
		}
		c.moved(c.bob)
		for _, task := range tasks[:5] {
			c.resolved(task)
		}
		c.idle()
	}
	figures := jobstest.Rows(t, c.pool)
	require.Len(t, figures["accounting.daily_figures"], 3)
	require.Zero(t, c.count(`select count(*) from accounting.daily_figures f
		join (select day, coalesce(sum(amount) filter (where kind = 'fee'), 0) as fees, coalesce(sum(amount) filter (where kind = 'reward'), 0) as rewards from accounting.transfers group by day) t using (day)
		where (f.fees, f.rewards) <> (t.fees, t.rewards) or f.below_zero <> (select count(*) from accounting.closings c where c.day = f.day and c.carried < 0)
			or f.dearest_task <> (select x.task from accounting.transfers x where x.day = f.day and x.kind = 'reward' order by x.amount desc, x.occurred_at, x.task limit 1)`))

	for _, forget := range []string{"select", "delete from accounting.daily_figures", "with gone as (delete from accounting.daily_balances) delete from accounting.daily_figures"} {
		_, err := c.pool.Exec(t.Context(), forget)
		require.NoError(t, err)
		require.Positive(t, deliverAgain(t, c.pool, "refresh_daily_balances"))
		jobstest.Idle(t, c.pool, 30*time.Second)
		again := jobstest.Rows(t, c.pool)
		for _, table := range []string{"accounting.daily_figures", "accounting.daily_balances"} {
			require.Equal(t, figures[table], again[table], "%s after %q", table, forget)
		}
	}
}
