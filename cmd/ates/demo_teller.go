package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ates/domain"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
)

// teller lives through a story: it does each deed at its moment and works on the jobs that follow.
type teller struct {
	story
	pool *pgxpool.Pool
	bus  *jobs.Bus
	// until is the moment at which the story ends, and told the moment up to which it has been told.
	until, told time.Time
	clock       atomic.Pointer[time.Time]
	stop        func() error

	people map[string]auth.Person
	logins map[uuid.UUID]string
	// How many tasks there have been, were resolved, and were passed on.
	created, resolved, drawn int
}

// newTeller begins to work on jobs. The story goes on from what has happened already.
func newTeller(ctx context.Context, pool *pgxpool.Pool, s story, currency string, until time.Time) (*teller, error) {
	t := &teller{story: s, pool: pool, until: until.UTC().Truncate(time.Microsecond)}
	var first, told *time.Time
	if err := pool.QueryRow(ctx, "select min(occurred_at), max(occurred_at) from log.events").Scan(&first, &told); err != nil {
		return nil, fmt.Errorf("find where the story stopped: %w", err)
	}
	err := pool.QueryRow(ctx, "select count(*), count(*) filter (where status = 'resolved'), coalesce(sum(assignment - 1), 0) from tracker.tasks").Scan(&t.created, &t.resolved, &t.drawn)
	if err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	t.first = s.books.Day(until).AddDate(0, 0, -s.days)
	if first != nil {
		t.first, t.told = s.books.Day(*first), *told
		t.days = t.number(s.books.Day(until))
	}
	t.moveTo(s.books.Begins(t.first).Add(time.Minute))
	t.bus, err = jobs.NewBus(jobs.BusConfig{Pool: pool, Books: s.books, Currency: currency, Now: func() time.Time { return *t.clock.Load() }, Lag: lag})
	if err != nil {
		return nil, err
	}
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- t.bus.Work(working) }()
	t.stop = func() error {
		cancel()
		return <-ended
	}
	return t, nil
}

// lag is how long after its event a job comes in a program that has little to do.
func lag() time.Duration {
	return 8*time.Millisecond + time.Duration(rand.Int64N(int64(30*time.Millisecond)))
}

// close stops the work.
func (t *teller) close() error { return t.stop() }

// moveTo sets the clock, which never goes back.
func (t *teller) moveTo(moment time.Time) {
	if now := t.clock.Load(); now != nil && moment.Before(*now) {
		return
	}
	if moment.Before(t.told) {
		moment = t.told
	}
	t.clock.Store(&moment)
}

// tell tells day after day until the end of the story, and shows after each how far it is.
func (t *teller) tell(ctx context.Context, show func(teller *teller, day time.Time)) error {
	if err := t.meet(ctx); err != nil {
		return err
	}
	day := t.first
	if !t.told.IsZero() {
		day = t.books.Day(t.told)
	}
	for ; !day.After(t.books.Day(t.until)); day = day.AddDate(0, 0, 1) {
		if err := t.dawn(ctx, day); err != nil {
			return fmt.Errorf("begin %s: %w", day.Format(time.DateOnly), err)
		}
		for _, d := range t.deeds(day, t.until) {
			if !d.at.After(t.told) {
				continue
			}
			if err := t.booked(ctx); err != nil {
				return fmt.Errorf("wait for what was done before %s: %w", d.at.Format(time.DateTime), err)
			}
			t.moveTo(d.at)
			if err := t.do(ctx, d); err != nil {
				return fmt.Errorf("%s: %w", d.at.Format(time.DateTime), err)
			}
		}
		if err := t.settled(ctx); err != nil {
			return fmt.Errorf("wait for the jobs of %s: %w", day.Format(time.DateOnly), err)
		}
		show(t, day)
	}
	return t.finish(ctx)
}

// dawn closes the day before and lets people come and go.
func (t *teller) dawn(ctx context.Context, day time.Time) error {
	// As the clock asks for every minute: the first time that the day is settled.
	const swept = time.Minute
	at := t.books.Begins(day).Add(swept)
	if at.After(t.until) {
		return nil
	}
	t.moveTo(at)
	if err := t.bus.Do(ctx, jobs.CloseDay(t.books)); err != nil {
		return fmt.Errorf("close the day before: %w", err)
	}
	if err := t.settled(ctx); err != nil {
		return err
	}
	return t.comeAndGo(ctx, day)
}

// comeAndGo makes the people of the story known in the morning of the day on which they join, and lets one become a manager and
// another leave. Each command acts once.
func (t *teller) comeAndGo(ctx context.Context, day time.Time) error {
	number := t.number(day)
	morning, _, _ := t.hours(day, t.until)
	t.moveTo(morning)
	var happens []domain.Command
	if number == 0 {
		for _, p := range storyPeople() {
			happens = append(happens, p)
		}
	}
	for _, p := range auth.DemoPeople() {
		if p.Login == newcomer && number == t.turn(arrival) || p.Login != newcomer && number == 0 {
			happens = append(happens, p)
		}
	}
	if number > 0 && number == t.turn(promotion) {
		happens = append(happens, &auth.ChangeRole{Request: domain.Request{By: t.actor("admin"), Key: storyKey("promotion")}, Person: t.people[juno].ID, Role: domain.Manager})
	}
	if number > 0 && number == t.turn(farewell) {
		happens = append(happens, &auth.DeactivatePerson{Request: domain.Request{By: t.actor("admin"), Key: storyKey("farewell")}, Person: t.people[ivo].ID})
	}
	if len(happens) == 0 {
		return nil
	}
	for _, cmd := range happens {
		if err := t.bus.Do(ctx, cmd); err != nil {
			return err
		}
	}
	if err := t.settled(ctx); err != nil {
		return err
	}
	return t.meet(ctx)
}

// meet looks who is there.
func (t *teller) meet(ctx context.Context) error {
	t.people, t.logins = map[string]auth.Person{}, map[uuid.UUID]string{}
	logins := []string{ivo, juno}
	for _, p := range auth.DemoPeople() {
		logins = append(logins, p.Login)
	}
	for _, login := range logins {
		p, err := auth.FindPersonByLogin(ctx, t.pool, login)
		var refusal *domain.Refusal
		if errors.As(err, &refusal) && refusal.Kind == domain.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		t.people[login], t.logins[p.ID] = p, login
	}
	return nil
}

func (t *teller) actor(login string) domain.Actor { return t.people[login].Actor() }

// do does a deed. What has nothing to be done to is left out.
func (t *teller) do(ctx context.Context, d deed) error {
	chance := rand.New(rand.NewPCG(d.chance, 90))
	switch key := storyKey(d.at.UTC().Format(time.RFC3339Nano)); d.kind {
	case create:
		cmd := &tracker.CreateTask{Request: domain.Request{By: t.author(chance), Key: key}, Description: withJiraID(t.created, description(t.created))}
		if err := t.bus.Do(ctx, cmd); err != nil {
			return fmt.Errorf("create a task: %w", err)
		}
		t.created++
	case assign:
		cmd := &tracker.AssignTasks{Request: domain.Request{By: t.manager(chance), Key: key}}
		if err := t.bus.Do(ctx, cmd); err != nil {
			return fmt.Errorf("assign tasks: %w", err)
		}
		t.drawn += cmd.Reassigned
	case resolve:
		task, ok, err := t.choose(ctx, chance, d.at)
		if err != nil || !ok {
			return err
		}
		by := task.assignee
		if worker := t.people[t.logins[by.ID]]; worker.Role != domain.Worker || worker.Status != auth.Active || chance.IntN(8) == 0 {
			by = t.manager(chance)
		}
		cmd := &tracker.ChangeTaskStatus{Request: domain.Request{By: by, Key: key}, TaskID: task.id, Status: tracker.Resolved, Assignment: &task.assignment}
		if err := t.bus.Do(ctx, cmd); err != nil {
			return fmt.Errorf("resolve a task: %w", err)
		}
		t.resolved++
	}
	return nil
}

// author is who thinks of a task: often the manager, and all the others now and then.
func (t *teller) author(chance *rand.Rand) domain.Actor {
	switch n := chance.IntN(20); {
	case n < 8:
		return t.manager(chance)
	case n < 10:
		return t.actor("admin")
	case n < 11:
		return t.actor("top-manager")
	}
	workers := []string{"worker", "worker-2", "worker-3", "worker-4", "worker-5", "worker-6", "worker-7"}
	return t.actor(workers[chance.IntN(len(workers))])
}

// manager is one of the managers there are.
func (t *teller) manager(chance *rand.Rand) domain.Actor {
	if p := t.people[juno]; p.Role == domain.Manager && chance.IntN(3) == 0 {
		return p.Actor()
	}
	return t.actor("manager")
}

// openTask is a task that somebody could resolve.
type openTask struct {
	id         uuid.UUID
	number     int64
	assignee   domain.Actor
	assignment int32
	createdAt  time.Time
}

// choose is the task that is resolved next, and whether there is one: likelier one that has been there for long, and one that is with
// somebody who is diligent. The fewer are open, the likelier nobody has finished anything.
func (t *teller) choose(ctx context.Context, chance *rand.Rand, at time.Time) (openTask, bool, error) {
	// What is just begun is not done, and there are tasks that nobody ever does.
	const (
		takes = 40 * time.Minute
		oneIn = 230
	)
	backlog := float64(t.tasks) * 1.45
	rows, err := t.pool.Query(ctx, "select id, number, assignee, assignment, created_at from tracker.tasks where status = 'open' order by number")
	if err != nil {
		return openTask{}, false, fmt.Errorf("look what is open: %w", err)
	}
	var ready []openTask
	var weights []float64
	var task openTask
	sum := 0.0
	_, err = pgx.ForEachRow(rows, []any{&task.id, &task.number, &task.assignee.ID, &task.assignment, &task.createdAt}, func() error {
		age := at.Sub(task.createdAt)
		if age < takes || task.number%oneIn == 17 {
			return nil
		}
		task.assignee.Role = domain.Worker
		weight := min(age.Hours(), 48) + 4
		if known, ok := diligence[t.logins[task.assignee.ID]]; ok {
			weight *= known
		}
		ready, weights, sum = append(ready, task), append(weights, weight), sum+weight
		return nil
	})
	if err != nil {
		return openTask{}, false, fmt.Errorf("look what is open: %w", err)
	}
	if len(ready) == 0 || chance.Float64() > float64(len(ready))/backlog {
		return openTask{}, false, nil
	}
	left := chance.Float64() * sum
	for i, weight := range weights {
		if left -= weight; left < 0 {
			return ready[i], true, nil
		}
	}
	return ready[len(ready)-1], true, nil
}

// booked waits until Accounting has nothing left to do, so that its books have everything in the order in which it happened. The
// read models may be behind.
func (t *teller) booked(ctx context.Context) error {
	return t.noneLeft(ctx, "where queue = 'money' and state in ('available', 'running')")
}

// settled waits until no reaction is left to do.
func (t *teller) settled(ctx context.Context) error {
	return t.noneLeft(ctx, "where state in ('available', 'pending', 'retryable', 'running', 'scheduled') and args ? 'batch'")
}

// noneLeft waits until there are no jobs of a kind. The first look is for those that have been given up.
func (t *teller) noneLeft(ctx context.Context, which string) error {
	const (
		patience = time.Minute
		pause    = 4 * time.Millisecond
	)
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the jobs take too long"))
	defer cancel()
	look := time.NewTicker(pause)
	defer look.Stop()
	for {
		var left bool
		if err := t.pool.QueryRow(ctx, "select exists (select from river.river_job "+which+")").Scan(&left); err != nil {
			return fmt.Errorf("look at the queues: %w", err)
		}
		if !left {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}

// finish leaves the database as a program leaves it that has been there all the time: the books have been verified, and jobs that were done
// long ago are forgotten.
func (t *teller) finish(ctx context.Context) error {
	t.moveTo(t.until)
	if err := t.bus.Do(ctx, jobs.VerifyBooks()); err != nil {
		return fmt.Errorf("verify the books: %w", err)
	}
	const most = 10_000
	done := river.NewJobDeleteManyParams().States(rivertype.JobStateCompleted).First(most)
	for {
		deleted, err := t.bus.River().JobDeleteMany(ctx, done)
		if err != nil {
			return fmt.Errorf("forget finished jobs: %w", err)
		}
		if len(deleted.Jobs) < most {
			return nil
		}
	}
}
