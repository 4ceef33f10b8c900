package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ates/domain"
	"ates/domain/auth"
)

// drainsFor is how long the programs of an installation go on answering when they are told to stop.
const drainsFor = 5 * time.Second

// handOver is one program that takes the place of another.
type handOver struct {
	name            string
	leaving, coming *chaosProgram
	begun, ended    time.Time
}

// measureUpgrade has people work on a program of before, on this one beside it, on this one alone, and the whole way back and forth
// again: nobody may be answered with a fault, and what everybody was told must be in the books.
func measureUpgrade(ctx context.Context, m *measuring) (rows []row, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, err := findPredecessor(ctx, ".", m.From)
	if err != nil {
		return nil, err
	}
	site, err := newChaosSite()
	if err != nil {
		return nil, err
	}
	defer func() { err = site.end(context.WithoutCancel(ctx), err) }()
	db, err := m.server.make(ctx, "template0")
	if err != nil {
		return nil, err
	}
	site.database, site.patience = db.address, 10*time.Second // a process that is slow is not down
	if err := site.open(ctx, from.path, ""); err != nil {
		return nil, err
	}
	before, after := site.programs[0], site.programs[1]
	pool, err := pgxpool.New(ctx, site.database)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := site.beginDemo(ctx, before, pool); err != nil {
		return nil, err
	}
	crowd := newCrowd(ctx, m.demoCrowd(site), 4*time.Second)
	pages := openLivePages(ctx, m.demoCrowd(site))
	slog.InfoContext(ctx, "people are at work", "people", len(crowd.people), "open pages", len(pages), "address", site.address, "program", from.name)

	ways := []handOver{
		{name: "the upgrade", leaving: before, coming: after},
		{name: "the way back", leaving: after, coming: before},
		{name: "the upgrade again", leaving: before, coming: after},
	}
	calm := m.During / time.Duration(2*len(ways)+1)
	pauseFor(ctx, calm)
	for i := range ways {
		if err := site.handOver(ctx, &ways[i], calm); err != nil {
			return nil, fmt.Errorf("%s: %w", ways[i].name, err)
		}
		if err := pages.follow(ctx, time.Time{}); err != nil {
			return nil, fmt.Errorf("after %s: %w", ways[i].name, err)
		}
	}
	deeds := crowd.goHome()
	if err := errors.Join(site.requests.failed(), drain(ctx, pool)); err != nil {
		return nil, err
	}
	if err := errors.Join(proveDeeds(ctx, pool, deeds), proveEffects(ctx, pool)); err != nil {
		return nil, err
	}
	yes, no, silence, again := tallied(deeds)
	if yes == 0 || silence > 0 || again > 0 {
		return nil, fmt.Errorf("%d commands were done, %d had no answer, %d were sent again", yes, silence, again)
	}
	m.note("from %s to %s, back and forth again: %d requests, of which 0 failed; %d commands were done, %d refused", from.name, thisBuild(), site.requests.all(), yes, no)
	m.note("0 answered commands were lost, 0 effects doubled, nothing refused left a trace; the books were verified")
	for _, way := range ways {
		back := pages.cuts(way.begun, way.ended)
		if len(back) == 0 {
			return nil, fmt.Errorf("%s cut no stream", way.name)
		}
		silent := crowd.prober.longest(way.begun, way.ended)
		rows = append(rows, newRow("streams back after "+way.name, "s", seconds(back)), newRow("without a page during "+way.name, "s", []float64{silent.Seconds()}))
	}
	return rows, nil
}

// beginDemo starts the first program, which makes its demo.
func (s *chaosSite) beginDemo(ctx context.Context, p *chaosProgram, pool *pgxpool.Pool) error {
	if err := s.start(p); err != nil {
		return err
	}
	if err := s.awaitUp(ctx, p); err != nil {
		return err
	}
	return until(ctx, time.Minute, "the demo has its tasks", func() (there bool, err error) {
		err = pool.QueryRow(ctx, "select exists (select from log.commands where key = 'demo')").Scan(&there)
		return there, err
	})
}

// demoCrowd are people of the demo, each with several browsers where they are to be more.
func (m *measuring) demoCrowd(site *chaosSite) []*chaosPerson {
	var workers []string
	for _, p := range auth.DemoPeople() {
		if p.Role == domain.Worker {
			workers = append(workers, p.Login)
		}
	}
	people := make([]*chaosPerson, m.People)
	for i := range people {
		people[i] = newChaosPerson(site, i, domain.Worker)
		people[i].login = workers[i%len(workers)]
		if i%20 == 1 {
			people[i].login, people[i].role = "manager", domain.Manager
		}
		people[i].inDemo, people[i].patience = true, time.Minute
	}
	return people
}

// handOver starts the program that comes, lets both work for a while, and has the other one leave as it does under an operator: told to
// stop, it says at /readyz that it leaves and goes on answering. One of before it could do that is taken out of the balancer first.
func (s *chaosSite) handOver(ctx context.Context, way *handOver, calm time.Duration) error {
	way.begun = time.Now()
	if err := s.start(way.coming); err != nil {
		return err
	}
	if err := s.awaitUp(ctx, way.coming); err != nil {
		return err
	}
	slog.InfoContext(ctx, "both programs are at work", "during", way.name)
	pauseFor(ctx, calm)
	byItself, err := way.leaving.drains(ctx)
	if err != nil {
		return err
	}
	if !byItself {
		way.leaving.aside.Store(true)
		if err := until(ctx, time.Minute, "the program has answered everybody", func() (bool, error) { return way.leaving.busy.Load() == 0, nil }); err != nil {
			return err
		}
	}
	if err := way.leaving.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("tell a program to stop: %w", err)
	}
	if err := until(ctx, time.Minute, "the program has ended", func() (bool, error) { return way.leaving.isOver(), nil }); err != nil {
		return err
	}
	if !way.leaving.cmd.ProcessState.Success() {
		return fmt.Errorf("a program that was told to stop ended with %s", way.leaving.cmd.ProcessState)
	}
	slog.InfoContext(ctx, "one program has left", "during", way.name, "drained by itself", byItself)
	way.leaving.up.Store(false)
	way.leaving.aside.Store(false)
	pauseFor(ctx, calm)
	way.ended = time.Now()
	return nil
}

// drains reports whether the program knows ATES_DRAIN.
func (p *chaosProgram) drains(ctx context.Context) (bool, error) {
	if p.path == "" {
		return true, nil
	}
	help, err := exec.CommandContext(ctx, p.path, "serve", "--help").CombinedOutput() //nolint:gosec // it is the program that is tried
	if err != nil {
		return false, fmt.Errorf("ask the program of before what it knows: %w: %s", err, help)
	}
	return strings.Contains(string(help), "ATES_DRAIN"), nil
}
