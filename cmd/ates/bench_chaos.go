package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/auth"
	"ates/jobs"
)

// suffering is a fault that was, and how long there was no page because of it. Where the database was lost, it is also how long it took
// until another server had taken over, until anything was done again, and until every open page was told of something new.
type suffering struct {
	fault                       string
	from                        time.Time
	silent, taken, idle, behind time.Duration
}

// measureChaos runs an installation under the load of people, lets one thing after the other go wrong, and compares in the end what
// everybody was told with the books.
func measureChaos(ctx context.Context, m *measuring) (rows []row, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	site, err := openChaosSite(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = site.end(context.WithoutCancel(ctx), err) }()
	people, err := m.populate(ctx, site)
	if err != nil {
		return nil, err
	}
	if err := execEach(ctx, site, []string{serialisationErrors}); err != nil {
		return nil, err
	}
	if err := site.serve(ctx, max(2, m.Processes)); err != nil {
		return nil, err
	}
	crowd := newCrowd(ctx, people, 2*time.Second)
	slog.InfoContext(ctx, "people are at work", "people", len(people), "address", site.address)
	pauseFor(ctx, m.calm())
	before := site.weigh()

	suffered, err := m.suffer(ctx, site, crowd)
	if err != nil {
		return nil, err
	}
	pauseFor(ctx, m.calm())
	after := site.weigh()
	deeds := crowd.goHome()
	for i := range suffered {
		until := time.Now()
		if i+1 < len(suffered) {
			until = suffered[i+1].from
		}
		suffered[i].silent = crowd.prober.longest(suffered[i].from, until)
	}
	return m.settle(ctx, site, suffered, deeds, crowd, before, after)
}

// calm is how long nothing goes wrong before the first fault and after the last.
func (m *measuring) calm() time.Duration { return min(10*time.Second, m.During/6) }

// populate makes everybody known who is going to take part: one in twenty is a manager, the others are workers.
func (m *measuring) populate(ctx context.Context, site *chaosSite) ([]*chaosPerson, error) {
	db := benchDatabase{address: site.database}
	if err := migrateAt(ctx, db.address); err != nil {
		return nil, err
	}
	company, err := openCompany(ctx, db, time.Now())
	if err != nil {
		return nil, err
	}
	people := make([]*chaosPerson, m.People)
	for i := range people {
		role := domain.Worker
		if i%20 == 1 {
			role = domain.Manager
		}
		people[i] = newChaosPerson(site, i, role)
	}
	err = inParallel(ctx, people, func(p *chaosPerson) error {
		return company.enlist(ctx, auth.RegisterPerson{Login: p.login, Name: "Chaos " + p.login, Email: p.login + "@popug.example", Role: p.role, Password: chaosPassword})
	})
	err = errors.Join(err, company.bus.Do(ctx, jobs.CloseDay(benchBooks())))
	if err == nil {
		err = company.idle(ctx, time.Minute)
	}
	return people, errors.Join(err, company.close())
}

// inParallel does something for each, a few at a time.
func inParallel[T any](ctx context.Context, all []T, do func(T) error) error {
	const atOnce = 8
	var group sync.WaitGroup
	next, failed := make(chan T), make(chan error, atOnce)
	for range atOnce {
		group.Go(func() {
			var err error
			for one := range next {
				err = errors.Join(err, do(one))
			}
			failed <- err
		})
	}
	for _, one := range all {
		if ctx.Err() == nil {
			next <- one
		}
	}
	close(next)
	group.Wait()
	var err error
	for range atOnce {
		err = errors.Join(err, <-failed)
	}
	return err
}

// crowd are the people at work.
type crowd struct {
	people []*chaosPerson
	prober prober
	heard  atomic.Int64
	// stop has nobody begin anything new; leave ends what is left.
	stop, leave context.CancelFunc
	group       sync.WaitGroup
}

// newCrowd lets everybody begin. A hundredth of them keeps a page open as well, and the first worker looks all the time whether there is
// a page. However many managers there are, one of them draws every few seconds: a draw gives all that is open to others, so that more
// of them would only measure how fast a queue grows. The others do something at that pace on average.
func newCrowd(ctx context.Context, people []*chaosPerson, pace time.Duration) *crowd {
	c := &crowd{people: people}
	c.prober.every = pace / 40
	staying, leave := context.WithCancel(ctx)
	working, stop := context.WithCancel(staying)
	var managers []*chaosPerson
	c.leave, c.stop = leave, stop
	const betweenDraws = 6 * time.Second
	for _, p := range people {
		if p.role == domain.Manager {
			managers = append(managers, p)
		}
	}
	for _, p := range managers {
		p.draws = float64(pace) / float64(betweenDraws) / float64(len(managers))
	}
	for i, p := range people {
		switch {
		case i == 0:
			go c.prober.run(staying, p)
		case i%20 == 2 && !p.inDemo:
			watcher := newChaosPerson(p.site, i, p.role)
			go watcher.watchLive(staying, func() { c.heard.Add(1) })
			fallthrough
		default:
			c.group.Go(func() { p.live(staying, working, pace) })
		}
	}
	return c
}

// goHome lets everybody finish what they are at and returns what all have done. Whoever gets no answer for a minute goes without one.
func (c *crowd) goHome() (deeds []wish) {
	c.stop()
	late := time.AfterFunc(time.Minute, c.leave)
	c.group.Wait()
	late.Stop()
	c.leave()
	for _, p := range c.people {
		deeds = append(deeds, p.completed...)
	}
	return deeds
}

// suffer lets things go wrong until the time is over, each kind in a random order before any comes again, with moments of calm between.
func (m *measuring) suffer(ctx context.Context, site *chaosSite, c *crowd) ([]suffering, error) {
	var suffered []suffering
	var due []fault
	for begun := time.Now(); time.Since(begun) < m.During && ctx.Err() == nil; {
		if len(due) == 0 {
			for _, f := range faults() {
				if !f.long || m.During >= 5*time.Minute {
					due = append(due, f)
				}
			}
			rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		}
		f := due[0]
		due = due[1:]
		from := time.Now()
		if err := f.do(ctx, site); err != nil {
			return suffered, fmt.Errorf("%s: %w", f.name, err)
		}
		for _, p := range site.programs {
			if err := site.awaitUp(ctx, p); err != nil {
				return suffered, fmt.Errorf("%s: %w", f.name, err)
			}
		}
		pauseFor(ctx, time.Second+rand.N(2*time.Second))
		suffered = append(suffered, suffering{fault: f.name, from: from})
		slog.InfoContext(ctx, "suffered", "fault", f.name, "took", time.Since(from).Round(time.Millisecond))
	}
	return suffered, ctx.Err()
}

// settle waits until all work is done, proves that the books are what everybody was told, and says what that was.
func (m *measuring) settle(ctx context.Context, site *chaosSite, suffered []suffering, deeds []wish, c *crowd, before, after weight) ([]row, error) {
	drained, days, err := site.prove(ctx, deeds)
	if err != nil {
		return nil, err
	}
	yes, no, silence, again := tallied(deeds)
	m.note("%d faults in %s on %d processes and %d people: %d commands were done, %d refused, %d never answered, after %d repeats; %d days were closed",
		len(suffered), m.During, len(site.programs), len(c.people), yes, no, silence, again, days)
	m.note("0 answered commands were lost, 0 effects doubled, nothing refused left a trace; the books were verified; the last jobs were done %s after the last form", drained.Round(time.Millisecond))
	m.note("open pages were told of changes %d times", c.heard.Load())
	m.note("before and after, with the same people at work: memory %d and %d MiB a process, %d and %d files, %d and %d threads, %d and %d goroutines, %d and %d connections to Postgres",
		before.memory, after.memory, before.files, after.files, before.threads, after.threads, before.goroutines, after.goroutines, before.connections, after.connections)
	if after.outgrew(before) {
		return nil, fmt.Errorf("the processes have grown from %+v to %+v", before, after)
	}
	return silences("without a page after: ", suffered, func(s suffering) time.Duration { return s.silent }), nil
}

// silences are how long something was missing after each kind of fault.
func silences(what string, suffered []suffering, missing func(suffering) time.Duration) (rows []row) {
	for _, kind := range kindsOf(suffered) {
		var silent []time.Duration
		for _, s := range suffered {
			if s.fault == kind {
				silent = append(silent, missing(s))
			}
		}
		rows = append(rows, newRow(what+kind, "s", seconds(silent)))
	}
	return rows
}

// prove waits until all work is done, which takes so long, and is an error unless the books are what everybody was told and every day
// before today is closed.
func (s *chaosSite) prove(ctx context.Context, deeds []wish) (drained time.Duration, days int, err error) {
	pool, err := pgxpool.New(ctx, s.database)
	if err != nil {
		return 0, 0, err
	}
	defer pool.Close()
	begun := time.Now()
	if err := drain(ctx, pool); err != nil {
		return 0, 0, err
	}
	drained = time.Since(begun)
	// The clock asks for the close once a minute.
	today := benchBooks().Day(time.Now().Add(s.ahead))
	err = until(ctx, 3*time.Minute, "every day before today is closed", func() (bool, error) {
		var open int
		err := pool.QueryRow(ctx, "select count(*) from accounting.days where day < $1 and status <> 'closed'", today).Scan(&open)
		return open == 0, err
	})
	if err != nil {
		return 0, 0, err
	}
	if err := drain(ctx, pool); err != nil {
		return 0, 0, err
	}
	if err := errors.Join(proveDeeds(ctx, pool, deeds), proveEffects(ctx, pool)); err != nil {
		return 0, 0, err
	}
	if yes, _, _, _ := tallied(deeds); yes == 0 {
		return 0, 0, errors.New("nobody got anything done")
	}
	if err := pool.QueryRow(ctx, "select count(*) from accounting.days where status = 'closed'").Scan(&days); err != nil {
		return 0, 0, fmt.Errorf("count closed days: %w", err)
	}
	return drained, days, nil
}

// drain waits until no reaction is left to do, for as long as there are fewer and fewer.
func drain(ctx context.Context, pool *pgxpool.Pool) error {
	const patience = 3 * time.Minute
	least, since := math.MaxInt, time.Now()
	return until(ctx, time.Hour, "no job is left to do", func() (bool, error) {
		left, _, err := jobsLeft(ctx, pool)
		if left < least {
			least, since = left, time.Now()
		}
		if left > 1000 { // counting them takes its time from doing them
			pauseFor(ctx, time.Second)
		}
		if err == nil && time.Since(since) > patience {
			err = fmt.Errorf("%d jobs are left and do not become fewer than %d", left, least)
		}
		return left == 0, err
	})
}

// weight is what the processes hold on to: the most of any, and of connections all.
type weight struct {
	memory, files, threads, goroutines, connections int
}

// outgrew reports whether there is more than what comes and goes.
func (w weight) outgrew(before weight) bool {
	return w.memory > before.memory*3/2+64 || w.files > before.files*3/2+50 || w.threads > before.threads*2+20 || w.goroutines > before.goroutines*3/2+100
}

// weigh is only possible on Linux, but for goroutines; elsewhere the rest is 0.
func (s *chaosSite) weigh() (w weight) {
	for _, p := range s.programs {
		w.goroutines = max(w.goroutines, p.goroutines())
		proc := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
		status, err := os.ReadFile(filepath.Join(proc, "status")) //nolint:gosec // in /proc
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			name, value, _ := strings.Cut(line, ":")
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), " kB")))
			switch name {
			case "VmRSS":
				w.memory = max(w.memory, n>>10)
			case "Threads":
				w.threads = max(w.threads, n)
			}
		}
		if files, err := os.ReadDir(filepath.Join(proc, "fd")); err == nil {
			w.files = max(w.files, len(files))
		}
	}
	if processes, err := s.postgresProcesses(); err == nil {
		w.connections = len(processes)
	}
	return w
}
