package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/tracker"
	"ates/jobs/jobstest"
)

// A page that is told of a change fetches again at once, so by then the change must be there to be read.
func TestOpenPagesAreToldOfAChangeWhenItCanBeRead(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	worker := jobstest.Workers(t, bus, 1)[0]
	listener, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer listener.Release()
	_, err = listener.Exec(t.Context(), `listen changes`)
	require.NoError(t, err)

	create := &tracker.CreateTask{Request: domain.Request{By: worker}, Description: "Clean the cage"}
	require.NoError(t, bus.Do(t.Context(), create))
	jobstest.Work(t, bus)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	topics := []string{"tasks/" + create.TaskID.String(), "entries/" + create.TaskID.String(), "mine/" + worker.ID.String(), "balance/" + worker.ID.String()}
	for told := 0; told < len(topics); {
		_, err := listener.Conn().WaitForNotification(ctx)
		require.NoError(t, err, "%d of the topics %v were told of", told, topics)
		require.Positive(t, count(t, pool, "select count(*) from log.changes"), "whoever is told finds something")
		told = count(t, pool, `select count(distinct topic) from log.changes, unnest(topics) topic where topic = any($1)`, topics)
	}
	require.Equal(t, 1, count(t, pool, `select count(*) from tracker.board where task = $1`, create.TaskID))
}

func TestOldChangesAreForgotten(t *testing.T) {
	t.Parallel()
	bus, pool := jobstest.Bus(t)
	_, err := pool.Exec(t.Context(), `insert into log.changes (topics, at) values ('{old}', now() - interval '61 minutes'), ('{new}', now() - interval '50 minutes')`)
	require.NoError(t, err)
	jobstest.Work(t, bus)
	require.Eventually(t, func() bool {
		return count(t, pool, `select count(*) from river.river_job where kind = 'forget_changes' and state = 'completed'`) > 0
	}, patience, 20*time.Millisecond, "it runs at the start")
	var left []string
	require.NoError(t, pool.QueryRow(t.Context(), `select array_agg(topic) from log.changes, unnest(topics) topic where topic in ('old', 'new')`).Scan(&left))
	require.Equal(t, []string{"new"}, left, "a page may have been cut off for an hour")
}
