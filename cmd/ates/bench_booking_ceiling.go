package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"ates/sql/pgpool"
)

// bookedAtOnce is how many postings the ceiling writes in a transaction.
const bookedAtOnce = 50

// bookers are the numbers of connections that the ceiling is tried with.
var bookers = []int{1, 4, 16}

// bookedRows writes a set of fees and moves the balances of their wallets, which nobody else does at the same time.
const bookedRows = `with asked as (
		select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[]) as a (task, worker, event, correlation, fee)
	), booked as (
		insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, task, assignment, day, occurred_at, booked_at, event, event_name, correlation)
		select 'fee', a.worker, '00000000-0000-0000-0000-000000000001', a.fee, a.worker,
			w.version + row_number() over (partition by a.worker order by a.event), w.balance - sum(a.fee) over (partition by a.worker order by a.event),
			a.task, 1, $6::date, $7::timestamptz, $7::timestamptz, a.event, 'Task.Assigned', a.correlation
		from asked a join accounting.accounts w on w.id = a.worker
	)
	update accounting.accounts w set balance = w.balance - s.fees, version = w.version + s.n
	from (select worker, sum(fee) as fees, count(*) as n from asked group by worker) s where w.id = s.worker`

// posting is one fee that waits.
type posting struct {
	task, worker, event, correlation uuid.UUID
	fee                              int64
}

// bookBySQL writes the backlog without the program and returns how many postings a second it were. The first time it finds out how
// many connections are best, with a tenth of it each.
func (m *measuring) bookBySQL(ctx context.Context, db benchDatabase) (perSecond float64, err error) {
	cfg, err := pgpool.Config(db.address)
	if err != nil {
		return 0, fmt.Errorf("read the address of a benchmark's database: %w", err)
	}
	cfg.MaxConns = int32(slices.Max(bookers))
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer pool.Close()
	rows, err := pool.Query(ctx, `select e.subject, (e.data ->> 'assignee')::uuid, e.id, e.correlation_id, t.fee
		from log.events e join accounting.tasks t on t.id = e.subject where e.name = 'Task.Assigned' order by e.position`)
	if err != nil {
		return 0, fmt.Errorf("read the backlog: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p posting, err error) {
		return p, row.Scan(&p.task, &p.worker, &p.event, &p.correlation, &p.fee)
	})
	if err != nil {
		return 0, fmt.Errorf("read the backlog: %w", err)
	}
	if m.bookers == 0 {
		best := 0.0
		for i, n := range bookers {
			part := len(all) / 10
			perSecond, err := bookSets(ctx, pool, all[i*part:(i+1)*part], n)
			if err != nil {
				return 0, err
			}
			if perSecond > best {
				best, m.bookers = perSecond, n
			}
		}
		all = all[len(bookers)*(len(all)/10):]
	}
	if perSecond, err = bookSets(ctx, pool, all, m.bookers); err != nil {
		return 0, err
	}
	return perSecond, requireBooked(ctx, pool, m.Backlog)
}

// bookSets books postings on some connections, each of which has workers of its own.
func bookSets(ctx context.Context, pool *pgxpool.Pool, all []posting, connections int) (perSecond float64, err error) {
	shares := make([][]posting, connections)
	for _, p := range all {
		i := int(p.worker[15]) % connections
		shares[i] = append(shares[i], p)
	}
	begun := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, share := range shares {
		group.Go(func() error {
			return pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
				for set := range slices.Chunk(share, bookedAtOnce) {
					if err := bookSet(ctx, conn, set); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	err = group.Wait()
	return float64(len(all)) / time.Since(begun).Seconds(), err
}

func bookSet(ctx context.Context, conn *pgxpool.Conn, set []posting) error {
	var tasks, workers, events, correlations []uuid.UUID
	var fees []int64
	for _, p := range set {
		tasks, workers, events = append(tasks, p.task), append(workers, p.worker), append(events, p.event)
		correlations, fees = append(correlations, p.correlation), append(fees, p.fee)
	}
	if _, err := conn.Exec(ctx, bookedRows, tasks, workers, events, correlations, fees, benchDay, benchDay.Add(12*time.Hour)); err != nil {
		return fmt.Errorf("book a set: %w", err)
	}
	return nil
}

// requireBooked is an error unless so many fees are booked and every wallet is the sum of its entries.
func requireBooked(ctx context.Context, pool *pgxpool.Pool, expected int) error {
	var fees, wrong int
	err := pool.QueryRow(ctx, `select (select count(*) from accounting.transfers where kind = 'fee'),
		(select count(*) from accounting.accounts a left join (select account, sum(amount) as sum from accounting.entries group by account) e on e.account = a.id
			where a.kind = 'wallet' and a.balance <> coalesce(e.sum, 0))`).Scan(&fees, &wrong)
	if err != nil {
		return fmt.Errorf("look at what was booked: %w", err)
	}
	if fees != expected || wrong > 0 {
		return fmt.Errorf("%d fees are booked, not %d, and %d wallets are not the sum of their entries", fees, expected, wrong)
	}
	return nil
}
