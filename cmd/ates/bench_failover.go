package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// failoverWithin is how long another node may take to lead, and a cluster to be whole again.
	failoverWithin = 3 * time.Minute
	// lateBy is for how long the node that was lost stays away once another leads, and how long nothing happens between two losses.
	lateBy = 5 * time.Second
)

// measureFailover runs an installation under the load of people on a cluster of Patroni that is configured as operations/patroni.yml
// recommends, loses its primary in one way after the other, each time with the cluster whole, and compares in the end what everybody was
// told with the books. Everything is on one machine: a node's machine is its processes, and its network are wires that can be cut.
func measureFailover(ctx context.Context, m *measuring) (rows []row, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	site, err := newChaosSite()
	if err != nil {
		return nil, err
	}
	defer func() { err = site.end(context.WithoutCancel(ctx), err) }()
	cluster, err := startFailoverCluster(ctx, site.dir)
	defer func() {
		for _, p := range site.programs { // they have nothing to do once it is gone
			p.kill()
		}
		err = errors.Join(err, cluster.close())
	}()
	if err != nil {
		return nil, err
	}
	site.database = cluster.url()
	people, err := m.populate(ctx, site)
	if err != nil {
		return nil, err
	}
	if err := site.serve(ctx, max(2, m.Processes)); err != nil {
		return nil, err
	}
	crowd := newCrowd(ctx, people, 2*time.Second)
	var watchers []*chaosPerson
	for n := range 24 {
		watchers = append(watchers, newChaosPerson(site, 2+n, people[(2+n)%len(people)].role))
		watchers[n].login = people[(2+n)%len(people)].login
	}
	pages := openLivePages(ctx, watchers)
	slog.InfoContext(ctx, "people are at work", "people", len(people), "open pages", len(pages), "address", site.address)
	if err := pages.follow(ctx, time.Time{}); err != nil {
		return nil, err
	}
	pauseFor(ctx, lateBy)

	faults := m.losses()
	suffered := make([]suffering, len(faults))
	for i, f := range faults {
		if suffered[i], err = cluster.undergo(ctx, site, f, pages); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		slog.InfoContext(ctx, "suffered", "fault", f.name, "another leads after", suffered[i].taken.Round(time.Millisecond),
			"pages follow after", suffered[i].behind.Round(time.Millisecond), "left", len(faults)-i-1)
	}
	deeds := crowd.goHome()
	idle := idleTimes(deeds)
	for i := range suffered {
		until := time.Now()
		if i+1 < len(suffered) {
			until = suffered[i+1].from
		}
		suffered[i].silent = longestDuring(crowd.prober.all(), suffered[i].from, until)
		suffered[i].idle = longestDuring(idle, suffered[i].from, until)
	}
	drained, _, err := site.prove(ctx, deeds)
	if err != nil {
		return nil, err
	}
	yes, no, silence, again := tallied(deeds)
	m.note("the primary was lost %d times under %d people on %d processes: %d commands were done, %d refused, %d never answered, after %d repeats",
		len(suffered), len(people), len(site.programs), yes, no, silence, again)
	m.note("0 answered commands were lost, 0 effects doubled, nothing refused left a trace; the books were verified; the last jobs were done %s after the last form", drained.Round(time.Millisecond))
	m.note("%d open pages followed again by themselves each time", len(pages))
	rows = append(rows, silences("until another server leads after: ", suffered, func(s suffering) time.Duration { return s.taken })...)
	rows = append(rows, silences("without a page after: ", suffered, func(s suffering) time.Duration { return s.silent })...)
	rows = append(rows, silences("without a command done after: ", suffered, func(s suffering) time.Duration { return s.idle })...)
	return append(rows, silences("until all open pages are told of something new after: ", suffered, func(s suffering) time.Duration { return s.behind })...), nil
}

// losses are all that are undergone, in a random order: the kill so often as was asked for, the others a third as often, and once at least.
func (m *measuring) losses() []failoverFault {
	faults := slices.Repeat([]failoverFault{failoverKill()}, m.Times)
	for _, other := range failoverFaults() {
		faults = append(faults, slices.Repeat([]failoverFault{other}, max(1, m.Times/3))...)
	}
	rand.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	return faults
}

// undergo has the primary lost in one way, and returns when another node leads, the one that was lost follows it, and the program
// serves again.
func (c *failoverCluster) undergo(ctx context.Context, site *chaosSite, f failoverFault, pages livePages) (s suffering, err error) {
	leader, err := c.awaitWhole(ctx, failoverWithin)
	if err != nil {
		return s, err
	}
	s = suffering{fault: f.name, from: time.Now()}
	slog.InfoContext(ctx, "the primary is lost", "fault", f.name, "node", leader.name)
	err = f.begin(leader)
	if err == nil {
		err = c.awaitOther(ctx, leader, failoverWithin)
	}
	taken := time.Now()
	s.taken = taken.Sub(s.from)
	follow := make(chan error, 1)
	go func() {
		var failed error
		if err == nil {
			failed = pages.follow(ctx, taken)
		}
		s.behind = time.Since(s.from)
		follow <- failed
	}()
	pauseFor(ctx, lateBy)
	err = errors.Join(err, f.end(leader), <-follow)
	if err != nil {
		return s, err
	}
	if _, err := c.awaitWhole(ctx, failoverWithin); err != nil {
		return s, err
	}
	for _, p := range site.programs {
		if err := site.awaitUp(ctx, p); err != nil {
			return s, err
		}
	}
	pauseFor(ctx, lateBy)
	return s, ctx.Err()
}

// idleTimes are the times between one command that was done and the next.
func idleTimes(deeds []wish) (idle []gap) {
	var at []time.Time
	for _, d := range deeds {
		if d.told == done {
			at = append(at, d.at)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	for i := 1; i < len(at); i++ {
		idle = append(idle, gap{at[i-1], at[i]})
	}
	return idle
}

// longestDuring is the longest gap whose middle lies between two moments: it begins a little before what it comes from.
func longestDuring(gaps []gap, from, to time.Time) (longest time.Duration) {
	for _, g := range gaps {
		took := g.to.Sub(g.from)
		if middle := g.from.Add(took / 2); !middle.Before(from) && middle.Before(to) {
			longest = max(longest, took)
		}
	}
	return longest
}
