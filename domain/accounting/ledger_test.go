package accounting_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
)

func TestAFeeGoesFromTheWorkerAndARewardToThem(t *testing.T) {
	t.Parallel()
	tx, task, worker := begin(t), uuid.New(), uuid.New()
	fee, reward := posting(task, worker, 3), later(posting(task, worker, 3), time.Hour)

	charged := withdraw(t, tx, fee)
	priced := told[accounting.TaskPriced](charged)[0]
	require.Equal(t, domain.Event{Subject: worker, Version: 1, Cause: &fee.Cause, Data: accounting.BalanceChanged{
		UserID: worker, Kind: accounting.Fee, MoneyDiff: -priced.Fee, Balance: -priced.Fee, TaskID: task, Assignment: 3, Day: "2030-03-01", OccurredAt: noon,
	}}, charged[1])

	paid := deposit(t, tx, reward)
	require.Equal(t, []domain.Event{{Subject: worker, Version: 2, Cause: &reward.Cause, Data: accounting.BalanceChanged{
		UserID: worker, Kind: accounting.Reward, MoneyDiff: priced.Reward, Balance: priced.Reward - priced.Fee, TaskID: task, Assignment: 3,
		Day: "2030-03-01", OccurredAt: noon.Add(time.Hour),
	}}}, paid)

	balance, version := wallet(t, tx, worker)
	require.Equal(t, priced.Reward-priced.Fee, balance)
	require.EqualValues(t, 2, version)
	require.Equal(t, map[string]int64{"wallet": balance, "fee_income": priced.Fee, "reward_expense": -priced.Reward}, entries(t, tx),
		"every transfer has its other side")
}

func TestARepeatBooksNothing(t *testing.T) {
	t.Parallel()
	tx, task, worker := begin(t), uuid.New(), uuid.New()
	fees := []accounting.Posting{posting(task, worker, 1), posting(uuid.New(), worker, 1), posting(uuid.New(), uuid.New(), 4)}
	reward := posting(task, worker, 1)
	withdraw(t, tx, fees...)
	deposit(t, tx, reward)
	before := ledger(t, tx)

	require.Empty(t, withdraw(t, tx, fees...))
	require.Empty(t, withdraw(t, tx, fees[2], fees[0]))
	require.Empty(t, deposit(t, tx, reward))
	require.Empty(t, deposit(t, tx, posting(task, uuid.New(), 2)), "a task is paid for once, whoever a second event names")
	require.Empty(t, withdraw(t, tx, posting(task, uuid.New(), 1)), "an assignment is charged once")
	require.Subset(t, ledger(t, tx), before, "what is booked stays as it is")
	require.Empty(t, entriesOf(t, tx, reward.UserID, 4), "no further entry")

	fresh := posting(uuid.New(), worker, 1)
	events := withdraw(t, tx, fees[0], fresh, fees[1])
	changed := told[accounting.BalanceChanged](events)
	require.Len(t, changed, 1, "what is new among repeats is booked alone")
	require.Equal(t, fresh.TaskID, changed[0].TaskID)
}

func TestEachAssignmentOfATaskIsChargedTheSameFee(t *testing.T) {
	t.Parallel()
	tx, task, ann, bob := begin(t), uuid.New(), uuid.New(), uuid.New()
	withdraw(t, tx, posting(task, ann, 1))
	withdraw(t, tx, later(posting(task, ann, 3), 2*time.Minute), later(posting(task, bob, 2), time.Minute))
	fee := price(t, tx, task).Fee
	balance, version := wallet(t, tx, ann)
	require.Equal(t, -2*fee, balance, "no refund on reassignment")
	require.EqualValues(t, 2, version)
	balance, _ = wallet(t, tx, bob)
	require.Equal(t, -fee, balance)
}

// One call books many transfers of one wallet: its balance must run on from one to the next, in the order of what happened.
func TestABatchKeepsTheRunningBalance(t *testing.T) {
	t.Parallel()
	tx, ann, bob := begin(t), uuid.New(), uuid.New()
	withdraw(t, tx, posting(uuid.New(), ann, 1))

	var fees []accounting.Posting
	for _, minute := range []int{5, 2, 9, 1, 7} { // not in the order in which they occurred
		fees = append(fees, later(posting(uuid.New(), ann, 1), time.Duration(minute)*time.Minute),
			later(posting(uuid.New(), bob, 1), time.Duration(minute)*time.Minute))
	}
	events := withdraw(t, tx, fees...)
	require.Len(t, events, 20, "a price and a charge for each task")
	balance := map[uuid.UUID]int64{ann: wantBalance(t, tx, ann, 1)}
	version := map[uuid.UUID]int64{ann: 1}
	last := map[uuid.UUID]time.Time{}
	for _, e := range events {
		changed, ok := e.Data.(accounting.BalanceChanged)
		if !ok {
			continue
		}
		worker := changed.UserID
		require.Equal(t, worker, e.Subject)
		balance[worker] -= price(t, tx, changed.TaskID).Fee
		version[worker]++
		require.Equal(t, balance[worker], changed.Balance)
		require.Equal(t, version[worker], e.Version, "versions have no gap")
		require.Greater(t, changed.OccurredAt, last[worker], "in the order of what happened")
		require.Equal(t, changed.OccurredAt, e.Cause.OccurredAt, "each names its own cause")
		require.Equal(t, time.UTC, changed.OccurredAt.Location(), "the log is in UTC, wherever the program runs")
		last[worker] = changed.OccurredAt
	}
	for _, worker := range []uuid.UUID{ann, bob} {
		got, v := wallet(t, tx, worker)
		require.Equal(t, balance[worker], got)
		require.Equal(t, version[worker], v)
	}
}

func TestAnEntryBelongsToTheDayInWhichItsEventOccurred(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	berlin := accounting.Books{Zone: zone(t, "Europe/Berlin"), Unit: 100}
	task, worker := uuid.New(), uuid.New()
	fee, reward := posting(task, worker, 1), posting(task, worker, 1)
	fee.Cause.OccurredAt = time.Date(2030, 2, 28, 22, 59, 59, 0, time.UTC)
	reward.Cause.OccurredAt = time.Date(2030, 2, 28, 23, 0, 0, 0, time.UTC)
	charged := told[accounting.BalanceChanged](run(t, tx, accounting.WithdrawMoney{Books: berlin, Fees: []accounting.Posting{fee}}))
	paid := told[accounting.BalanceChanged](run(t, tx, accounting.DepositMoney{Books: berlin, Rewards: []accounting.Posting{reward}}))
	require.Equal(t, "2030-02-28", charged[0].Day, "however late it is booked")
	require.Equal(t, "2030-03-01", paid[0].Day, "midnight in Berlin")

	var days []time.Time
	var booked time.Time
	require.NoError(t, tx.QueryRow(t.Context(), `select array_agg(day order by version), max(booked_at) from accounting.transfers where wallet = $1`, worker).Scan(&days, &booked))
	require.Equal(t, []time.Time{time.Date(2030, 2, 28, 0, 0, 0, 0, time.UTC), time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC)}, days)
	require.Equal(t, tx.Now, booked.UTC())
}

func TestNothingToBookIsNothing(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	require.Empty(t, withdraw(t, tx))
	require.Empty(t, deposit(t, tx))
}

// entries are the sums of the entries of each kind of account.
func entries(t testing.TB, tx domain.Tx) map[string]int64 {
	t.Helper()
	rows, err := tx.Query(t.Context(), `select a.kind, sum(e.amount)::bigint from accounting.entries e join accounting.accounts a on a.id = e.account group by a.kind`)
	require.NoError(t, err)
	defer rows.Close()
	sums := map[string]int64{}
	for rows.Next() {
		var kind string
		var sum int64
		require.NoError(t, rows.Scan(&kind, &sum))
		sums[kind] = sum
	}
	require.NoError(t, rows.Err())
	return sums
}

// entriesOf are the transfers of a wallet from a version on.
func entriesOf(t testing.TB, tx domain.Tx, worker uuid.UUID, version int64) (ids []int64) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), `select coalesce(array_agg(id), '{}') from accounting.transfers where wallet = $1 and version >= $2`, worker, version).Scan(&ids))
	return ids
}

// wantBalance is what the transfer of a version left in a wallet.
func wantBalance(t testing.TB, tx domain.Tx, worker uuid.UUID, version int64) (balance int64) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), `select balance from accounting.transfers where wallet = $1 and version = $2`, worker, version).Scan(&balance))
	return balance
}
