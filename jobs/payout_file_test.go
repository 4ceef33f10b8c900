package jobs_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/dbsqlc"
)

const pending = "select coalesce(sum(amount), 0) from accounting.entries where account = '00000000-0000-0000-0000-000000000003'"

func payoutFile(t *testing.T) accounting.PayoutFile {
	t.Helper()
	return accounting.PayoutFile{Books: booksIn(t, "UTC"), Currency: "USD", Debtor: "UberPopug Inc.", IBAN: "DE89370400440532013000"}
}

func TestPayoutsAreBookedWithTheFileOfTheirDay(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", payoutFile(t))
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	c.resolved(c.given(c.ann, 20, 35))
	jobstest.Work(t, c.bus)
	c.idle()
	require.Zero(t, c.count("select count(*) from accounting.payout_files"), "not before the day is closed")
	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	c.idle()
	require.Equal(t, 1, c.count("select count(*) from accounting.payout_files where day = '2026-03-01' and payouts = 2 and amount = 4500"))
	require.Zero(t, c.count(pending))
	require.Equal(t, 2, c.count("select count(*) from log.events where name = 'Account.PayoutCommitted'"))
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	payouts, err := dbsqlc.New(c.pool).ListPayoutsOf(t.Context(), dbsqlc.ListPayoutsOfParams{Worker: c.bob.ID, Days: []time.Time{day}})
	require.NoError(t, err)
	require.Len(t, payouts, 1)
	require.Regexp(t, "2026-?03-?01", *payouts[0].BankFile, "whoever is paid finds the file")

	// A repeat of the job changes nothing, and nothing else can.
	before := jobstest.Rows(t, c.pool)
	require.Positive(t, deliverAgain(t, c.pool, "pay_out_day", "commit_payout"))
	c.idle()
	require.Equal(t, before, jobstest.Rows(t, c.pool))
	for _, change := range []string{"update accounting.payout_files set content = ''", "delete from accounting.payout_files", "truncate accounting.payout_files"} {
		_, err := c.pool.Exec(t.Context(), change)
		require.ErrorContains(t, err, "append only")
	}

	// A day without payouts has no file: the message has no form for that.
	c.clock.set("2026-03-03T00:01:00Z")
	c.sweep()
	c.idle()
	require.Equal(t, 2, c.count("select count(*) from accounting.days where status = 'closed'"))
	require.Equal(t, 1, c.count("select count(*) from accounting.payout_files"))
	jobstest.RequireSoundBooks(t, c.pool)
}

func TestAFileThatCannotBeWrittenLeavesTheMoneyPending(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", payoutFile(t))
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	jobstest.Work(t, c.bus)
	c.idle()
	_, err := c.pool.Exec(t.Context(), "alter table accounting.payout_files rename to away")
	require.NoError(t, err)
	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	require.Eventually(t, func() bool {
		return c.count("select count(*) from river.river_job where kind = 'pay_out_day' and errors is not null") == 1
	}, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, 3000, c.count(pending))
	require.Zero(t, c.count("select count(*) from accounting.transfers where kind = 'payout'"))

	_, err = c.pool.Exec(t.Context(), "alter table accounting.away rename to payout_files")
	require.NoError(t, err)
	c.retryNow()
	c.idle()
	require.Zero(t, c.count(pending))
	require.Equal(t, 1, c.count("select count(*) from accounting.payout_files"))
}

// TestWhatAnotherProviderLeftPendingGoesIntoTheFile is a company that begins to pay by files while payouts of the other provider are pending.
func TestWhatAnotherProviderLeftPendingGoesIntoTheFile(t *testing.T) {
	t.Parallel()
	bank := &refusingBank{paid: map[string]int64{}}
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", bank)
	c.sweep()
	c.resolved(c.given(c.bob, 10, 40))
	stop := jobstest.Work(t, c.bus)
	c.idle()
	c.clock.set("2026-03-02T00:01:00Z")
	c.sweep()
	require.Eventually(t, func() bool {
		return c.count("select count(*) from river.river_job where kind = 'pay_out_day' and errors is not null") == 1
	}, 30*time.Second, 20*time.Millisecond)
	stop()

	bus, err := jobs.NewBus(jobs.BusConfig{Pool: c.pool, Books: c.books, Payouts: payoutFile(t), Now: c.clock.now})
	require.NoError(t, err)
	jobstest.Work(t, bus)
	c.retryNow()
	c.idle()
	require.Equal(t, 1, c.count("select count(*) from accounting.payout_files where amount = 3000"))
	require.Zero(t, c.count(pending))
	require.Empty(t, bank.paid)
}
