package jobs_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/verify"
)

// TestWhatWasSealedCannotBeChangedUnnoticed changes the books the way somebody could who owns the database: with the guards taken
// away, and everything else that could be compared changed along.
func TestWhatWasSealedCannotBeChangedUnnoticed(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 2)
	create := func(n int) {
		for range n {
			require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: workers[0]}, Description: "Task"}))
		}
	}
	jobstest.Work(t, bus)
	create(3)
	jobstest.Idle(t, pool, patience)
	require.NoError(t, bus.Do(t.Context(), jobs.SealBooks()))
	create(3)
	jobstest.Idle(t, pool, patience)
	require.NoError(t, bus.Do(t.Context(), jobs.SealBooks()))
	require.NoError(t, bus.Do(t.Context(), jobs.SealBooks()), "nothing is left to seal")
	for _, chain := range []string{"log", "accounting"} {
		require.GreaterOrEqual(t, count(t, pool, "select count(*) from "+chain+".seals"), 2, "the clock may have asked for another")
	}
	require.Equal(t, count(t, pool, "select count(*) from log.events"), count(t, pool, "select sum(row_count) from log.seals"))
	require.Equal(t, 6, count(t, pool, "select sum(row_count) from accounting.seals"))
	create(1) // not sealed, and nothing is said of it
	jobstest.Idle(t, pool, patience)
	jobstest.RequireSoundBooks(t, pool)

	const events, transfers = "no event was changed, deleted or slipped in since it was sealed", "no transfer was changed, deleted or slipped in since it was sealed"
	transfer := count(t, pool, "select last from accounting.seals where number = 1")
	event := count(t, pool, "select position from log.events where name = 'Task.Created' order by position limit 1 offset 3")
	at := strconv.Itoa
	for _, tampering := range []struct {
		name, change, check string
		found               []string
	}{
		{"an amount", "update accounting.transfers set amount = amount + 100 where id = " + at(transfer), transfers, []string{at(transfer) + " was changed"}},
		{"a moment", "update accounting.transfers set occurred_at = occurred_at - interval '1 microsecond' where id = " + at(transfer), transfers, []string{at(transfer) + " was changed"}},
		{"a transfer that goes", "delete from accounting.transfers where id = " + at(transfer), transfers, []string{at(transfer) + " was deleted"}},
		{"words", `update log.events set data = jsonb_set(data, '{title}', '"Other words"') where position = ` + at(event), events, []string{at(event) + " was changed"}},
		{"who did it", "update log.events set actor = null where position = " + at(event), events, []string{at(event) + " was changed"}},
		{"an event that goes", "delete from log.events where position = " + at(event), events, []string{at(event) + " was deleted"}},
		{"an event in the place of another", `delete from log.events where position = ` + at(event) + `; insert into log.events overriding system value
			select ` + at(event) + `, gen_random_uuid(), batch, name, version, occurred_at, producer, gen_random_uuid(), 1, actor, correlation_id, causation_id, data
			from log.events where name = 'Task.Created' limit 1`, events, []string{at(event) + " was changed"}},
		{"an event before all others", `insert into log.events overriding system value
			select -1, gen_random_uuid(), batch, name, version, occurred_at, producer, gen_random_uuid(), 1, actor, correlation_id, causation_id, data
			from log.events where name = 'Task.Created' limit 1`, events, []string{"-1 was inserted"}},
		{"a seal", "update accounting.seals set digest = sha256(digest) where number = 1", transfers, []string{"seal 1 is not what was sealed", "seal 2 is not what was sealed"}},
		{"a seal that goes", "delete from log.seals where number = 1", events, []string{"seal 2 does not follow the seal before it"}},
		{"a change with a seal to match", `update accounting.transfers set amount = amount + 100 where id = ` + at(transfer) + `;
			update accounting.seals s set digest = accounting.seal_digest(null, 1, s.last, s.row_count, (select string_agg(accounting.digest(t), ''::bytea order by t.id)
				from accounting.transfers t where t.id <= s.last)) where number = 1`, transfers, []string{"seal 2 is not what was sealed"}},
	} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "set local session_replication_role = replica; "+tampering.change)
		require.NoError(t, err, tampering.name)
		results, err := verify.Run(t.Context(), tx)
		require.NoError(t, err)
		require.NoError(t, tx.Rollback(t.Context()))
		found := false
		for _, r := range results {
			if r.Name == tampering.check {
				found = true
				require.Subset(t, r.Examples, tampering.found, tampering.name)
			}
		}
		require.True(t, found)
		require.False(t, verify.Sound(results))
	}
}

// TestWhatIsStillBeingWrittenIsNotSealed has a transaction that has drawn its place in the log and not ended, while others after it have.
func TestWhatIsStillBeingWrittenIsNotSealed(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	workers := jobstest.Workers(t, bus, 1)
	slow, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = slow.Rollback(t.Context()) }()
	_, err = slow.Exec(t.Context(), `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		values (gen_random_uuid(), gen_random_uuid(), 'Day.Ended', 1, now(), 'accounting', gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), '{}')`)
	require.NoError(t, err)
	require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: workers[0]}, Description: "Later, and done before"}))

	sealed := make(chan error, 1)
	go func() { sealed <- bus.Do(t.Context(), jobs.SealBooks()) }()
	// It has asked more than once whether the other is still writing.
	asked := map[string]bool{}
	require.Eventually(t, func() bool {
		require.Empty(t, sealed, "it waits")
		var at *string
		require.NoError(t, pool.QueryRow(t.Context(), `select max(query_start)::text from pg_stat_activity
			where datname = current_database() and query like '%as writing' and pid <> pg_backend_pid()`).Scan(&at))
		if at != nil {
			asked[*at] = true
		}
		return len(asked) > 2
	}, patience, time.Millisecond)
	require.NoError(t, slow.Commit(t.Context()))
	require.NoError(t, <-sealed)
	require.Equal(t, count(t, pool, "select count(*) from log.events"), count(t, pool, "select sum(row_count) from log.seals"))
	jobstest.RequireSoundBooks(t, pool)
}
