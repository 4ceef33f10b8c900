package accounting_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/sqltest"
)

// noon is when the events of a test occurred unless it says otherwise.
var noon = time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)

// begin begins a transaction that is rolled back at the end of the test.
func begin(t testing.TB) domain.Tx {
	t.Helper()
	return domain.Tx{Tx: sqltest.Tx(t), Now: noon.Add(time.Hour)}
}

// books are kept in UTC and US dollars.
func books() accounting.Books { return accounting.Books{Zone: time.UTC, Unit: 100} }

// cause is an event that occurred at noon.
func cause() domain.Envelope {
	actor := uuid.New()
	return domain.Envelope{ID: uuid.New(), OccurredAt: noon, Actor: &actor, CorrelationID: uuid.New(), CausationID: uuid.New()}
}

// posting asks for a task's fee or reward because of an event of its own.
func posting(task, worker uuid.UUID, assignment int32) accounting.Posting {
	return accounting.Posting{Cause: cause(), TaskID: task, UserID: worker, Assignment: assignment}
}

// later is the same posting, because of an event that occurred later.
func later(p accounting.Posting, by time.Duration) accounting.Posting {
	p.Cause.OccurredAt = p.Cause.OccurredAt.Add(by)
	return p
}

func withdraw(t testing.TB, tx domain.Tx, fees ...accounting.Posting) []domain.Event {
	t.Helper()
	return run(t, tx, accounting.WithdrawMoney{Books: books(), Fees: fees})
}

func deposit(t testing.TB, tx domain.Tx, rewards ...accounting.Posting) []domain.Event {
	t.Helper()
	return run(t, tx, accounting.DepositMoney{Books: books(), Rewards: rewards})
}

func run(t testing.TB, tx domain.Tx, cmd domain.Command) []domain.Event {
	t.Helper()
	events, err := cmd.Handle(t.Context(), tx)
	require.NoError(t, err)
	return events
}

// newTask is what is learned of a task from the event that created it.
func newTask(id uuid.UUID) accounting.NewTask {
	return accounting.NewTask{Cause: cause(), TaskID: id, Number: 7, Description: "Clean the cage"}
}

// told are the events of one type, with their data.
func told[T domain.EventData](events []domain.Event) (data []T) {
	for _, e := range events {
		if d, ok := e.Data.(T); ok {
			data = append(data, d)
		}
	}
	return data
}

// price is what a task costs and pays.
func price(t testing.TB, tx domain.Tx, task uuid.UUID) accounting.TaskPriced {
	t.Helper()
	p := accounting.TaskPriced{TaskID: task}
	require.NoError(t, tx.QueryRow(t.Context(), `select fee, reward from accounting.tasks where id = $1`, task).Scan(&p.Fee, &p.Reward))
	return p
}

// wallet is the balance of a worker's wallet, and its version.
func wallet(t testing.TB, tx domain.Tx, worker uuid.UUID) (balance, version int64) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), `select balance, version from accounting.accounts where id = $1 and kind = 'wallet'`, worker).Scan(&balance, &version))
	return balance, version
}

// ledger are all rows of the books, as text.
func ledger(t testing.TB, tx domain.Tx) (rows []string) {
	t.Helper()
	for _, table := range []string{"accounts", "tasks", "transfers"} {
		var more []string
		require.NoError(t, tx.QueryRow(t.Context(), `select coalesce(array_agg(x::text order by x::text), '{}') from accounting.`+table+` x`).Scan(&more))
		rows = slices.Concat(rows, more)
	}
	return rows
}
