// Package jobstest runs the whole asynchronous half of the program in a test: a bus on a database of its own, real River
// workers, and the questions that tests ask of the books.
package jobstest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/sql/sqltest"
)

// Books are those of a company in UTC and US dollars.
func Books() accounting.Books { return accounting.Books{Zone: time.UTC, Unit: 100} }

// Bus makes a bus on a database of its own. Nobody works on its jobs until Work is called.
func Bus(t testing.TB) (*jobs.Bus, *pgxpool.Pool) {
	t.Helper()
	pool := sqltest.Pool(t)
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: Books()})
	require.NoError(t, err)
	return bus, pool
}

// Work works on all queues until the test ends, or until the returned function is called.
func Work(t testing.TB, bus *jobs.Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- bus.Work(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(stop)
	return stop
}

// Idle waits until every job has been worked on and fails the test when one of them failed for good or none ends in time.
func Idle(t testing.TB, pool *pgxpool.Pool, within time.Duration) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var waiting int
		var failed []string
		require.NoError(c, pool.QueryRow(ctx, `select count(*) filter (where state not in ('completed', 'cancelled', 'discarded')),
			coalesce(array_agg(kind || ': ' || coalesce(errors[array_upper(errors, 1)]->>'error', state::text))
				filter (where state <> 'completed' and errors is not null), '{}') from river.river_job`).Scan(&waiting, &failed))
		require.Zero(c, waiting, "jobs are waiting; failed: %v", failed)
	}, within, 20*time.Millisecond)
	var dead []string
	require.NoError(t, pool.QueryRow(ctx, `select coalesce(array_agg(kind), '{}') from river.river_job where state in ('cancelled', 'discarded')`).Scan(&dead))
	require.Empty(t, dead, "jobs were given up")
}

// Workers makes n active Workers known to the tracker, as the events of the Auth-Service would.
func Workers(t testing.TB, bus *jobs.Bus, n int) []domain.Actor {
	t.Helper()
	var learn tracker.LearnPeople
	workers := make([]domain.Actor, n)
	for i := range workers {
		workers[i] = domain.Actor{ID: uuid.New(), Role: domain.Worker}
		learn.People = append(learn.People, tracker.Person{ID: workers[i].ID, Name: "Worker " + string(rune('A'+i%26)), Role: domain.Worker, Active: true, Version: 1})
	}
	require.NoError(t, bus.Do(t.Context(), learn))
	return workers
}

// Tasks creates n tasks through the bus, all in one transaction, so that they are one batch of events.
func Tasks(t testing.TB, bus *jobs.Bus, n int) []*tracker.CreateTask {
	t.Helper()
	by := domain.Request{By: Manager()}
	tasks := make(createTasks, n)
	for i := range tasks {
		tasks[i] = &tracker.CreateTask{Request: by, Description: "Task " + strconv.Itoa(i+1)}
	}
	require.NoError(t, bus.Do(t.Context(), tasks))
	return tasks
}

type createTasks []*tracker.CreateTask

func (c createTasks) Handle(ctx context.Context, tx domain.Tx) (events []domain.Event, err error) {
	for _, create := range c {
		told, err := create.Handle(ctx, tx)
		if err != nil {
			return nil, err
		}
		events = append(events, told...)
	}
	return events, nil
}

// Manager is an actor who may assign and resolve anything.
func Manager() domain.Actor { return domain.Actor{ID: uuid.New(), Role: domain.Manager} }

// Rows are all rows that the program keeps, as text, by table: what must be the same again after a repeat, and unchanged after
// a failure. Left out are jobs and changes, of which a repeat rightly makes more.
func Rows(t testing.TB, pool *pgxpool.Pool) map[string][]string {
	t.Helper()
	var tables []string
	require.NoError(t, pool.QueryRow(t.Context(), `select array_agg(format('%I.%I', schemaname, tablename)) from pg_tables
		where schemaname not in ('pg_catalog', 'information_schema', 'public', 'river') and (schemaname, tablename) <> ('log', 'changes')`).Scan(&tables))
	all := map[string][]string{}
	for _, table := range tables {
		var rows []string
		require.NoError(t, pool.QueryRow(t.Context(), `select coalesce(array_agg(x::text order by x::text), '{}') from `+table+` x`).Scan(&rows))
		all[table] = rows
	}
	return all
}

// RequireSoundBooks fails the test unless everything that must hold of the books does, in the words of the specification's
// section 8: every entry has its other side, every wallet its entries, every assignment its fee and every resolved task its reward.
func RequireSoundBooks(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	for name, query := range map[string]string{
		"entries do not sum to zero":                       `select 1 from accounting.entries having coalesce(sum(amount), 0) <> 0`,
		"a wallet is not the sum of its entries":           `select 1 from accounting.accounts a where a.kind = 'wallet' and a.balance <> (select coalesce(sum(e.amount), 0) from accounting.entries e where e.account = a.id)`,
		"a running balance is not the sum so far":          `select 1 from (select balance, sum(case when debit = wallet then -amount when credit = wallet then amount else 0 end) over (partition by wallet order by version) as so_far from accounting.transfers) t where balance <> so_far`,
		"a task's fees are not its assignments":            `select 1 from tracker.tasks t where t.assignment <> (select count(*) from accounting.transfers x where x.kind = 'fee' and x.task = t.id)`,
		"a task's rewards are not 1 when resolved, else 0": `select 1 from tracker.tasks t where (t.status = 'resolved')::int <> (select count(*) from accounting.transfers x where x.kind = 'reward' and x.task = t.id)`,
		"a transfer does not move the task's price":        `select 1 from accounting.transfers x join accounting.tasks t on t.id = x.task where x.kind in ('fee', 'reward') and x.amount <> case x.kind when 'fee' then t.fee else t.reward end`,
		"a reward went to another than the assignee":       `select 1 from accounting.transfers x join tracker.tasks t on t.id = x.task where x.kind = 'reward' and x.wallet <> t.assignee`,
		"an entry names no event of the log":               `select 1 from accounting.transfers x where not exists (select 1 from log.events e where e.id = x.event)`,
		"a fee went to another than its event says":        `select 1 from accounting.transfers x join log.events e on e.id = x.event where x.kind = 'fee' and x.wallet::text <> e.data->>'assignee'`,
		"the board differs from the tasks":                 `select 1 from tracker.tasks t full join tracker.board b on b.task = t.id where (t.number, t.description, t.status, t.assignee, t.assignment, t.version) is distinct from (b.number, b.description, b.status, b.assignee, b.assignment, b.version)`,
		"the board shows another price than was charged":   `select 1 from tracker.board b full join accounting.tasks t on t.id = b.task where (b.fee, b.reward) is distinct from (t.fee, t.reward)`,
		"a task's history misses an event":                 `select 1 from log.events e where e.name like 'Task.%' and not exists (select 1 from tracker.history h where h.event = e.id)`,
		"a daily balance differs from the ledger": `select 1 from accounting.daily_balances d full join (select wallet, day, coalesce(sum(amount) filter (where kind = 'fee'), 0) as fees, coalesce(sum(amount) filter (where kind = 'reward'), 0) as rewards, count(*) as entries,
			coalesce(sum(amount) filter (where kind = 'reset'), 0) as payout, coalesce(sum(amount) filter (where kind = 'payout'), 0) as paid from accounting.transfers group by wallet, day) t on t.wallet = d.worker and t.day = d.day
			where (d.fees, d.rewards, d.payout, d.paid, d.entries) is distinct from (t.fees, t.rewards, t.payout, t.paid, t.entries) and (d.entries, t.entries) is distinct from (0, null)`,
		"a closed day differs from its entries":          `select 1 from accounting.closings c cross join lateral (select coalesce(sum(t.amount) filter (where t.kind = 'fee'), 0), coalesce(sum(t.amount) filter (where t.kind = 'reward'), 0), coalesce(sum(t.amount) filter (where t.kind = 'reset'), 0) from accounting.transfers t where t.wallet = c.wallet and t.day = c.day) s (fees, rewards, payout) where (c.fees, c.rewards, c.payout) <> (s.fees, s.rewards, s.payout)`,
		"a day opens with other than the debt before it": `select 1 from accounting.closings c where c.opening <> coalesce((select p.carried from accounting.closings p where p.wallet = c.wallet and p.day = c.day - 1), 0)`,
		"a wallet is not what its days left": `select 1 from accounting.accounts a where a.kind = 'wallet' and a.balance <> coalesce((select carried from accounting.closings c where c.wallet = a.id order by c.day desc limit 1), 0)
			+ (select coalesce(sum(case kind when 'fee' then -amount when 'reward' then amount else 0 end), 0) from accounting.transfers t where t.wallet = a.id and t.day > coalesce((select max(day) from accounting.closings c where c.wallet = a.id), '-infinity'))`,
		"a payout is not what was reset": `select 1 from accounting.transfers p where p.kind = 'payout' and not exists (select 1 from accounting.transfers r where r.kind = 'reset' and (r.wallet, r.day, r.amount) = (p.wallet, p.day, p.amount))`,
	} {
		var broken int
		err := pool.QueryRow(t.Context(), `select count(*) from (`+query+`) broken`).Scan(&broken)
		require.NoError(t, err, name)
		require.Zero(t, broken, name)
	}
}
