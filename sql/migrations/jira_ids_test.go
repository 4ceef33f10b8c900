package migrations_test

import (
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/sqltest"
)

// The rows of before are more than are taken apart at a time. The step may be done again, as it is when it was interrupted.
func TestDescriptionsOfBeforeAreTakenApart(t *testing.T) {
	t.Parallel()
	pool := connect(t, sqltest.Empty(t))
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files())
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), 20)
	require.NoError(t, err)
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	const descriptions = `case n % 3 when 0 then '[POPUG-' || n || '] - Task ' || n when 1 then '[urgent] task ' || n else 'Task ' || n end`
	exec(`insert into tracker.board (task, number, description, version) select gen_random_uuid(), n, ` + descriptions + `, 1 from generate_series(1, 6000) n`)
	exec(`insert into tracker.board (task, version) values (gen_random_uuid(), 1)`)
	exec(`insert into accounting.tasks (id, number, description, unit, fee, reward, priced_at) select task, number, description, 100, 1000, 2000, now() from tracker.board where number <= 9`)
	for range 2 {
		_, err := migrations.Up(t.Context(), pool)
		require.NoError(t, err)
		for table, rows := range map[string]int{"tracker.board": 6000, "accounting.tasks": 9} {
			var split, whole, wrong int
			require.NoError(t, pool.QueryRow(t.Context(), `select count(*) filter (where jira_id = 'POPUG-' || number and description = 'Task ' || number),
				count(*) filter (where jira_id is null and description in ('[urgent] task ' || number, 'Task ' || number)),
				count(*) filter (where (jira_id is null) <> (number % 3 <> 0)) from `+table+` where number is not null`).Scan(&split, &whole, &wrong))
			require.Equal(t, []int{rows / 3, rows - rows/3, 0}, []int{split, whole, wrong}, table)
		}
		var open int
		require.NoError(t, pool.QueryRow(t.Context(), `select sum(open) from tracker.board_counts`).Scan(&open))
		require.Equal(t, 6000, open)
		exec(`delete from goose_db_version where version_id >= 22`)
	}
}
