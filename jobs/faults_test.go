package jobs_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/verify"
)

// TestTheRestGoesOn is a night on which the mail server is down, the bank pays nobody, and the log has an event that nobody can
// read: days close, tasks are charged and paid for, pages follow, and all three are there for the admin to see.
func TestTheRestGoesOn(t *testing.T) {
	t.Parallel()
	server := jobstest.NewSMTP(t)
	bank := &refusingBank{paid: map[string]int64{}}
	c := newCompanyOf(t, jobs.BusConfig{
		Books: booksIn(t, "UTC"), Payouts: bank,
		Mail: &jobs.MailServer{Host: "127.0.0.1", Port: server.Port(), From: "ates@company.example", Patience: time.Second},
	}, "2026-03-01T09:00:00Z")
	require.NoError(t, c.bus.Do(t.Context(), accounting.LearnPeople{People: []accounting.Person{
		{ID: c.ann.ID, Name: "Ann", Email: "ann@company.example", Role: domain.Worker, Active: true, Version: 1},
	}}))
	server.Stop()
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	c.poison()
	jobstest.Work(t, c.bus)
	require.Eventually(t, func() bool { return c.count("select count(*) from accounting.accounts where balance = 3000") == 1 }, 30*time.Second, 20*time.Millisecond)
	c.clock.set("2026-03-02T00:16:00Z") // a poisoned event is waited for until the grace period is over
	c.sweep()

	failing := func(kind string) int {
		return c.count("select count(*) from river.river_job where kind = '" + kind + "' and errors is not null and state <> 'completed'")
	}
	require.Eventually(t, func() bool {
		return c.count("select count(*) from accounting.days where status = 'closed'") == 1 &&
			failing("withdraw_money") == 1 && failing("commit_payout") > 0 && failing("send_mail") == 1
	}, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, 3000, c.count(pending))

	// The next day's work.
	c.resolved(c.given(c.ann, 11, 21))
	require.Eventually(t, func() bool {
		return c.balance(c.ann) == 10 &&
			c.count("select count(*) from tracker.board where status = 'resolved'") == 2 &&
			c.count("select count(*) from accounting.daily_balances where worker = '"+c.ann.ID.String()+"' and day = '2026-03-02' and rewards = 2100") == 1
	}, 30*time.Second, 20*time.Millisecond)
	jobstest.RequireSoundBooks(t, c.pool)

	// The bank and the mail server are back, and the jobs' next attempts are due. The poisoned one is given up.
	bank.open.Store(true)
	_, err := c.pool.Exec(t.Context(), "update river.river_job set state = 'discarded', finalized_at = now() where kind = 'withdraw_money' and state = 'retryable'")
	require.NoError(t, err)
	require.Eventually(t, func() bool { c.retryNow(); return c.count(pending) == 0 }, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, map[string]int64{c.bob.ID.String() + "/2026-03-01": 3000}, bank.paid)
}

// poison puts an event into the log that has a version from the future, with its job, as a newer program would.
func (c *company) poison() {
	c.t.Helper()
	batch := uuid.New()
	_, err := c.pool.Exec(c.t.Context(), `with e as (insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		values (gen_random_uuid(), $1, 'Task.Assigned', 99, $2, 'tracker', gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), '{}') returning position)
		insert into river.river_job (kind, queue, args, max_attempts, state, priority)
		select 'withdraw_money', 'money', jsonb_build_object('batch', $1::uuid, 'first', position, 'last', position), 25, 'available', 1 from e`, batch, c.clock.now())
	require.NoError(c.t, err)
}

func TestVerificationFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	open := c.given(c.ann, 20, 20)
	require.NoError(t, c.bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: jobstest.Manager()}, Description: "Of a price that is drawn"}))
	stop := jobstest.Work(t, c.bus)
	c.idle()
	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	c.idle()
	stop()
	require.NoError(t, c.bus.Do(t.Context(), jobs.SealBooks()))
	results, err := verify.Run(t.Context(), c.pool)
	require.NoError(t, err)
	require.True(t, verify.Sound(results))
	for _, r := range results {
		if r.Name != "a payout file holds payouts that are booked" {
			require.NotZero(t, r.Looked, r.Name)
		}
	}

	// Each breaks one promise, with the guards against it taken away, and is undone.
	for _, broken := range []struct{ name, change string }{
		{"a wallet is the sum of its entries", "update accounting.accounts set balance = balance + 1 where kind = 'wallet'"},
		{"a running balance is the sum so far", "update accounting.transfers set balance = balance + 1 where kind = 'fee'"},
		{"an entry names an event of the log", "update accounting.transfers set event = gen_random_uuid() where kind = 'reward'"},
		{"the fees of a task are its assignments", "update tracker.tasks set assignment = 2 where status = 'open'"},
		{"the rewards of a task are 1 when it is resolved, else 0", "delete from accounting.transfers where kind = 'reward'"},
		{"a transfer moves its task's price", "update accounting.tasks set fee = 1900 where id = '" + open.String() + "'"},
		{"a reward goes to the assignee", "update tracker.tasks set assignee = '" + c.ann.ID.String() + "'"},
		{"the database refuses to change prices, ledger, closed days, files and log", "drop trigger price_is_final on accounting.tasks"},
		{"the database refuses to change prices, ledger, closed days, files and log", "alter table accounting.transfers disable trigger append_only"},
		{"a closed day is the sum of its entries", "delete from accounting.transfers where kind = 'reset'"},
		{"a day opens with the debt of the day before", "insert into accounting.closings select wallet, day + 1, -5, 0, 0, 0, -5, version + 10 from accounting.closings where wallet = '" + c.bob.ID.String() + "'"},
		{"a wallet is what its closed days left and what came since", "delete from accounting.transfers where kind = 'fee'; update accounting.accounts set balance = 1 where kind = 'wallet'"},
		{"a closed day has closed every wallet of that time", "update accounting.day_parts set closed_at = null"},
		{"paid and pending are the positive balances", "delete from accounting.transfers where kind = 'payout'; delete from accounting.transfers where kind = 'reset'"},
		{"a payout is what was reset", "update accounting.transfers set amount = amount + 1 where kind = 'payout'"},
		{"nobody is told twice", "alter table tracker.notifications drop constraint notifications_once_per_cause; insert into tracker.notifications (cause, channel, person, kind, actor, task, state, noted_at, since) select cause, channel, person, kind, actor, task, state, noted_at, since from tracker.notifications"},
		{"a notification tells of an event to whom it concerns", "update tracker.notifications set person = '" + c.bob.ID.String() + "' where person = '" + c.ann.ID.String() + "' and task = '" + open.String() + "'"},
		{"the board is what the tasks are", "update tracker.board set description = 'Other words'"},
		{"the board shows the price that is charged", "update tracker.board set fee = fee + 100"},
		{"the history of a task has all of its events", "delete from tracker.history"},
		{"a daily balance is what the ledger says", "update accounting.daily_balances set fees = fees + 1"},
	} {
		tx, err := c.pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "set local session_replication_role = replica; "+broken.change)
		require.NoError(t, err, broken.change)
		results, err := verify.Run(t.Context(), tx)
		require.NoError(t, err)
		require.NoError(t, tx.Rollback(t.Context()))
		var found []string
		for _, r := range results {
			if !r.OK() {
				require.NotEmpty(t, r.Examples)
				found = append(found, r.Name)
			}
		}
		require.Contains(t, found, broken.name, broken.change)
		require.False(t, verify.Sound(results))
	}
}

func TestVerificationWaitsForWhatJobsHaveStillToDo(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	c.given(c.ann, 20, 20)
	jobstest.RequireSoundBooks(t, c.pool) // nobody works, so nothing is booked yet
	_, err := c.pool.Exec(t.Context(), "update river.river_job set state = 'discarded', finalized_at = now()")
	require.NoError(t, err)
	results, err := verify.Run(t.Context(), c.pool)
	require.NoError(t, err)
	require.False(t, verify.Sound(results), "what was given up is missing")
}

func TestVerificationsAreKept(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	require.NoError(t, c.bus.Do(t.Context(), jobs.VerifyBooks()))
	require.Equal(t, 1, c.count("select count(*) from log.verifications where sound and jsonb_array_length(checks) > 20"))
}
