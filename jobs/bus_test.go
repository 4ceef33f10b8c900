package jobs_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// event is a row of the log.
type event struct {
	Position       int64
	ID             uuid.UUID
	Batch          uuid.UUID
	Name           string
	Version        int
	OccurredAt     time.Time
	Producer       string
	Subject        uuid.UUID
	SubjectVersion int64
	Actor          *uuid.UUID
	CorrelationID  uuid.UUID
	CausationID    uuid.UUID
	Data           json.RawMessage
}

// readLog reads the events of a name, in the order of the log.
func readLog(t testing.TB, pool *pgxpool.Pool, name string) []event {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select position, id, batch, name, version, occurred_at, producer, subject, subject_version, actor,
		correlation_id, causation_id, data from log.events where name = $1 order by position`, name)
	require.NoError(t, err)
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	require.NoError(t, err)
	return events
}

func count(t testing.TB, pool *pgxpool.Pool, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), query, args...).Scan(&n))
	return n
}

func refused(t testing.TB, err error, kind domain.Kind, code string) domain.Refusal {
	t.Helper()
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code)
	require.Equal(t, kind, refusal.Kind)
	return *refusal
}

// From a command over its event to the event of the context that reacted, the log says what caused what and who began it.
func TestTheLogSaysWhoBeganWhatAndWhatCausedIt(t *testing.T) {
	t.Parallel()
	pool := sqltest.Pool(t)
	now := time.Date(2030, 3, 1, 10, 30, 0, 123456789, time.FixedZone("", 3600))
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books(), Now: func() time.Time { return now }})
	require.NoError(t, err)
	worker := jobstest.Workers(t, bus, 1)[0]
	create := &tracker.CreateTask{Request: domain.Request{By: worker, Key: "k"}, Description: "Clean the cage"}
	require.NoError(t, bus.Do(domain.WithRequestID(t.Context(), "request-1"), create))
	jobstest.Work(t, bus)
	jobstest.Idle(t, pool, patience)

	var command uuid.UUID
	var name, request, key string
	var occurred time.Time
	var input, outcome map[string]any
	require.NoError(t, pool.QueryRow(t.Context(), `select id, name, request_id, key, occurred_at, input, outcome from log.commands where actor = $1`, worker.ID).
		Scan(&command, &name, &request, &key, &occurred, &input, &outcome))
	require.Equal(t, []string{"tracker.CreateTask", "request-1", "k"}, []string{name, request, key})
	require.Equal(t, "Clean the cage", input["Description"])
	require.Equal(t, create.TaskID.String(), outcome["TaskID"], "what was answered is kept with what was asked")

	created, assigned := readLog(t, pool, "Task.Created")[0], readLog(t, pool, "Task.Assigned")[0]
	priced, changed := readLog(t, pool, "Task.Priced"), readLog(t, pool, "Account.BalanceChanged")
	require.Len(t, priced, 1)
	require.Len(t, changed, 1)

	moment := time.Date(2030, 3, 1, 9, 30, 0, 123456000, time.UTC)
	for _, e := range []event{created, assigned, priced[0], changed[0]} {
		require.Equal(t, map[string]int{"Task.Created": 2, "Task.Assigned": 1, "Task.Priced": 1, "Account.BalanceChanged": 1}[e.Name], e.Version, e.Name)
		require.Equal(t, worker.ID, *e.Actor, "%s: who began it", e.Name)
		require.Equal(t, command, e.CorrelationID, "%s: the command at the beginning", e.Name)
		require.Equal(t, moment, e.OccurredAt.UTC(), "%s: the clock of the program, in what Postgres can keep", e.Name)
		require.NotContains(t, string(e.Data), "+01:00", "%s: times in the log are UTC", e.Name)
	}
	require.Equal(t, moment, occurred.UTC())
	for version, e := range []event{created, assigned} {
		require.Equal(t, "tracker", e.Producer)
		require.Equal(t, create.TaskID, e.Subject)
		require.EqualValues(t, version+1, e.SubjectVersion)
		require.Equal(t, command, e.CausationID, "a person's command caused it")
		require.Equal(t, command, e.Batch)
	}
	require.Less(t, created.Position, assigned.Position)

	require.Equal(t, "accounting", priced[0].Producer)
	require.Equal(t, create.TaskID, priced[0].Subject)
	require.EqualValues(t, 1, priced[0].SubjectVersion)
	require.Contains(t, []uuid.UUID{created.ID, assigned.ID}, priced[0].CausationID, "whichever was seen first")
	require.Equal(t, "accounting", changed[0].Producer)
	require.Equal(t, worker.ID, changed[0].Subject)
	require.EqualValues(t, 1, changed[0].SubjectVersion)
	require.Equal(t, assigned.ID, changed[0].CausationID, "the assignment caused the charge")
	require.NotEqual(t, command, changed[0].Batch)

	var cause uuid.UUID
	require.NoError(t, pool.QueryRow(t.Context(), `select event from accounting.transfers`).Scan(&cause))
	require.Equal(t, assigned.ID, cause)
}

func TestWhatTheProgramDoesByItselfHasNoActor(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 1)
	jobstest.Tasks(t, bus, 1)
	require.Nil(t, readLog(t, pool, "Task.Created")[0].Actor)
	require.Equal(t, 1, count(t, pool, `select count(*) from log.commands where actor = $1 and done_at >= occurred_at`, uuid.Nil), "what told nothing is no story")
}

func TestTheSameFormSentAgainGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 4)
	form := func() *tracker.CreateTask {
		return &tracker.CreateTask{Request: domain.Request{By: workers[0], Key: "form-1"}, Description: "Clean the cage"}
	}
	first := form()
	require.NoError(t, bus.Do(t.Context(), first))
	after := jobstest.Rows(t, pool)
	jobsAfter := count(t, pool, `select count(*) from river.river_job`)

	again := form()
	require.NoError(t, bus.Do(t.Context(), again))
	require.Equal(t, first, again)
	require.Equal(t, after, jobstest.Rows(t, pool), "the second sending changes nothing")
	require.Equal(t, jobsAfter, count(t, pool, `select count(*) from river.river_job`))

	manager := jobstest.Manager()
	assign := &tracker.AssignTasks{Request: domain.Request{By: manager, Key: "press-1"}}
	require.NoError(t, bus.Do(t.Context(), assign))
	for range 5 {
		again := &tracker.AssignTasks{Request: domain.Request{By: manager, Key: "press-1"}}
		require.NoError(t, bus.Do(t.Context(), again))
		require.Equal(t, assign, again, "five presses of one form draw once")
	}

	assignment := int32(1 + assign.Reassigned)
	resolve := func() *tracker.ChangeTaskStatus {
		return &tracker.ChangeTaskStatus{Request: domain.Request{By: manager, Key: "resolve-1"}, TaskID: first.TaskID, Status: tracker.Resolved, Assignment: &assignment}
	}
	require.NoError(t, bus.Do(t.Context(), resolve()))
	require.NoError(t, bus.Do(t.Context(), resolve()), "not: it is resolved already")
	require.Len(t, readLog(t, pool, "Task.Resolved"), 1)
}

func TestFormsThatCrossActOnce(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	worker := jobstest.Workers(t, bus, 1)[0]
	sent := make([]*tracker.CreateTask, 6)
	errs := make([]error, len(sent))
	var group sync.WaitGroup
	for i := range sent {
		sent[i] = &tracker.CreateTask{Request: domain.Request{By: worker, Key: "form-1"}, Description: "Clean the cage"}
		group.Go(func() { errs[i] = bus.Do(t.Context(), sent[i]) })
	}
	group.Wait()
	for i := range sent {
		require.NoError(t, errs[i])
		require.Equal(t, sent[0], sent[i])
	}
	require.Equal(t, 1, count(t, pool, `select count(*) from tracker.tasks`))
	require.Len(t, readLog(t, pool, "Task.Created"), 1)
}

func TestAFormSentAgainWithOtherContentIsRefused(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	worker := jobstest.Workers(t, bus, 1)[0]
	form := func(description string) *tracker.CreateTask {
		return &tracker.CreateTask{Request: domain.Request{By: worker, Key: "form-1"}, Description: description}
	}
	require.NoError(t, bus.Do(t.Context(), form("Clean the cage")))
	other := form("Clean the perch")
	refused(t, bus.Do(t.Context(), other), domain.Conflict, "command.key_used")
	require.Zero(t, other.TaskID)
	require.Equal(t, 1, count(t, pool, `select count(*) from tracker.tasks`))
	require.Equal(t, 1, count(t, pool, `select count(*) from log.commands`))
}

func TestKeysOfDifferentPeopleAndFormsAreDifferent(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 2)
	first := map[domain.Actor]*tracker.CreateTask{}
	for range 2 {
		for _, by := range workers {
			create := &tracker.CreateTask{Request: domain.Request{By: by, Key: "1"}, Description: "Task of " + by.ID.String()}
			require.NoError(t, bus.Do(t.Context(), create))
			if first[by] == nil {
				first[by] = create
			}
			require.Equal(t, first[by], create, "everybody gets their own answer")
		}
	}
	manager := jobstest.Manager()
	require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: manager, Key: "1"}, Description: "Clean the cage"}))
	require.NoError(t, bus.Do(t.Context(), &tracker.AssignTasks{Request: domain.Request{By: manager, Key: "1"}}))
	for range 2 {
		require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: manager}, Description: "Clean the cage"}))
	}
	require.Equal(t, 5, count(t, pool, `select count(*) from tracker.tasks`), "without a key every sending is a new command")
}

func TestWhatWasRefusedLeavesNoTraceAndMayBeSentAgain(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	before := jobstest.Rows(t, pool)
	manager := jobstest.Manager()
	create := &tracker.CreateTask{Request: domain.Request{By: manager, Key: "form-1"}, Description: "Clean the cage"}
	refused(t, bus.Do(t.Context(), create), domain.Conflict, "task.no_workers")
	for code, cmd := range map[string]domain.Command{
		"task.description_empty":      &tracker.CreateTask{Request: domain.Request{By: manager, Key: "form-2"}},
		"task.description_too_long":   &tracker.CreateTask{Request: domain.Request{By: manager, Key: "form-3"}, Description: strings.Repeat("x", 1001)},
		"task.description_unreadable": &tracker.CreateTask{Request: domain.Request{By: manager, Key: "form-4"}, Description: "a\x00b"},
		"task.status_unknown":         &tracker.ChangeTaskStatus{Request: domain.Request{By: manager, Key: "form-5"}, Status: "done"},
	} {
		refused(t, bus.Do(t.Context(), cmd), domain.Invalid, code)
	}
	refused(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: manager}, Description: "caf\xe9"}), domain.Invalid, "task.description_unreadable")
	require.Equal(t, before, jobstest.Rows(t, pool))
	require.Zero(t, count(t, pool, `select count(*) from river.river_job`))

	jobstest.Workers(t, bus, 1)
	require.NoError(t, bus.Do(t.Context(), create), "the same form, once there is a worker")
	require.NotZero(t, create.TaskID)
}
