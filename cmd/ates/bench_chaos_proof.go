package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
)

// proveDeeds is an error unless the books agree with what everybody was told: what was answered as done is there, once and whole; what
// was refused left no trace; and of what was never answered, all is there or nothing.
func proveDeeds(ctx context.Context, pool *pgxpool.Pool, deeds []wish) error {
	type trace struct {
		commands, told int
		answered       bool
	}
	traces := map[string]trace{}
	// How many events each command told, and how many it says that it told.
	rows, err := pool.Query(ctx, `select a.login || ' ' || c.name || ' ' || c.key, count(*), min(coalesce(e.n, 0)),
			bool_and(case c.name when 'tracker.CreateTask' then coalesce(e.n, 0) = 2 when 'tracker.ChangeTaskStatus' then coalesce(e.n, 0) = 1
				else coalesce(e.assigned, 0) = (c.outcome ->> 'Reassigned')::bigint end)
		from log.commands c join auth.accounts a on a.id = c.actor
		left join (select causation_id, count(*) as n, count(*) filter (where name = 'Task.Assigned') as assigned from log.events group by causation_id) e on e.causation_id = c.id
		where c.key is not null group by 1`)
	if err != nil {
		return fmt.Errorf("read the log of commands: %w", err)
	}
	var name string
	for rows.Next() {
		var t trace
		if err := rows.Scan(&name, &t.commands, &t.told, &t.answered); err != nil {
			return fmt.Errorf("read the log of commands: %w", err)
		}
		traces[name] = t
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the log of commands: %w", err)
	}
	created := map[string]int{}
	rows, err = pool.Query(ctx, `select description, count(*) from tracker.tasks group by description`)
	if err != nil {
		return fmt.Errorf("read tasks: %w", err)
	}
	for rows.Next() {
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return fmt.Errorf("read tasks: %w", err)
		}
		created[name] = n
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read tasks: %w", err)
	}

	var wrong []error
	complain := func(d wish, what string) {
		const most = 20
		if len(wrong) < most {
			wrong = append(wrong, fmt.Errorf("%s of %s with key %s, told %d: %s", d.command, d.by, d.key, d.told, what))
		}
	}
	for _, d := range deeds {
		t, found := traces[d.by+" "+d.command+" "+d.key]
		tasks := created[d.about]
		switch {
		case d.told == done && !found:
			complain(d, "lost")
		case d.told == refused && found:
			complain(d, "refused and done all the same")
		case found && t.commands != 1:
			complain(d, "recorded more than once")
		case found && !t.answered:
			complain(d, fmt.Sprintf("half done: %d events", t.told))
		case d.about != "" && found && tasks != 1, d.about != "" && !found && tasks != 0:
			complain(d, fmt.Sprintf("%d tasks", tasks))
		}
	}
	return errors.Join(wrong...)
}

// proveEffects is an error unless every event had its effect once.
func proveEffects(ctx context.Context, pool *pgxpool.Pool) error {
	for _, check := range []struct{ what, query string }{
		{"fees that are no assignment, or the other way round", `select abs((select count(*) from accounting.transfers where kind = 'fee') - (select count(*) from log.events where name = 'Task.Assigned'))`},
		{"rewards that are no resolved task, or the other way round", `select abs((select count(*) from accounting.transfers where kind = 'reward') - (select count(*) from log.events where name = 'Task.Resolved'))`},
		{"messages for the same day and person", `select count(*) from (select from accounting.messages group by person, day, channel having count(*) > 1) m`},
		{"jobs that were given up", `select count(*) from river.river_job where state in ('discarded', 'cancelled') and args ? 'batch'`},
	} {
		var n int
		if err := pool.QueryRow(ctx, check.query).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", check.what, err)
		}
		if n != 0 {
			return fmt.Errorf("%d %s", n, check.what)
		}
	}
	return requireSound(ctx, pool)
}

// tallied counts deeds by what was told of them.
func tallied(deeds []wish) (yes, no, silence, again int) {
	for _, d := range deeds {
		switch d.told {
		case done:
			yes++
		case refused:
			no++
		case nothing:
			silence++
		}
		again += max(0, d.tries-1)
	}
	return yes, no, silence, again
}

// kindsOf are the kinds of a list of faults, each once, in their order.
func kindsOf(suffered []suffering) []string {
	var kinds []string
	for _, s := range suffered {
		if !slices.Contains(kinds, s.fault) {
			kinds = append(kinds, s.fault)
		}
	}
	return kinds
}
