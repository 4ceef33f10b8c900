package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// watchWaits looks some times a second what the connections to the database of a pool are at, until stop is called, which returns it in
// words: how many were at work at once, and the shares of what they waited for.
func watchWaits(ctx context.Context, pool *pgxpool.Pool) (stop func() string) {
	const pause = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(ctx)
	found, looks := map[string]int{}, 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			rows, err := pool.Query(ctx, `select case when state = 'active' then coalesce(wait_event_type || ' ' || wait_event, 'none, on a processor') else 'the program, in a transaction' end, count(*)::int
				from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state in ('active', 'idle in transaction')
				and backend_type = 'client backend' group by 1`)
			if err != nil {
				return // the benchmark itself will fail on it
			}
			var what string
			var n int
			if _, err := pgx.ForEachRow(rows, []any{&what, &n}, func() error {
				found[what] += n
				return nil
			}); err != nil {
				return
			}
			looks++
			pauseFor(ctx, pause)
		}
	}()
	return func() string {
		cancel()
		<-ended
		return waitsInWords(found, looks)
	}
}

func waitsInWords(found map[string]int, looks int) string {
	const most = 6
	sum := 0
	var whats []string
	for what, n := range found {
		sum += n
		whats = append(whats, what)
	}
	if sum == 0 {
		return "no connection was seen at work"
	}
	slices.SortFunc(whats, func(a, b string) int { return found[b] - found[a] })
	said := fmt.Sprintf("%.1f connections at work at once; they waited for", float64(sum)/float64(looks))
	for i, what := range whats[:min(most, len(whats))] {
		if i > 0 {
			said += ","
		}
		said += fmt.Sprintf(" %s (%.0f%%)", strings.TrimSpace(what), float64(found[what])/float64(sum)*100)
	}
	return said
}
