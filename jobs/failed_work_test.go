package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
)

const eventsHold = "events hold to their schemas"

// slipped puts a Task.Assigned that is wrong in some way into the log, around the bus, and a job for it that has one attempt.
func (c *company) slipped(name string, version int, task uuid.UUID, assignee string) (event uuid.UUID, job int64) {
	c.t.Helper()
	event = uuid.New()
	require.NoError(c.t, c.pool.QueryRow(c.t.Context(), `with e as (
			insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
			values ($1, $1, $2, $3, $4, 'tracker', $5, 1, $1, $1, jsonb_build_object('task_id', $5::uuid, 'assignee', $6::text, 'previous', null, 'assignment', 1)) returning position)
		insert into river.river_job (kind, queue, args, max_attempts)
		select 'withdraw_money', 'money', jsonb_build_object('batch', $1::uuid, 'first', position, 'last', position), 1 from e returning id`,
		event, name, version, c.clock.now(), task, assignee).Scan(&job))
	return event, job
}

// Three events that cannot be read and a job that cannot be done are given up. Each says why, the rest goes on, and once the reason is
// gone each is done when it is retried, once.
func TestFailedWorkIsKeptUntilItIsMended(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "UTC", "2026-03-01T09:00:00Z", nil)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := c.pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	good, doomed := c.given(c.bob, 10, 40), c.given(c.ann, 11, 30)
	exec(`create function refuse() returns trigger language plpgsql as $$ begin
		if new.task = '` + doomed.String() + `' then raise exception 'the vault is locked'; end if; return new; end $$`)
	exec(`create trigger refuse before insert on accounting.transfers for each row execute function refuse()`)
	var exhausted int64
	require.NoError(t, c.pool.QueryRow(t.Context(), `update river.river_job set max_attempts = 1 where kind = 'withdraw_money'
		and (args ->> 'first')::bigint = (select max(position) from log.events where subject = $1 and name = 'Task.Assigned') returning id`, doomed).Scan(&exhausted))
	invalid, invalidJob := c.slipped("Task.Assigned", 1, uuid.New(), "nobody")
	future, futureJob := c.slipped("Task.Assigned", 2, uuid.New(), c.ann.ID.String())
	unknown, unknownJob := c.slipped("Task.Reopened", 1, uuid.New(), c.ann.ID.String())
	reasons := map[int64]string{
		exhausted:  "the vault is locked",
		invalidJob: "event " + invalid.String() + " (Task.Assigned version 1 at position ", futureJob: "Task.Assigned.v2 is not known to this version of the program",
		unknownJob: "withdraw_money does not react to it in this version of the program",
	}
	checked := verified(t, c, false)[eventsHold]
	require.EqualValues(t, 3, checked.Broken)
	for _, found := range []string{
		invalid.String() + " (Task.Assigned): it breaks the schema Task.Assigned.v1: assignee: 'nobody' is not valid uuid",
		future.String() + " (Task.Assigned): Task.Assigned.v2 is not known",
		unknown.String() + " (Task.Reopened): Task.Reopened.v1 is not known",
	} {
		require.Contains(t, strings.Join(checked.Examples, "\n"), found)
	}

	jobstest.Work(t, c.bus)
	dead := "select count(*) from river.river_job where state = 'discarded'"
	require.Eventually(t, func() bool { return c.count(dead) == len(reasons) }, patience, 20*time.Millisecond)
	c.resolved(good)
	require.Eventually(t, func() bool { return c.balance(c.bob) == 30 }, patience, 20*time.Millisecond, "the rest goes on")
	failed, err := c.bus.FailedJobs(t.Context(), 20)
	require.NoError(t, err)
	require.Len(t, failed, len(reasons))
	for _, job := range failed {
		require.Contains(t, job.Error, reasons[job.ID])
		require.Equal(t, "discarded", job.State)
	}
	require.Equal(t, len(reasons), figureOf(t, c.bus, "withdraw_money", "discarded").Count)
	require.Contains(t, scraped(c.bus), fmt.Sprintf(`ates_jobs_worked_total{kind="withdraw_money",outcome="discarded",queue="money"} %d`, len(reasons)))

	// Somebody mends the log; the vault is opened; and the admin has all of them tried again, as River's dashboard does.
	exec(`alter table log.events disable trigger append_only`)
	exec(`update log.events set data = jsonb_set(data, '{assignee}', to_jsonb($2::text)) where id = $1`, invalid, c.ann.ID)
	exec(`update log.events set version = 1, name = 'Task.Assigned' where id = any($1)`, []uuid.UUID{future, unknown})
	exec(`alter table log.events enable trigger append_only`)
	exec(`drop trigger refuse on accounting.transfers`)
	for job := range reasons {
		_, err := c.bus.River().JobRetry(t.Context(), job)
		require.NoError(t, err)
	}
	jobstest.Idle(t, c.pool, patience)
	booked := "select count(*) from accounting.transfers where kind = 'fee' and (task = '" + doomed.String() + "' or event in ('" + invalid.String() + "', '" + future.String() + "', '" + unknown.String() + "'))"
	require.Equal(t, 4, c.count(booked))
	require.Positive(t, deliverAgain(t, c.pool, "withdraw_money"))
	jobstest.Idle(t, c.pool, patience)
	require.Equal(t, 4, c.count(booked), "once")
	checked = verified(t, c, false)[eventsHold]
	require.Zero(t, checked.Broken, "%v", checked.Examples)
	require.EqualValues(t, c.count("select max(position) from log.events"), checked.UpTo)
}
