package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// failsAndIsMended has an event in the log that this program cannot read, with a job for it: an admin sees both with the reason, and once
// the reason is gone has the job tried again from River's dashboard.
func failsAndIsMended(t *testing.T, admin *person, pool *pgxpool.Pool) {
	t.Helper()
	event := uuid.New()
	var job int64
	require.NoError(t, pool.QueryRow(t.Context(), `with e as (
			insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
			select $1, $1, name, 99, occurred_at, producer, $1, 1, $1, $1, data || jsonb_build_object('task_id', $1::uuid)
			from log.events where name = 'Task.Assigned' limit 1 returning position)
		insert into river.river_job (kind, queue, args, max_attempts)
		select 'withdraw_money', 'money', jsonb_build_object('batch', $1::uuid, 'first', position, 'last', position), 1 from e returning id`, event).Scan(&job))
	shows := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool {
			_, ops := admin.get("/ops")
			return strings.Contains(ops, text)
		}, 30*time.Second, 50*time.Millisecond, text)
	}
	shows(event.String() + " (Task.Assigned version 99 at position ")
	shows("cannot be read: Task.Assigned.v99 is not known to this version of the program")
	status, _ := admin.post("/ops/verify", nil)
	require.Equal(t, http.StatusOK, status)
	shows(event.String() + " (Task.Assigned): Task.Assigned.v99 is not known to this version of the program")

	_, err := pool.Exec(t.Context(), `alter table log.events disable trigger append_only`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `update log.events set version = 1 where id = $1`, event)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `alter table log.events enable trigger append_only`)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, admin.address+"/ops/jobs/api/jobs/retry", strings.NewReader(fmt.Sprintf(`{"ids":["%d"]}`, job)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := admin.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Eventually(t, func() bool {
		return number(t, pool, "select count(*) from accounting.transfers where event = $1", event) == 1
	}, 30*time.Second, 20*time.Millisecond)
	_, ops := admin.get("/ops")
	require.NotContains(t, ops, "cannot be read: ")
}
