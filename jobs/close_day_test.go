package jobs_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// clock is a program's clock that a test moves.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock(at string) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) now() time.Time { return *c.at.Load() }

func (c *clock) set(at string) {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		panic(err)
	}
	c.at.Store(&t)
}

// company is a program in a test: its books, its clock, and two workers whose tasks a test hands out as it likes.
type company struct {
	t        *testing.T
	pool     *pgxpool.Pool
	bus      *jobs.Bus
	books    accounting.Books
	clock    *clock
	ann, bob domain.Actor
}

func newCompany(t *testing.T, zone, at string, payouts accounting.PayoutProvider) *company {
	t.Helper()
	return newCompanyOf(t, jobs.BusConfig{Books: booksIn(t, zone), Payouts: payouts}, at)
}

// newCompanyOf is newCompany with all that a bus can be told; database and clock are the test's.
func newCompanyOf(t *testing.T, cfg jobs.BusConfig, at string) *company {
	t.Helper()
	c := &company{t: t, pool: sqltest.Pool(t), clock: newClock(at), books: cfg.Books}
	cfg.Pool, cfg.Now = c.pool, c.clock.now
	var err error
	c.bus, err = jobs.NewBus(cfg)
	require.NoError(t, err)
	workers := jobstest.Workers(t, c.bus, 2)
	c.ann, c.bob = workers[0], workers[1]
	return c
}

// booksIn are books in dollars and in a time zone.
func booksIn(t *testing.T, zone string) accounting.Books {
	t.Helper()
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return accounting.Books{Zone: location, Unit: 100}
}

// given makes a task of a price that is with a worker, as if the draw had fallen so.
func (c *company) given(to domain.Actor, fee, reward int64) uuid.UUID {
	c.t.Helper()
	c.only(to)
	create := &tracker.CreateTask{Request: domain.Request{By: jobstest.Manager()}, Description: "A task"}
	require.NoError(c.t, c.bus.Do(c.t.Context(), jobstest.PricedTask{CreateTask: create, Fee: fee * 100, Reward: reward * 100}))
	return create.TaskID
}

// moved has everything open drawn when only one worker can be.
func (c *company) moved(to domain.Actor) {
	c.t.Helper()
	c.only(to)
	require.NoError(c.t, c.bus.Do(c.t.Context(), &tracker.AssignTasks{Request: domain.Request{By: jobstest.Manager()}}))
}

func (c *company) only(worker domain.Actor) {
	c.t.Helper()
	_, err := c.pool.Exec(c.t.Context(), "update tracker.people set active = (id = $1)", worker.ID)
	require.NoError(c.t, err)
}

func (c *company) resolved(task uuid.UUID) {
	c.t.Helper()
	require.NoError(c.t, c.bus.Do(c.t.Context(), &tracker.ChangeTaskStatus{Request: domain.Request{By: jobstest.Manager()}, TaskID: task, Status: tracker.Resolved}))
}

// sweep is what the clock does every minute.
func (c *company) sweep() {
	c.t.Helper()
	require.NoError(c.t, c.bus.Do(c.t.Context(), jobs.CloseDay(c.books)))
}

func (c *company) balance(worker domain.Actor) (dollars float64) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.t.Context(), "select coalesce(max(balance), 0) / 100.0 from accounting.accounts where id = $1", worker.ID).Scan(&dollars))
	return dollars
}

// closing is what a day left with a worker, in whole units.
func (c *company) closing(worker domain.Actor, day string) (opening, fees, rewards, payout, carried int) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.t.Context(), `select opening / 100, fees / 100, rewards / 100, payout / 100, carried / 100
		from accounting.closings where wallet = $1 and day = $2`, worker.ID, day).Scan(&opening, &fees, &rewards, &payout, &carried))
	return opening, fees, rewards, payout, carried
}

func (c *company) count(query string, args ...any) (n int) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(context.WithoutCancel(c.t.Context()), query, args...).Scan(&n))
	return n
}

// idle waits for the jobs and looks at the books.
func (c *company) idle() {
	c.t.Helper()
	jobstest.Idle(c.t, c.pool, patience)
	jobstest.RequireSoundBooks(c.t, c.pool)
}

// TestWorkedExample is the one of section 5 of the specification, to the dollar.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	c.sweep()
	t1 := c.given(c.ann, 15, 30)
	c.moved(c.bob)
	c.resolved(t1)
	jobstest.Work(t, c.bus)
	c.idle()
	require.InDelta(t, -15, c.balance(c.ann), 0)
	require.InDelta(t, 15, c.balance(c.bob), 0)

	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	c.idle()
	opening, fees, rewards, payout, carried := c.closing(c.bob, "2026-03-01")
	require.Equal(t, []int{0, 15, 30, 15, 0}, []int{opening, fees, rewards, payout, carried})
	opening, fees, rewards, payout, carried = c.closing(c.ann, "2026-03-01")
	require.Equal(t, []int{0, 15, 0, 0, -15}, []int{opening, fees, rewards, payout, carried})
	require.InDelta(t, 0, c.balance(c.bob), 0)
	require.InDelta(t, -15, c.balance(c.ann), 0)
	require.Equal(t, 2, c.count("select count(*) from log.events where name = 'Account.BalanceReset'"), "one for each worker")
	require.Equal(t, 1, c.count("select count(*) from log.events where name = 'Account.PayoutCommitted'"))
	require.Equal(t, 1500, c.count("select sum(amount) from accounting.entries where account = '00000000-0000-0000-0000-000000000004'"), "cash")
	require.Zero(t, c.count("select sum(amount) from accounting.entries where account = '00000000-0000-0000-0000-000000000003'"), "nothing is pending")

	t2 := c.given(c.ann, 12, 25)
	c.idle()
	c.resolved(t2)
	c.idle()
	require.InDelta(t, -2, c.balance(c.ann), 0)
	c.clock.set("2026-03-03T00:01:00Z")
	c.sweep()
	c.idle()
	opening, fees, rewards, payout, carried = c.closing(c.ann, "2026-03-02")
	require.Equal(t, []int{-15, 12, 25, 0, -2}, []int{opening, fees, rewards, payout, carried})
	require.Equal(t, 1, c.count("select count(*) from log.events where name = 'Account.PayoutCommitted'"), "nothing more is paid")
}

func TestADayIsClosedWhenItsEventsAreBookedOrTheGracePeriodIsOver(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "Europe/Berlin", "2026-03-28T12:00:00Z", nil)
	c.sweep()
	// The night in which clocks go forward: the 29th has 23 hours, and ends at 22:00 UTC.
	c.clock.set("2026-03-29T21:59:59.9Z")
	late := c.given(c.bob, 10, 40)
	c.resolved(late)
	closed := func() int { return c.count("select count(*) from accounting.days where status <> 'open'") }

	c.clock.set("2026-03-29T22:10:00Z")
	c.sweep()
	c.sweep()
	require.Equal(t, 1, closed(), "the 28th is begun; the 29th waits for its event, which is not booked")

	jobstest.Work(t, c.bus)
	jobstest.Idle(t, c.pool, patience)
	c.sweep()
	c.idle()
	require.Equal(t, 2, c.count("select count(*) from accounting.days where status = 'closed'"))
	_, fees, rewards, payout, _ := c.closing(c.bob, "2026-03-29")
	require.Equal(t, []int{10, 40, 30}, []int{fees, rewards, payout}, "what occurred at 23:59:59.9 and was booked ten minutes later is in its day")
}

// A command that began before midnight may tell of it after one that began later, and so stand behind it in the log.
func TestADayWaitsForAnEventThatWasToldAfterOneOfTheNextDay(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T23:00:00Z", nil)
	c.sweep()
	c.clock.set("2026-03-02T00:00:01Z")
	c.given(c.ann, 10, 20)
	c.clock.set("2026-03-01T23:59:59Z")
	c.given(c.bob, 15, 30)

	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	require.Zero(t, c.count("select count(*) from accounting.days where status <> 'open'"), "the event of before midnight is not booked")
	jobstest.Work(t, c.bus)
	jobstest.Idle(t, c.pool, patience)
	c.sweep()
	c.idle()
	_, fees, _, _, carried := c.closing(c.bob, "2026-03-01")
	require.Equal(t, []int{15, -15}, []int{fees, carried})
}

func TestTheBooksBeginWithTheDayOfTheFirstEvent(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T23:59:00Z", nil)
	c.given(c.bob, 15, 30)
	c.clock.set("2026-03-02T00:05:00Z")
	c.sweep() // the first ever, before anything is booked
	require.Equal(t, 2, c.count("select count(*) from accounting.days where status = 'open'"), "yesterday waits for its event")
	jobstest.Work(t, c.bus)
	jobstest.Idle(t, c.pool, patience)
	c.sweep()
	c.idle()
	_, fees, _, _, carried := c.closing(c.bob, "2026-03-01")
	require.Equal(t, []int{15, -15}, []int{fees, carried})
}

func TestALateEventIsBookedIntoTheOpenDayAndKeepsItsTime(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T23:59:59.9Z", nil)
	c.sweep()
	late := c.given(c.bob, 10, 40)
	c.resolved(late)
	c.clock.set("2026-03-02T00:15:00Z") // the grace period is over
	c.sweep()
	before := jobstest.Rows(t, c.pool)["accounting.closings"]
	stop := jobstest.Work(t, c.bus)
	c.idle()
	require.Equal(t, 2, c.count("select count(*) from accounting.transfers where kind in ('fee', 'reward') and day = '2026-03-02' and occurred_at = '2026-03-01T23:59:59.9Z'"))
	stop()
	require.Subset(t, jobstest.Rows(t, c.pool)["accounting.closings"], before)
	require.Zero(t, c.count("select count(*) from accounting.closings where day = '2026-03-01' and (fees, rewards, payout, carried) <> (0, 0, 0, 0)"), "the closed day stays as it was")
}

// TestMissedDaysAreClosedOnceOldestFirst is a program that was off for three days, started again twice at the same time.
func TestMissedDaysAreClosedOnceOldestFirst(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	c.given(c.ann, 20, 20)
	stop := jobstest.Work(t, c.bus)
	c.idle()
	stop()

	c.clock.set("2026-03-04T09:00:00Z")
	second, err := jobs.NewBus(jobs.BusConfig{Pool: c.pool, Books: c.books, Now: c.clock.now})
	require.NoError(t, err)
	var group sync.WaitGroup
	for _, bus := range []*jobs.Bus{c.bus, second} {
		jobstest.Work(t, bus)
		for range 3 {
			group.Go(func() {
				if err := bus.Do(t.Context(), jobs.CloseDay(c.books)); err != nil {
					t.Errorf("sweep: %v", err)
				}
			})
		}
	}
	group.Wait()
	require.Eventually(t, func() bool { return c.count("select count(*) from accounting.days where status = 'closed'") == 3 }, 30*time.Second, 20*time.Millisecond)
	c.idle()
	require.Equal(t, 6, c.count("select count(*) from accounting.closings"), "three days of two workers")
	require.Equal(t, 1, c.count("select count(*) from accounting.transfers where kind = 'payout'"), "paid once")
	require.Zero(t, c.count("select count(*) from (select day, lead(day) over (order by position) as next from (select position, data->>'day' as day from log.events where name = 'Day.Closed') d) o where next < day"), "oldest first")
	require.Equal(t, 4, c.count("select count(*) from accounting.days"), "today is open")
}

// refusingBank pays nobody until it is open.
type refusingBank struct {
	open atomic.Bool
	mu   sync.Mutex
	paid map[string]int64
}

func (b *refusingBank) Pay(_ context.Context, _ domain.Tx, payouts []accounting.DuePayout) error {
	if !b.open.Load() {
		return errors.New("the bank is closed")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range payouts {
		b.paid[p.Key] = p.Amount
	}
	return nil
}

func TestAProviderThatFailsLeavesTheMoneyPendingUntilItPays(t *testing.T) {
	t.Parallel()
	bank := &refusingBank{paid: map[string]int64{}}
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", bank)
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	jobstest.Work(t, c.bus)
	c.idle()
	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	require.Eventually(t, func() bool {
		return c.count("select count(*) from river.river_job where kind = 'commit_payout' and state in ('retryable', 'available') and errors is not null") > 0
	}, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, 3000, c.count("select sum(amount) from accounting.entries where account = '00000000-0000-0000-0000-000000000003'"), "pending")
	require.Equal(t, 1, c.count("select count(*) from river.river_job where kind = 'commit_payout' and errors[1]->>'error' like '%the bank is closed%'"), "with its reason")

	bank.open.Store(true)
	c.idle()
	require.Zero(t, c.count("select sum(amount) from accounting.entries where account = '00000000-0000-0000-0000-000000000003'"))
	require.Equal(t, map[string]int64{c.bob.ID.String() + "/2026-03-01": 3000}, bank.paid)
}

// TestPartsOfADayAreClosedSideBySide is a company of many parts, which meet at the end of each: none may stand in another's way.
func TestPartsOfADayAreClosedSideBySide(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	var learn accounting.LearnPeople
	for range 3000 {
		learn.People = append(learn.People, accounting.Person{ID: uuid.New(), Name: "Worker", Role: domain.Worker, Active: true, Version: 1})
	}
	require.NoError(t, c.bus.Do(t.Context(), learn))
	c.sweep()
	jobstest.Work(t, c.bus)
	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	c.idle()
	require.Equal(t, 6, c.count("select count(*) from accounting.day_parts where closed_at is not null"))
	require.Equal(t, 1, c.count("select count(*) from log.events where name = 'Day.Closed'"))
	var failed []string
	// On a machine that is busy with other things a job's time may be over; that is nobody's way.
	require.NoError(t, c.pool.QueryRow(t.Context(), `select coalesce(array_agg(kind || ': ' || errors::text), '{}') from river.river_job
		where errors is not null and errors::text not like '%deadline exceeded%'`).Scan(&failed))
	require.Empty(t, failed, "no part had to be tried again")
}
