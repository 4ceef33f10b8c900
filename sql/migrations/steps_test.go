package migrations_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"ates/sql/migrations"
	"ates/sql/sqltest"
)

// thing is something of a schema that programs know: a table or view, or a column, constraint, index, trigger or function.
type thing struct {
	Kind, ID string
	// Of is the id of the table that it belongs to, which for a table is its own and for a function is none.
	Of, Table, Name string
	// Type is that of a column.
	Type string
	// File is where Postgres has the rows of a table.
	File string
	// Required is a column that may not be null, or an index that is unique; Filled is a column with a default.
	Required, Filled bool
}

// things are all that a database has, by kind and id: what is renamed keeps its id.
func things(ctx context.Context, t *testing.T, db interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
},
) map[string]thing {
	t.Helper()
	rows, err := db.Query(ctx, `with tables as (
			select c.oid, c.oid::regclass::text as name, c.relfilenode, case c.relkind when 'v' then 'view' else 'table' end as kind
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where c.relkind in ('r', 'p', 'v') and n.nspname in ('auth', 'tracker', 'accounting', 'log'))
		select kind, oid::text as id, oid::text as of, name as table, name, '' as type, relfilenode::text as file, false as required, false as filled from tables
		union all select 'column', a.attrelid || '.' || a.attnum, t.oid::text, t.name, t.name || '.' || a.attname, format_type(a.atttypid, a.atttypmod), '',
			a.attnotnull, a.atthasdef or a.attidentity <> '' from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
		union all select 'constraint', c.oid::text, t.oid::text, t.name, c.conname || ' of ' || t.name, '', '', false, false
			from tables t join pg_constraint c on c.conrelid = t.oid and c.contype <> 'n'
		union all select 'index', i.indexrelid::text, t.oid::text, t.name, i.indexrelid::regclass::text, '', '', i.indisunique, false
			from tables t join pg_index i on i.indrelid = t.oid where not exists (select from pg_constraint c where c.conindid = i.indexrelid)
		union all select 'trigger', g.oid::text, t.oid::text, t.name, g.tgname || ' of ' || t.name, '', '', false, false
			from tables t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
		union all select 'function', p.oid::text, '', '', p.oid::regprocedure::text, '', '', false, false
			from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('auth', 'tracker', 'accounting', 'log')`)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[thing])
	require.NoError(t, err)
	all := make(map[string]thing, len(found))
	for _, one := range found {
		all[one.Kind+" "+one.ID] = one
	}
	return all
}

// hurts are the things of a step that a program of before, which works beside it, may be hurt by, each in a few words.
func hurts(step string, before, after map[string]thing) (found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	had := map[string]bool{} // the tables
	for _, was := range before {
		if was.Of == was.ID {
			had[was.ID] = true
		}
	}
	goneWithTable := func(was thing) bool {
		_, table := after["table "+was.Of]
		_, view := after["view "+was.Of]
		return was.Of != was.ID && was.Of != "" && !table && !view
	}
	for key, was := range before {
		is, there := after[key]
		switch {
		case !there && !goneWithTable(was):
			say("drops %s %s", was.Kind, was.Name)
		case !there:
		case is.Name != was.Name && is.Table == was.Table || is.Name != was.Name && is.Of == is.ID:
			say("renames %s %s to %s", was.Kind, was.Name, is.Name)
		case is.File != was.File:
			say("rewrites %s", was.Name)
		case is.Type != was.Type:
			say("makes %s %s", was.Name, is.Type)
		case is.Required && !was.Required:
			say("requires %s", was.Name)
		case was.Filled && !is.Filled:
			say("takes the default of %s", was.Name)
		}
	}
	for key, is := range after {
		if _, there := before[key]; there || !had[is.Of] {
			continue
		}
		switch {
		case is.Kind == "column" && is.Required && !is.Filled:
			say("requires %s", is.Name)
		case is.Kind == "index" && !concurrently.MatchString(step):
			say("makes index %s while nobody can write to %s", is.Name, is.Table)
		case is.Kind == "index" && is.Required:
			say("adds unique index %s to %s", is.Name, is.Table)
		case is.Kind == "constraint", is.Kind == "trigger":
			say("adds %s %s", is.Kind, is.Name)
		case is.Kind != "index" && concurrently.MatchString(step):
			say("does more than make indexes concurrently: %s %s", is.Kind, is.Name)
		}
	}
	slices.Sort(found)
	return found
}

var (
	concurrently = regexp.MustCompile(`(?i)index\s+concurrently`)
	reviewed     = regexp.MustCompile(`(?m)^-- reviewed: (.+?): \S.+$`)
)

// complaints are about what a step does that nobody has reviewed, and about reviews of what it does not do.
func complaints(step string, hurt []string) (found []string) {
	accepted := map[string]bool{}
	for _, marker := range reviewed.FindAllStringSubmatch(step, -1) {
		accepted[marker[1]] = true
	}
	for _, what := range hurt {
		if !accepted[what] {
			found = append(found, what)
		}
		delete(accepted, what)
	}
	for what := range accepted {
		found = append(found, "is reviewed for what it does not do: "+what)
	}
	slices.Sort(found)
	return found
}

// TestStepsLeaveProgramsOfBeforeAlone applies each step to a database and compares what there was with what there is. What a step did
// before there was this test stays as it is.
func TestStepsLeaveProgramsOfBeforeAlone(t *testing.T) {
	t.Parallel()
	pool := connect(t, sqltest.Empty(t))
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files())
	require.NoError(t, err)
	const unchecked = 21 // the last of them
	_, err = provider.UpTo(t.Context(), unchecked)
	require.NoError(t, err)
	of := map[string][]string{
		"00022_jira_ids.sql": {"adds constraint jira_id_is_one of tracker.tasks", "adds trigger split_description of accounting.tasks", "adds trigger split_description of tracker.board"},
	}
	before := things(t.Context(), t, pool)
	require.NotEmpty(t, before)
	for _, source := range provider.ListSources() {
		if source.Version <= unchecked {
			continue
		}
		_, err := provider.UpByOne(t.Context())
		require.NoError(t, err)
		after := things(t.Context(), t, pool)
		step, err := migrations.Files().ReadFile(source.Path)
		require.NoError(t, err)
		require.Equal(t, of[source.Path], complaints(string(step), hurts(string(step), before, after)), "%s: see MIGRATIONS.md, also for what may be reviewed", source.Path)
		before = after
	}

	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	for step, expected := range map[string][]string{
		"alter table tracker.tasks add column colour text; create index on log.commands (id) where false; create table tracker.colours (id int primary key); create index on tracker.colours (id)": {"makes index log.commands_id_idx while nobody can write to log.commands"},
		"alter table tracker.tasks add column colour text not null default 'red'":                                    nil,
		"alter table tracker.tasks add column colour text not null":                                                  {"requires tracker.tasks.colour"},
		"alter table accounting.tasks drop column jira_id; alter table tracker.tasks drop constraint jira_id_is_one": {"drops column accounting.tasks.jira_id", "drops constraint jira_id_is_one of tracker.tasks"},
		"alter table tracker.tasks rename column jira_id to jira":                                                    {"renames column tracker.tasks.jira_id to tracker.tasks.jira"},
		"alter table accounting.tasks alter column jira_id type varchar(40)":                                         {"makes accounting.tasks.jira_id character varying(40)", "rewrites accounting.tasks"},
		"alter table accounting.tasks alter column jira_id set not null":                                             {"requires accounting.tasks.jira_id"},
		"drop view tracker.told":                     {"drops view tracker.told"},
		"alter table auth.accounts rename to people": {"renames table auth.accounts to auth.people"},
		"alter table accounting.tasks add column at timestamptz not null default clock_timestamp()":                        {"rewrites accounting.tasks"},
		"alter table auth.accounts add constraint c check (true)":                                                          {"adds constraint c of auth.accounts"},
		"-- index concurrently\ncreate unique index c on auth.accounts (name); alter table auth.accounts add column c int": {"adds unique index auth.c to auth.accounts", "does more than make indexes concurrently: column auth.accounts.c"},
		"create trigger c after insert on auth.accounts execute function log.refuse_change()":                              {"adds trigger c of auth.accounts"},
		"drop trigger split_description on tracker.board; drop function tracker.split_description()":                       {"drops function tracker.split_description()", "drops trigger split_description of tracker.board"},
		"-- reviewed: drops view tracker.told: nobody reads it since 2.1\ndrop view tracker.told":                          nil,
		"-- reviewed: drops view tracker.told:\ndrop view tracker.told":                                                    {"drops view tracker.told"},
		"-- reviewed: drops view tracker.board: nobody reads it since 2.1\ncreate table log.other (a int)":                 {"is reviewed for what it does not do: drops view tracker.board"},
	} {
		again, err := tx.Begin(t.Context())
		require.NoError(t, err)
		_, err = again.Exec(t.Context(), step)
		require.NoError(t, err, step)
		require.Equal(t, expected, complaints(step, hurts(step, before, things(t.Context(), t, again))), step)
		require.NoError(t, again.Rollback(t.Context()))
	}
}
