package verify

import "strings"

// sealed selects what is wrong with a table that is sealed in the way of migration 00020: rows that were changed, deleted or slipped
// in, by key, and seals that are wrong in themselves.
func sealed(schema, table, key string) string {
	return strings.NewReplacer("SEALS", schema+".seals", "TABLE", schema+"."+table, "SCHEMA", schema, "KEY", key).Replace(`
		with seals as (
			select s.*, coalesce(lag(s.last) over by_number, '-9223372036854775808') as after, lag(s.digest) over by_number as previous, coalesce(lag(s.number) over by_number, 0) + 1 = s.number as follows
			from SEALS s window by_number as (order by s.number)
		), wrong as materialized (
			select s.* from seals s cross join lateral (
				select string_agg(SCHEMA.digest(r), ''::bytea order by r.KEY) as digests from TABLE r where r.KEY > s.after and r.KEY <= s.last) now
			where s.digest is distinct from SCHEMA.seal_digest(s.previous, s.number, s.last, s.row_count, now.digests) or not s.follows
		), rows_of_wrong as (
			select w.number, d.what, coalesce(d.was, d.is) as key
			from wrong w cross join lateral (
				select m.key as was, r.KEY as is, case when r.KEY is null then 'deleted' when m.key is null then 'inserted' else 'changed' end as what
				from (
					select ('x' || encode(substr(w.marks, 16 * i + 1, 8), 'hex'))::bit(64)::bigint as key, substr(w.marks, 16 * i + 9, 8) as mark
					from generate_series(0, w.row_count::int - 1) i
				) m full join (select * from TABLE r where r.KEY > w.after and r.KEY <= w.last) r on r.KEY = m.key
				where w.follows and m.mark is distinct from case when r.KEY is not null then substr(SCHEMA.digest(r), 1, 8) end
			) d
		)
		select key || ' was ' || what from rows_of_wrong
		union all
		select 'seal ' || number || case when follows then ' is not what was sealed' else ' does not follow the seal before it' end
		from wrong w where not exists (select 1 from rows_of_wrong r where r.number = w.number)`)
}
