package jobs_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/verify"
)

const (
	boardIsRight     = "tracker.board is what the log makes of it"
	historyIsRight   = "tracker.history is what the log makes of it"
	balancesAreRight = "accounting.daily_balances is what the log makes of it"
	figuresAreRight  = "accounting.daily_figures is what the log makes of it"
)

// verified are the results of a verification by their names.
func verified(t *testing.T, c *company, all bool) map[string]verify.Result {
	t.Helper()
	results, err := jobs.Verify(t.Context(), c.pool, all)
	require.NoError(t, err)
	found := map[string]verify.Result{}
	for _, r := range results {
		found[r.Name] = r
	}
	return found
}

// TestWhatIsWrongInAReadModelIsNamed spoils rows by hand and looks what verifications say of them.
func TestWhatIsWrongInAReadModelIsNamed(t *testing.T) {
	t.Parallel()
	c := busyCompany(t)
	jobstest.Work(t, c.bus)
	text := func(query string) (s string) {
		t.Helper()
		require.NoError(t, c.pool.QueryRow(t.Context(), query).Scan(&s))
		return s
	}
	exec := func(sql string) {
		t.Helper()
		_, err := c.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	names := []string{boardIsRight, historyIsRight, balancesAreRight, figuresAreRight}
	all := verified(t, c, true)
	for _, name := range names {
		require.Positive(t, all[name].Looked, name)
		require.Zero(t, all[name].Broken, name)
		require.EqualValues(t, count(t, c.pool, "select max(position) from log.events"), all[name].UpTo)
	}

	task := text("select task from tracker.board where status = 'open' order by number limit 1")
	event := text("select event from tracker.history where task = '" + task + "' and name = 'Task.Created'")
	balance := text("select worker || ' ' || day from accounting.daily_balances where closed order by worker limit 1")
	exec("update tracker.board set since = since + interval '1 microsecond', created_by = gen_random_uuid() where task = '" + task + "'")
	exec("delete from tracker.history where event = '" + event + "'")
	exec("update accounting.daily_balances set closed = false where worker || ' ' || day = '" + balance + "'")
	exec("insert into accounting.daily_figures (day) values ('1999-12-31')")
	all = verified(t, c, true)
	require.Equal(t, []string{task + ": created_by, since"}, all[boardIsRight].Examples)
	require.Equal(t, []string{event + ": is missing"}, all[historyIsRight].Examples)
	require.Equal(t, []string{balance + ": closed"}, all[balancesAreRight].Examples)
	require.Equal(t, []string{"1999-12-31: is told by no event"}, all[figuresAreRight].Examples)
	for _, name := range names {
		require.False(t, all[name].OK())
	}

	// By the clock, only what was told of since.
	sound := func() bool {
		t.Helper()
		require.NoError(t, c.bus.Do(t.Context(), jobs.VerifyBooks()))
		return count(t, c.pool, "select count(*) from (select sound from log.verifications order by id desc limit 1) v where sound") == 1
	}
	exec("delete from log.verifications")
	require.False(t, sound(), "the first one looks at everything")
	require.NoError(t, jobs.Rebuild(t.Context(), c.pool, nil, quietly))
	require.True(t, sound())
	require.Zero(t, verified(t, c, false)[boardIsRight].Looked, "nothing was told since")

	exec("update tracker.board set since = since + interval '1 microsecond'")
	require.Zero(t, verified(t, c, false)[boardIsRight].Looked)
	c.resolved(uuidOf(t, task))
	c.idle()
	exec("update tracker.board set since = since + interval '1 microsecond' where task = '" + task + "'")
	exec("update accounting.daily_figures set below_zero = below_zero + 1 where day = '2026-03-02'")
	for range 2 {
		require.False(t, sound(), "what was found wrong is looked at again until it is right")
		since := verified(t, c, false)
		require.Equal(t, []string{task + ": since"}, since[boardIsRight].Examples)
		require.EqualValues(t, 1, since[boardIsRight].Looked)
		require.Equal(t, []string{"2026-03-02: below_zero"}, since[figuresAreRight].Examples)
		require.EqualValues(t, 1, since[figuresAreRight].Looked, "of a day that nothing was told of nothing is looked at")
	}
	require.NoError(t, jobs.Rebuild(t.Context(), c.pool, nil, quietly))
	require.True(t, sound())
	require.Zero(t, verified(t, c, false)[figuresAreRight].Looked)
}

// TestComparisonsWaitForWhatJobsHaveStillToDo has events that nobody has reacted to yet.
func TestComparisonsWaitForWhatJobsHaveStillToDo(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	c := &company{t: t, bus: bus, pool: pool}
	jobstest.Workers(t, bus, 2)
	stop := jobstest.Work(t, bus)
	tasks := jobstest.Tasks(t, bus, 3)
	jobstest.Idle(t, pool, patience)
	stop()
	require.NoError(t, bus.Do(t.Context(), jobs.VerifyBooks()))
	at := count(t, pool, "select max(position) from log.events")
	resolve := func(i int) {
		t.Helper()
		require.NoError(t, bus.Do(t.Context(), &tracker.ChangeTaskStatus{Request: domain.Request{By: jobstest.Manager()}, TaskID: tasks[i].TaskID, Status: tracker.Resolved}))
	}
	resolve(0)
	all := verified(t, c, true)
	require.Zero(t, all[boardIsRight].Broken)
	require.EqualValues(t, 2, all[boardIsRight].Looked, "but for that task")
	require.EqualValues(t, at, all[boardIsRight].UpTo, "the next comparison begins with it")
	_, err := pool.Exec(t.Context(), "update river.river_job set state = 'discarded', finalized_at = now() where kind = 'refresh_tasks' and state = 'available'")
	require.NoError(t, err)
	require.Equal(t, []string{tasks[0].TaskID.String() + ": since, status, version"}, verified(t, c, false)[boardIsRight].Examples, "what was given up is wrong")
}

func uuidOf(t *testing.T, text string) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(text)
	require.NoError(t, err)
	return id
}
