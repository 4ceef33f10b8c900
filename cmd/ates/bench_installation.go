package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/auth"
	"ates/jobs"
)

// installation is the program as it is installed: processes that serve pages and work on jobs, on one database.
type installation struct {
	db       benchDatabase
	pool     *pgxpool.Pool
	programs []*benchProgram
	// people are workers who have signed in, spread over the processes.
	people []*visitor
}

// benchLogin and benchPassword are how the people of an installation sign in.
func benchLogin(n int) string { return "client-" + strconv.Itoa(n+1) }

const benchPassword = "as-often-as-it-takes" //nolint:gosec // in a database that is thrown away

// companyWith makes a database with the company of the demo and some more workers, who can sign in, at a moment of its clock.
func (m *measuring) companyWith(ctx context.Context, people int, at time.Time) (db benchDatabase, err error) {
	if db, err = m.server.create(ctx); err != nil {
		return db, err
	}
	company, err := openCompany(ctx, db, at)
	if err != nil {
		return db, err
	}
	defer func() { err = errors.Join(err, company.close()) }()
	if _, err := seedPeople(ctx, company.pool, company.bus); err != nil {
		return db, err
	}
	if err := company.bus.Do(ctx, jobs.CloseDay(benchBooks())); err != nil {
		return db, fmt.Errorf("open the day: %w", err)
	}
	if err := company.register(ctx, people); err != nil {
		return db, err
	}
	return db, company.seedTasks(ctx)
}

// seedTasks gives the company what every demo has to do, which the first process would do otherwise while it is measured.
func (c *benchCompany) seedTasks(ctx context.Context) error {
	if err := seedTasks(ctx, c.pool, c.bus); err != nil {
		return err
	}
	return c.idle(ctx, time.Minute)
}

// register makes people known who can sign in, and waits until everybody has heard of them.
func (c *benchCompany) register(ctx context.Context, people int) error {
	logins := make([]string, people)
	for i := range logins {
		logins[i] = benchLogin(i)
	}
	err := inParallel(ctx, logins, func(login string) error {
		return c.enlist(ctx, auth.RegisterPerson{Login: login, Name: login, Email: login + "@bench.example", Role: domain.Worker, Password: benchPassword})
	})
	if err != nil {
		return fmt.Errorf("make people known: %w", err)
	}
	return c.idle(ctx, time.Minute)
}

// enlist makes somebody known, and waits where too many passwords are being hashed.
func (c *benchCompany) enlist(ctx context.Context, person auth.RegisterPerson) error {
	for {
		again := person
		again.Request = domain.Request{By: auth.System}
		err := c.bus.Do(ctx, &again)
		var busy *domain.Refusal
		if !errors.As(err, &busy) || busy.Kind != domain.TooSoon {
			return err
		}
		pauseFor(ctx, busy.RetryAfter)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// install starts so many processes on a database, with clocks that are ahead of the machine's, and signs people in. It must be closed.
func (m *measuring) install(ctx context.Context, db benchDatabase, people int, ahead time.Duration) (in *installation, err error) {
	in = &installation{db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.close())
			in = nil
		}
	}()
	if in.pool, err = connect(ctx, db.address); err != nil {
		return in, err
	}
	if err := in.start(ctx, m, ahead); err != nil {
		return in, err
	}
	in.people = make([]*visitor, people)
	numbers := make([]int, people)
	for i := range numbers {
		numbers[i] = i
	}
	err = inParallel(ctx, numbers, func(i int) (err error) {
		in.people[i], err = in.signIn(ctx, url.Values{"login": {benchLogin(i)}, "password": {benchPassword}})
		return err
	})
	if err != nil {
		return in, err
	}
	in.spread()
	return in, in.settled(ctx)
}

// start starts the processes. More than two share the connections that two have, for Postgres has so many and no more.
func (in *installation) start(ctx context.Context, m *measuring, ahead time.Duration) error {
	public, db := "", in.db
	if m.Processes > 2 {
		db.address = databaseWith(db.address, "pool_max_conns", strconv.Itoa(2*connections/m.Processes))
	}
	for range m.Processes {
		env := []string{"ATES_DEMO=1", "ATES_CLOCK_OFFSET=" + ahead.String()}
		p, err := startSite(db, public, env, m.profileOfNext()...)
		if err != nil {
			return err
		}
		in.programs = append(in.programs, p)
		public = in.programs[0].address
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// spread has the people ask one process each.
func (in *installation) spread() {
	for i, person := range in.people {
		person.address = in.programs[i%len(in.programs)].address
	}
}

// restart puts new processes in the place of those in which people have signed in, which took 64 MB for each password. The people stay
// signed in.
func (in *installation) restart(ctx context.Context, m *measuring) error {
	for _, p := range in.programs {
		if err := p.stop(); err != nil {
			return err
		}
	}
	in.programs = nil
	if err := in.start(ctx, m, 0); err != nil {
		return err
	}
	in.spread()
	return nil
}

// signIn lets somebody in at the first process.
func (in *installation) signIn(ctx context.Context, who url.Values) (*visitor, error) {
	return signInAt(ctx, in.programs[0].address, who)
}

// settled waits until all that commands have set off is done. What the clock asks for comes all the time.
func (in *installation) settled(ctx context.Context) error {
	return until(ctx, 10*time.Minute, "nothing is left to do", func() (bool, error) {
		reactions, _, err := jobsLeft(ctx, in.pool)
		return reactions == 0, err
	})
}

// close stops everything.
func (in *installation) close() (err error) {
	for _, p := range in.programs {
		err = errors.Join(err, p.stop())
	}
	if in.pool != nil {
		in.pool.Close()
	}
	return err
}

// profileOfNext are the arguments with which the next process that is started writes its profile, if one is wanted.
func (m *measuring) profileOfNext() []string {
	if m.CPUProfile == "" {
		return nil
	}
	m.profiles++
	return []string{fmt.Sprintf("--cpu-profile=%s.%d", m.CPUProfile, m.profiles)}
}
