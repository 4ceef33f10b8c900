package jobs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/sqltest"
	"ates/sql/verify"
)

// A table that is said to be a read model, or a reaction that keeps one, and that no rebuild makes anew has been forgotten.
func TestEveryReadModelIsListed(t *testing.T) {
	t.Parallel()
	var tables, listed []string
	files, err := filepath.Glob("../sql/migrations/*.sql")
	require.NoError(t, err)
	said := regexp.MustCompile(`(?m)^-- Read model:[^\n]*\n(?:--[^\n]*\n)*create table (\S+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			tables = append(tables, m[1])
		}
		require.Len(t, said.FindAllString(string(text), -1), strings.Count(string(text), "-- Read model:"), "%s: what begins so stands before its table", file)
	}
	f := readModelFlow()
	models := map[*reaction]string{}
	for _, m := range readModels() {
		for _, r := range m.reactions {
			require.Empty(t, models[r], "%s writes two read models", r.kind)
			models[r] = m.name
		}
		for _, table := range m.tables {
			require.NotContains(t, listed, table.name)
			listed = append(listed, table.name)
		}
		require.NotEmpty(t, m.events(f))
	}
	require.Subset(t, listed, tables, "a line in readModels is missing")
	for _, r := range f.reactions() {
		require.Equal(t, r.queue == readModelsQueue, models[r] != "", "%s: what refreshes read models is in their list, and nothing else", r.kind)
	}
}

func TestSQLIsRedirectedByWholeNames(t *testing.T) {
	t.Parallel()
	redirect := redirection([]string{"tracker.board", "accounting.daily_figures"})
	for sql, want := range map[string]string{
		"insert into tracker.board as b (task)":                  "insert into tracker_rebuilt.board as b (task)",
		"select tracker.board.task from tracker.board":           "select tracker_rebuilt.board.task from tracker_rebuilt.board",
		"from tracker.board_words join tracker.boards":           "from tracker.board_words join tracker.boards",
		"from xtracker.board, tracker.history":                   "from xtracker.board, tracker.history",
		"update accounting.daily_figures\nset x = tracker.board": "update accounting_rebuilt.daily_figures\nset x = tracker_rebuilt.board",
	} {
		require.Equal(t, want, redirect(sql))
	}
}

// taskLog is a database with tasks in its log that no job has looked at.
func taskLog(t *testing.T) (*Bus, *pgxpool.Pool) {
	t.Helper()
	pool := sqltest.Pool(t)
	bus, err := NewBus(BusConfig{Pool: pool, Books: accounting.Books{Zone: time.UTC, Unit: 100}})
	require.NoError(t, err)
	require.NoError(t, bus.Do(t.Context(), tracker.LearnPeople{People: []tracker.Person{{ID: uuid.New(), Name: "Ann", Role: domain.Worker, Active: true, Version: 1}}}))
	for range 3 {
		require.NoError(t, bus.Do(t.Context(), &tracker.CreateTask{Request: domain.Request{By: domain.Actor{ID: uuid.New(), Role: domain.Manager}}, Description: "Task"}))
	}
	return bus, pool
}

func (r *rebuilding) alone(t *testing.T, pool *pgxpool.Pool) error {
	t.Helper()
	return apart(t.Context(), pool, time.Minute, func(conn *pgx.Conn) error {
		r.conn = conn
		return r.replace(t.Context())
	})
}

// TestTablesTakeTheirTriggersAlong rebuilds a read model that a trigger counts, with a table that no event tells.
func TestTablesTakeTheirTriggersAlong(t *testing.T) {
	t.Parallel()
	_, pool := taskLog(t)
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	exec(`create table tracker.tallies (n integer not null);
		create table tracker.seen (task uuid primary key, at timestamptz not null);
		create table tracker.words (task uuid primary key references tracker.board (task));
		create function tracker.tally() returns trigger language plpgsql as $$ begin
			insert into tracker.tallies values (1);
			insert into tracker.seen values (new.task, now()) on conflict do nothing;
			return null;
		end $$;
		create trigger tallied after insert on tracker.board for each row execute function tracker.tally();
		create trigger seen after insert on tracker.words for each row execute function tracker.tally();
		alter table tracker.board set (fillfactor = 90);
		create view tracker.short with (security_barrier=true) as select task, description from tracker.board;
		insert into tracker.seen values ('00000000-0000-0000-0000-000000000001', '2026-03-01')`)
	number := func(sql string) (n int) {
		t.Helper()
		require.NoError(t, pool.QueryRow(t.Context(), sql).Scan(&n))
		return n
	}
	m := readModels()[0]
	m.tables = append(m.tables, modelTable{name: "tracker.words", part: "task"})
	quiet := func(Progress) {}

	require.ErrorContains(t, newRebuilding(nil, m, quiet).alone(t, pool), "would write to tracker.")
	require.Zero(t, number("select count(*) from tracker.board"))
	require.Equal(t, 1, number("select count(*) from tracker.seen"), "what would have been written was not")

	m.tables = append(m.tables, modelTable{name: "tracker.tallies", sums: "select sum(n) as n from tracker.tallies"})
	m.aside = append(m.aside, "tracker.seen")
	require.NoError(t, newRebuilding(nil, m, quiet).alone(t, pool))
	require.Equal(t, 3, number("select count(*) from tracker.board"))
	require.Equal(t, 3, number("select sum(n) from tracker.tallies"))
	require.Equal(t, 1, number("select count(*) from tracker.seen"), "no event tells it")
	exec(`insert into tracker.board (task) values ('00000000-0000-0000-0000-000000000002'); insert into tracker.words values ('00000000-0000-0000-0000-000000000002')`)
	require.Error(t, func() error {
		_, err := pool.Exec(t.Context(), "insert into tracker.words values (gen_random_uuid())")
		return err
	}(), "the new table has the key of the old one")
	require.Equal(t, 3, number("select sum(n) - 2 from tracker.tallies"), "the triggers are there")
	require.Equal(t, 1, number("select count(*) from pg_class where oid = 'tracker.board'::regclass and reloptions = '{fillfactor=90}'"))

	require.Equal(t, 4, number("select count(*) from tracker.short"), "the view reads the new table")
	require.Equal(t, 1, number("select count(*) from pg_class where oid = 'tracker.short'::regclass and reloptions = '{security_barrier=true}'"))

	compared := func() []verify.Result {
		var results []verify.Result
		require.NoError(t, apart(t.Context(), pool, time.Minute, func(conn *pgx.Conn) (err error) {
			results, err = (&comparison{rebuilding: newRebuilding(conn, m, quiet)}).compare(t.Context(), true, theEnd)
			return err
		}))
		return results
	}
	exec("update river.river_job set state = 'discarded', finalized_at = now()") // so that nothing goes on
	at := slices.IndexFunc(compared(), func(r verify.Result) bool { return strings.HasPrefix(r.Name, "tracker.tallies") })
	require.Equal(t, []string{`{"n": 5} and not {"n": 3}`}, compared()[at].Examples)
	require.Equal(t, []string{"00000000-0000-0000-0000-000000000002: is told by no event"}, compared()[0].Examples)
}

func TestWhatCannotBeReplacedIsSaid(t *testing.T) {
	t.Parallel()
	_, pool := taskLog(t)
	_, err := pool.Exec(t.Context(), "create materialized view tracker.short as select number, description from tracker.board")
	require.NoError(t, err)
	err = Rebuild(t.Context(), pool, nil, func(Progress) {})
	require.ErrorContains(t, err, "rebuild tasks")
	require.ErrorContains(t, err, "tracker.short reads tracker.board")

	_, err = pool.Exec(t.Context(), "drop materialized view tracker.short")
	require.NoError(t, err)
	altered := false
	err = Rebuild(t.Context(), pool, nil, func(p Progress) {
		if p.Doing == "tidying" && !altered {
			altered = true
			_, err := pool.Exec(t.Context(), "alter table tracker.history add column note text")
			require.NoError(t, err)
		}
	})
	require.ErrorContains(t, err, "run it again", "its own table has no such column")
	require.NoError(t, Rebuild(t.Context(), pool, nil, func(Progress) {}))
}

func TestEventsThatNobodyCanReadAreLeftOut(t *testing.T) {
	t.Parallel()
	_, pool := taskLog(t)
	_, err := pool.Exec(t.Context(), `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		values (gen_random_uuid(), gen_random_uuid(), 'Task.Assigned', 99, now(), 'tracker', gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), '{}')`)
	require.NoError(t, err)
	var last Progress
	require.NoError(t, Rebuild(t.Context(), pool, []string{"tasks"}, func(p Progress) { last = p }))
	require.Equal(t, 1, last.Unreadable)
	require.EqualValues(t, 7, last.Done)
	var rows int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from tracker.history").Scan(&rows))
	require.Equal(t, 6, rows)
}

// TestTransactionsThatAreStillWritingAreWaitedFor has one that has drawn its place in the log and not ended, while others after it have.
func TestTransactionsThatAreStillWritingAreWaitedFor(t *testing.T) {
	t.Parallel()
	_, pool := taskLog(t)
	slow, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = slow.Rollback(t.Context()) }()
	var drawn int64
	require.NoError(t, slow.QueryRow(t.Context(), `insert into log.events (id, batch, name, version, occurred_at, producer, subject, subject_version, correlation_id, causation_id, data)
		values (gen_random_uuid(), gen_random_uuid(), 'Task.Assigned', 1, now(), 'tracker', gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(),
			jsonb_build_object('task_id', gen_random_uuid(), 'assignee', gen_random_uuid(), 'previous', null, 'assignment', 1)) returning position`).Scan(&drawn))
	rebuilt := make(chan error, 1)
	waiting := make(chan struct{})
	go func() {
		told := false
		rebuilt <- Rebuild(t.Context(), pool, []string{"tasks"}, func(p Progress) {
			if !told && p.Doing == "waiting for running commands" {
				told = true
				close(waiting)
			}
		})
	}()
	<-waiting
	require.Eventually(t, func() bool {
		var looks int
		return pool.QueryRow(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and query like '%virtualxid = any%'").Scan(&looks) == nil && looks > 0
	}, time.Minute, time.Millisecond)
	require.NoError(t, slow.Commit(t.Context()))
	require.NoError(t, <-rebuilt)
	var there bool
	require.NoError(t, pool.QueryRow(t.Context(), "select exists (select from tracker.history where position = $1)", drawn).Scan(&there))
	require.True(t, there)
}
