package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// besideTx has statements work on the tables beside those that they name.
type besideTx struct {
	pgx.Tx
	redirect func(sql string) string
}

func (t besideTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.Tx.Exec(ctx, t.redirect(sql), args...)
}

func (t besideTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.Tx.Query(ctx, t.redirect(sql), args...)
}

func (t besideTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.Tx.QueryRow(ctx, t.redirect(sql), args...)
}

func (t besideTx) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	for _, q := range batch.QueuedQueries {
		q.SQL = t.redirect(q.SQL)
	}
	return t.Tx.SendBatch(ctx, batch)
}

func (t besideTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.Tx.CopyFrom(ctx, strings.Split(t.redirect(strings.Join(table, ".")), "."), columns, rows)
}

// definition is how the tables of a read model are made, as statements. What LIKE copies is not in it, except for the columns.
type definition struct {
	// functions are those of triggers, by name.
	functions map[string]string
	// furnish makes keys, indexes, settings and rights; triggers are apart, for they go another way.
	furnish, triggers []string
	columns           []string
	// views are those that read the tables, which are to be made again when others have taken their names.
	views []string
}

// define reads how tables are made. But for views nothing may refer to them: it would be left with the table that was replaced.
func define(ctx context.Context, tx pgx.Tx, tables []string) (d definition, err error) {
	var dependents []string
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(distinct d.what), '{}') from (
			select conrelid::regclass || ' refers to ' || confrelid::regclass as what from pg_constraint
			where contype = 'f' and confrelid = any($1::text[]::regclass[]) and conrelid <> all($1::text[]::regclass[])
			union all
			select r.ev_class::regclass || ' reads ' || d.refobjid::regclass from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
			join pg_class v on v.oid = r.ev_class and v.relkind <> 'v'
			where d.refclassid = 'pg_class'::regclass and d.refobjid = any($1::text[]::regclass[])
			union all
			select p.oid::regprocedure || ' reads ' || d.refobjid::regclass from pg_depend d join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
			where d.refclassid = 'pg_class'::regclass and d.refobjid = any($1::text[]::regclass[])
		) d`, tables).Scan(&dependents); err != nil {
		return d, fmt.Errorf("look what refers to the tables: %w", err)
	}
	if len(dependents) > 0 {
		return d, fmt.Errorf("cannot be put in the place of another while something refers to it: %s", strings.Join(dependents, ", "))
	}

	// Foreign keys come last, when the keys that they refer to are there.
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(s.statement order by s.place, s.statement), '{}') from (
			select case contype when 'f' then 2 else 1 end as place, format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as statement
			from pg_constraint where conrelid = any($1::text[]::regclass[]) and contype in ('p', 'u', 'x', 'f')
			union all
			select 1, pg_get_indexdef(indexrelid) from pg_index i where indrelid = any($1::text[]::regclass[])
			and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
			union all
			select 3, format('alter table %s set (%s)', oid::regclass, array_to_string(reloptions, ', ')) from pg_class
			where oid = any($1::text[]::regclass[]) and reloptions is not null
			union all
			select 3, format('alter table %s owner to %I', oid::regclass, pg_get_userbyid(relowner)) from pg_class
			where oid = any($1::text[]::regclass[]) and pg_get_userbyid(relowner) <> current_user
			union all
			select 4, format('grant %s on %s to %s%s', a.privilege_type, c.oid::regclass, case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
				case when a.is_grantable then ' with grant option' else '' end)
			from pg_class c cross join lateral aclexplode(c.relacl) a where c.oid = any($1::text[]::regclass[]) and a.grantee <> c.relowner
		) s`, tables).Scan(&d.furnish); err != nil {
		return d, fmt.Errorf("read how the tables are made: %w", err)
	}
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(format('%s %I %s', attrelid::regclass, attname, format_type(atttypid, atttypmod)) order by attrelid, attnum), '{}')
		from pg_attribute where attrelid = any($1::text[]::regclass[]) and attnum > 0 and not attisdropped`, tables).Scan(&d.columns); err != nil {
		return d, fmt.Errorf("read the columns of the tables: %w", err)
	}
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(format('create or replace view %s%s as %s', v.oid::regclass,
			' with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)) order by v.oid), '{}')
		from pg_class v where v.relkind = 'v' and exists (select from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
			where r.ev_class = v.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = any($1::text[]::regclass[]))`, tables).Scan(&d.views); err != nil {
		return d, fmt.Errorf("read the views of the tables: %w", err)
	}
	rows, err := tx.Query(ctx, `select pg_get_triggerdef(t.oid), n.nspname || '.' || p.proname, pg_get_functiondef(p.oid)
		from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
		where t.tgrelid = any($1::text[]::regclass[]) and not t.tgisinternal order by t.tgname`, tables)
	if err != nil {
		return d, fmt.Errorf("read the triggers of the tables: %w", err)
	}
	d.functions = map[string]string{}
	var trigger, name, body string
	_, err = pgx.ForEachRow(rows, []any{&trigger, &name, &body}, func() error {
		d.triggers = append(d.triggers, trigger)
		d.functions[name] = body
		return nil
	})
	if err != nil {
		return d, fmt.Errorf("read the triggers of the tables: %w", err)
	}
	return d, nil
}

// equal reports whether tables are still made in the same way.
func (d definition) equal(other definition) bool {
	return slices.Equal(d.columns, other.columns) && slices.Equal(d.furnish, other.furnish) && slices.Equal(d.triggers, other.triggers) &&
		slices.Equal(d.views, other.views)
}

// prepare makes empty tables beside those of the read model, with the same columns, keys, indexes, rights and triggers of the same names.
func (r *rebuilding) prepare(ctx context.Context) error {
	return pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) (err error) {
		if r.made, err = define(ctx, tx, r.model.written()); err != nil {
			return err
		}
		redirected := r.model.written()
		for name := range r.made.functions {
			if schema, _, _ := strings.Cut(name, "."); slices.Contains(r.model.schemas(), schema) {
				redirected = append(redirected, name)
			}
		}
		r.redirect = redirection(redirected)

		var statements []string
		for _, schema := range r.model.schemas() {
			statements = append(statements, "create schema "+schema+rebuiltSuffix)
		}
		for _, table := range r.model.written() {
			statements = append(statements, "create table "+beside(table, rebuiltSuffix)+" (like "+table+" including all excluding indexes)")
		}
		for _, statement := range r.made.furnish {
			statements = append(statements, r.redirect(statement))
		}
		for name, body := range r.made.functions {
			if slices.Contains(redirected, name) {
				statements = append(statements, r.redirect(body))
			}
		}
		for _, statement := range r.made.triggers {
			statements = append(statements, r.redirect(statement))
		}
		return execAll(ctx, tx, statements)
	})
}

// put has the tables beside take the places of those in use, which must be locked.
func (r *rebuilding) put(ctx context.Context, tx pgx.Tx) error {
	now, err := define(ctx, tx, r.model.written())
	if err != nil {
		return err
	}
	if !r.made.equal(now) {
		return errors.New("its tables are made in another way than they were when the rebuild began; run it again")
	}
	var statements []string
	for _, schema := range r.model.schemas() {
		statements = append(statements, "create schema "+schema+replacedSuffix)
	}
	// The triggers beside belong to functions beside, which go.
	var triggers []string
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(format('drop trigger %I on %s', tgname, tgrelid::regclass)), '{}') from pg_trigger
		where tgrelid = any($1::text[]::regclass[]) and not tgisinternal`, r.besides()).Scan(&triggers); err != nil {
		return fmt.Errorf("list the triggers beside: %w", err)
	}
	statements = append(statements, triggers...)
	for _, table := range r.model.names() {
		schema, _, _ := strings.Cut(table, ".")
		statements = append(statements,
			"alter table "+table+" set schema "+schema+replacedSuffix,
			"alter table "+beside(table, rebuiltSuffix)+" set schema "+schema)
	}
	for _, trigger := range r.made.triggers {
		if !slices.ContainsFunc(r.model.aside, func(table string) bool { return strings.Contains(trigger, " ON "+table+" ") }) {
			statements = append(statements, trigger)
		}
	}
	return execAll(ctx, tx, append(statements, r.made.views...))
}

// besides are the tables beside those of the read model.
func (r *rebuilding) besides() []string {
	var names []string
	for _, table := range r.model.names() {
		names = append(names, beside(table, rebuiltSuffix))
	}
	return names
}

// clearRebuilds drops what a rebuild has left, of all read models, finished or not.
func clearRebuilds(ctx context.Context, conn *pgx.Conn) error {
	var statements []string
	for _, m := range readModels() {
		for _, schema := range m.schemas() {
			statements = append(statements, "drop schema if exists "+schema+rebuiltSuffix+", "+schema+replacedSuffix+" cascade")
		}
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return execAll(ctx, tx, statements) })
}

func execAll(ctx context.Context, tx pgx.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
