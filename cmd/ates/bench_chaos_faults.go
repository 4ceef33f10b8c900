package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// fault is something that goes wrong, and is over when do returns.
type fault struct {
	name string
	do   func(context.Context, *chaosSite) error
	// long faults are left out of short runs.
	long bool
}

// faults are all kinds.
func faults() []fault {
	return []fault{
		{name: "kill -9 of a process", do: func(ctx context.Context, s *chaosSite) error {
			p := s.anyProgram()
			p.kill()
			pauseFor(ctx, rand.N(2*time.Second))
			return s.start(p)
		}},
		{name: "kill -9 of Postgres", do: func(ctx context.Context, s *chaosSite) error {
			if err := s.killPostgres(ctx); err != nil {
				return err
			}
			pauseFor(ctx, rand.N(2*time.Second))
			return s.startPostgres(ctx)
		}},
		{name: "a process stopped and continued", do: func(ctx context.Context, s *chaosSite) error {
			return stopAndGoOn(ctx, s.anyProgram().signal, 2*time.Second+rand.N(4*time.Second))
		}},
		{name: "a zombie: a process continued after its jobs were rescued", long: true, do: func(ctx context.Context, s *chaosSite) error {
			const longerThanTheRescue = 50 * time.Second
			return stopAndGoOn(ctx, s.anyProgram().signal, longerThanTheRescue)
		}},
		{name: "Postgres stopped and continued", do: func(ctx context.Context, s *chaosSite) error {
			return stopAndGoOn(ctx, s.signalPostgres, time.Second+rand.N(3*time.Second))
		}},
		{name: "half of the connections terminated", do: inDatabase(`select pg_terminate_backend(pid) from pg_stat_activity
			where application_name = 'ates' and pid <> pg_backend_pid() and random() < 0.5`)},
		{name: "the listening connections cut", do: inDatabase(`select pg_terminate_backend(pid) from pg_stat_activity
			where pid <> pg_backend_pid() and query ilike 'listen%'`)},
		{name: "no connection left", do: func(ctx context.Context, s *chaosSite) error {
			var taken []*pgx.Conn
			defer func() {
				for _, c := range taken {
					_ = c.Close(context.WithoutCancel(ctx)) // it ends with us at the latest
				}
			}()
			for begun := time.Now(); time.Since(begun) < 4*time.Second && ctx.Err() == nil; {
				if c, err := pgx.Connect(ctx, s.database); err == nil {
					taken = append(taken, c)
				} else {
					pauseFor(ctx, 100*time.Millisecond)
				}
			}
			return nil
		}},
		{name: "deadlocks", do: func(ctx context.Context, s *chaosSite) error {
			ended := make(chan error, 4)
			ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
			defer cancel()
			for range cap(ended) {
				go func() { ended <- lockWallets(ctx, s.database) }()
			}
			var err error
			for range cap(ended) {
				err = errors.Join(err, <-ended)
			}
			return err
		}},
		{name: "serialisation errors", do: func(ctx context.Context, s *chaosSite) error {
			return errors.Join(execEach(ctx, s, []string{"update public.chaos set share = 0.3"}), pausing(ctx, 4*time.Second),
				execEach(context.WithoutCancel(ctx), s, []string{"update public.chaos set share = 0"}))
		}},
		{name: "a slow disk: 100 ms for each commit", do: func(ctx context.Context, s *chaosSite) error {
			settings := []string{"alter system set commit_delay = 100000", "alter system set commit_siblings = 0", "select pg_reload_conf()"}
			back := []string{"alter system reset commit_delay", "alter system reset commit_siblings", "select pg_reload_conf()"}
			if err := execEach(ctx, s, settings); err != nil {
				return err
			}
			pauseFor(ctx, 5*time.Second)
			return execEach(context.WithoutCancel(ctx), s, back)
		}},
		{name: "clocks that jump over midnight", long: true, do: func(ctx context.Context, s *chaosSite) error {
			now := time.Now().UTC().Add(s.ahead)
			s.ahead += now.Truncate(24 * time.Hour).Add(24*time.Hour + time.Minute).Sub(now).Round(time.Second)
			// One after the other, so that for a while their clocks are a day apart.
			for _, p := range s.programs {
				p.kill()
				if err := s.start(p); err != nil {
					return err
				}
				if err := s.awaitUp(ctx, p); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "jobs that come again", do: inDatabase(`update river.river_job set state = 'available', finalized_at = null, attempt = 0, scheduled_at = now()
			where id in (select id from river.river_job where state = 'completed' and args ? 'batch' order by random() limit 300)`)},
		{name: "jobs that come twice", do: inDatabase(`insert into river.river_job (args, kind, max_attempts, priority, queue, state, scheduled_at)
			select args, kind, max_attempts, priority, queue, 'available', now() from river.river_job where args ? 'batch' order by random() limit 300`)},
		{name: "another leader", do: inDatabase(`delete from river.river_leader`)},
		{name: "everything restarted", do: func(ctx context.Context, s *chaosSite) error {
			for _, p := range s.programs {
				p.kill()
			}
			if err := errors.Join(s.killPostgres(ctx), s.startPostgres(ctx)); err != nil {
				return err
			}
			for _, p := range s.programs {
				if err := s.start(p); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

func (s *chaosSite) anyProgram() *chaosProgram { return s.programs[rand.IntN(len(s.programs))] }

func (s *chaosSite) awaitUp(ctx context.Context, p *chaosProgram) error {
	return until(ctx, time.Minute, "a process is ready again", func() (bool, error) {
		if p.isOver() {
			return false, fmt.Errorf("a process ended: %s", p.lastWords())
		}
		return p.up.Load(), nil
	})
}

func (p *chaosProgram) signal(signal syscall.Signal) error { return p.cmd.Process.Signal(signal) }

// stopAndGoOn stops something for a while, as a machine that sleeps or swaps does.
func stopAndGoOn(ctx context.Context, signal func(syscall.Signal) error, during time.Duration) error {
	if err := signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	pauseFor(ctx, during)
	if err := signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("continue: %w", err)
	}
	return nil
}

// onServer runs something on a connection of its own, trying until there is one.
func onServer(ctx context.Context, s *chaosSite, do func(*pgx.Conn) error) error {
	return until(ctx, 30*time.Second, "the server can be reached", func() (bool, error) {
		conn, err := pgx.Connect(ctx, s.database)
		if err != nil {
			return false, nil // it is asked again
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		return true, do(conn)
	})
}

// inDatabase is a fault that one statement is.
func inDatabase(statement string) func(context.Context, *chaosSite) error {
	return func(ctx context.Context, s *chaosSite) error { return execEach(ctx, s, []string{statement}) }
}

func execEach(ctx context.Context, s *chaosSite, statements []string) error {
	return onServer(ctx, s, func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%.60s: %w", statement, err)
			}
		}
		return nil
	})
}

// serialisationErrors lets a share of the bookings and of the commands fail as Postgres lets them fail where transactions cannot be put in
// an order. The share is none until a fault says otherwise.
const serialisationErrors = `create table public.chaos (share real not null);
	insert into public.chaos values (0);
	create function public.chaos() returns trigger language plpgsql as $$ begin
		if random() < (select share from public.chaos) then raise exception 'chaos' using errcode = 'serialization_failure'; end if;
		return null;
	end $$;
	create trigger chaos after insert on accounting.transfers for each statement execute function public.chaos();
	create trigger chaos after insert on log.events for each statement execute function public.chaos()`

// pausing is pauseFor among steps that may fail.
func pausing(ctx context.Context, d time.Duration) error {
	pauseFor(ctx, d)
	return nil
}

// lockWallets locks wallets in no order at all, over and over: whoever does the same with others of the program's locks gets deadlocks.
func lockWallets(ctx context.Context, address string) error {
	pool, err := pgxpool.New(ctx, address)
	if err != nil {
		return err
	}
	defer pool.Close()
	for ctx.Err() == nil {
		_ = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { // a deadlock may end this side as well
			rows, err := tx.Query(ctx, "select id from accounting.accounts where kind = 'wallet' order by random() limit 8")
			if err != nil {
				return err
			}
			wallets, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
			if err != nil {
				return err
			}
			for _, wallet := range wallets {
				if _, err := tx.Exec(ctx, "select from accounting.accounts where id = $1 for update", wallet); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return nil
}
