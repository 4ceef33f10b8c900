package migrations_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/sqltest"
)

// Somebody reads a table for long, as a report or a dump does, and a step wants to change it: it must not have everybody else wait until
// the report is ready.
func TestAStepThatWaitsForALockLetsOthersThrough(t *testing.T) {
	t.Parallel()
	url := sqltest.URL(t)
	people, report := connect(t, url), connect(t, url)
	_, err := people.Exec(t.Context(), "delete from goose_db_version where version_id >= 22") // it may be done again
	require.NoError(t, err)
	reading, err := report.Begin(t.Context())
	require.NoError(t, err)
	defer reading.Rollback(context.WithoutCancel(t.Context()))
	_, err = reading.Exec(t.Context(), "select count(*) from tracker.tasks")
	require.NoError(t, err)

	migrate := func(ctx context.Context) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := migrations.Up(ctx, people)
			ended <- err
		}()
		return ended
	}
	stepWaits := func() {
		require.Eventually(t, func() bool {
			var waits bool
			err := people.QueryRow(t.Context(), `select exists (select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())
				and relation = 'tracker.tasks'::regclass)`).Scan(&waits)
			return err == nil && waits
		}, time.Minute, time.Millisecond)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	ended := migrate(ctx)
	for range 2 { // it is tried again
		stepWaits()
		var tasks int
		require.NoError(t, people.QueryRow(t.Context(), "select count(*) from tracker.tasks").Scan(&tasks), "a page is answered though the report is not ready")
	}
	giveUp()
	err = <-ended
	require.ErrorContains(t, err, "00022_jira_ids.sql did not get a lock within")
	require.ErrorContains(t, err, "has had a transaction open for")
	require.ErrorContains(t, err, "select count(*) from tracker.tasks", "it says who was in the way")

	ended = migrate(t.Context())
	stepWaits()
	require.NoError(t, reading.Rollback(t.Context()))
	require.NoError(t, <-ended)
	missing, _, err := migrations.Compare(t.Context(), people)
	require.NoError(t, err)
	require.Zero(t, missing)
}
