package jobs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs/jobstest"
	"ates/sql/dbsqlc"
)

// Several processes work off the same queues, take jobs into their groups at the same moment and change the same rows: tasks, wallets,
// figures. Each waits for others now and then, and never in a circle, which Postgres would end only after a second.
func TestSeveralProcessesNeverWaitForEachOtherInACircle(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 4)
	for range 3 {
		jobstest.Work(t, second(t, pool))
	}
	manager := jobstest.Manager()
	var group sync.WaitGroup
	for g := range 16 {
		group.Go(func() {
			for i := range 25 {
				create := &tracker.CreateTask{Request: domain.Request{By: workers[i%len(workers)]}, Description: fmt.Sprintf("Task %d of %d", i, g)}
				if err := bus.Do(t.Context(), create); err != nil {
					t.Errorf("create: %v", err)
					return
				}
				var cmd domain.Command = &tracker.ChangeTaskStatus{Request: domain.Request{By: manager}, TaskID: create.TaskID, Status: tracker.Resolved}
				if rand.IntN(10) == 0 {
					cmd = &tracker.AssignTasks{Request: domain.Request{By: manager}}
				}
				var refusal *domain.Refusal
				if err := bus.Do(t.Context(), cmd); err != nil && !errors.As(err, &refusal) {
					t.Errorf("%T: %v", cmd, err)
					return
				}
			}
		})
	}
	group.Wait()
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)
	require.Zero(t, deadlocks(t, pool.Config().ConnConfig))
}

// A job that another process takes between the look of a group and its lock is locked by the group too, until it gives all back.
func TestAGroupKeepsNoLockOnAJobThatIsSomebodyElses(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	jobstest.Workers(t, bus, 1)
	for n := range 3 {
		require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: jobstest.Manager()}, Description: fmt.Sprint("Task ", n)}))
	}
	const kind = "refresh_tasks"
	waiting := count(t, pool, `select count(*) from river.river_job where kind = $1`, kind)
	// Whoever looks at jobs waits at the gate, with what they know of them.
	_, err := pool.Exec(t.Context(), `alter table river.river_job rename to kept;
		create function river.gate(bigint) returns boolean language sql volatile as 'select pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1); select true';
		create view river.river_job as select * from river.kept where river.gate(id)`)
	require.NoError(t, err)
	gate, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer gate.Release()
	_, err = gate.Exec(t.Context(), `select pg_advisory_lock(1)`)
	require.NoError(t, err)

	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(t.Context())
	type taking struct {
		jobs  int
		clean bool
		err   error
	}
	took := make(chan taking, 1)
	take := func() {
		n, clean, err := bus.TakeWaiting(t.Context(), tx, kind)
		took <- taking{n, clean, err}
	}
	go take()
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`) == 1
	}, patience, 10*time.Millisecond)
	_, err = pool.Exec(t.Context(), `update river.kept set state = 'running', attempt = 1 where id = (select max(id) from river.kept where kind = $1)`, kind)
	require.NoError(t, err)
	_, err = gate.Exec(t.Context(), `select pg_advisory_unlock(1)`)
	require.NoError(t, err)
	require.Equal(t, taking{}, <-took)
	require.Equal(t, waiting, free(t, pool, kind), "all can be had by others")

	take()
	require.Equal(t, taking{jobs: waiting - 1, clean: true}, <-took, "those that still wait")
	require.Equal(t, 1, free(t, pool, kind), "the one that is somebody else's is theirs")
}

// free is how many jobs of a kind nobody has locked.
func free(t *testing.T, pool *pgxpool.Pool, kind string) int {
	t.Helper()
	return count(t, pool, `select count(*) from (select from river.kept where kind = $1 for update skip locked) unlocked`, kind)
}

// deadlocks is how many circles Postgres has found in a database.
func deadlocks(t *testing.T, of *pgx.ConnConfig) (n int) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), of)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), `select deadlocks from pg_stat_database where datname = current_database()`).Scan(&n))
	return n
}

// Transactions that tell the board of the same tasks wait for each other, whatever order they know them in.
func TestTheBoardIsChangedInTheOrderOfItsTasks(t *testing.T) {
	t.Parallel()
	_, pool := jobstest.Bus(t)
	tasks := make([]uuid.UUID, 300)
	for i := range tasks {
		tasks[i] = uuid.New()
	}
	apply := func(version int64) error {
		of := slices.Clone(tasks)
		rand.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return dbsqlc.New(pool).ApplyToBoard(t.Context(), dbsqlc.ApplyToBoardParams{
			Tasks: of, Versions: slices.Repeat([]int64{version}, len(of)), Statuses: slices.Repeat([]string{tracker.Open}, len(of)), Assignees: of,
			Assignments: slices.Repeat([]int32{1}, len(of)), Since: slices.Repeat([]time.Time{time.Now()}, len(of)),
		})
	}
	var group sync.WaitGroup
	for g := range int64(4) {
		group.Go(func() {
			for n := range int64(20) {
				if err := apply(4*n + g + 1); err != nil {
					t.Errorf("apply: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, len(tasks), count(t, pool, `select count(*) from tracker.board where version = 80`))
}
