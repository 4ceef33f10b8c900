package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
)

const (
	// streamsOfPerson is how many pages one person has open: as many as one process lets them.
	streamsOfPerson = 32
	// streamsFrom is how many streams come from one address of this machine, which has about 28,000 ports for them.
	streamsFrom = 20000
	// rowsOnBoard fill the board's first page.
	rowsOnBoard = 50
)

// measureStreams opens a great many pages on one process, changes something that all of them see and something that one of them sees,
// and counts who hears of it and when.
func measureStreams(ctx context.Context, m *measuring) (rows []row, err error) {
	if err := requireFiles(m.Streams); err != nil {
		return nil, err
	}
	m.Processes = 1
	people := (m.Streams-1+streamsOfPerson-1)/streamsOfPerson + 1
	db, err := m.companyWith(ctx, people, time.Now())
	if err != nil {
		return nil, err
	}
	in, err := m.install(ctx, db, people, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if err := in.restart(ctx, m); err != nil {
		return nil, err
	}
	if _, err := in.process(ctx, people); err != nil {
		return nil, err
	}
	for range rowsOnBoard {
		if _, err := in.people[1].post(ctx, "/tasks", newTask()); err != nil {
			return nil, err
		}
	}
	if err := in.settled(ctx); err != nil {
		return nil, err
	}
	if err := m.alone(ctx, "opening the pages"); err != nil {
		return nil, err
	}
	pid := in.programs[0].cmd.Process.Pid
	before := statusOf(pid, "VmRSS")
	open, err := openStreams(ctx, in.people, m.Streams)
	if err != nil {
		return nil, err
	}
	defer open.close()
	// The memory of a moment, without what opening took for a moment, is that of pages that have been open for a while.
	pauseFor(ctx, min(5*time.Second, time.Duration(m.Streams)*time.Millisecond))
	after := statusOf(pid, "VmRSS")
	commits, err := m.openBareCommit(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, commits.close(context.WithoutCancel(ctx))) }()

	var all, one, idle, shared, alone []float64
	for round := 1; round <= m.Rounds; round++ {
		if err := m.alone(ctx, fmt.Sprintf("round %d", round)); err != nil {
			return nil, err
		}
		took, err := open.tellAll(ctx, in.people[1])
		if err != nil {
			return nil, err
		}
		all = append(all, took)
		if err := in.settled(ctx); err != nil {
			return nil, err
		}
		if took, err = fetchBoard(ctx, in.people, open.publication); err != nil {
			return nil, err
		}
		shared = append(shared, took)
		if took, err = fetchBoard(ctx, in.people, ""); err != nil {
			return nil, err
		}
		alone = append(alone, took)
		for range m.Clicks {
			// By then they have read what came before.
			pauseFor(ctx, 200*time.Millisecond)
			if took, err = open.tellFirst(ctx, in.people[0]); err != nil {
				return nil, err
			}
			one = append(one, took)
			commit, err := commits.once(ctx)
			if err != nil {
				return nil, err
			}
			idle = append(idle, commit)
		}
		slog.InfoContext(ctx, "told", "round", round, "all within", fmt.Sprintf("%.0f ms", all[round-1]), "one", fmt.Sprintf("%.1f ms", percentile(one, 50)))
	}
	m.note("%d streams of %d people on one process; %d were dropped, and everybody was told of every change", m.Streams, people, open.dropped.Load())
	m.note("memory of the process: %.1f MB before, %.1f MB with the streams", float64(before)/1e6, float64(after)/1e6)
	perStream := newRow("memory of a stream", "KB", []float64{float64(after-before) / float64(m.Streams) / 1000})
	return []row{
		perStream,
		newRow("a new task until all were told", "ms", all).over("bare commit", idle),
		newRow("a mark that one sees until they were told", "ms", one).over("bare commit", idle),
		newRow(fmt.Sprintf("the board's part, fetched by %d people", people), "ms", shared).over("each rendered alone", alone),
		newRow("streams dropped", "", []float64{float64(open.dropped.Load())}),
	}, nil
}

// fetchBoard has a page of each person fetch the part that shows the board, because of a publication, and returns how many milliseconds
// that takes.
func fetchBoard(ctx context.Context, people []*visitor, publication string) (float64, error) {
	begun := time.Now()
	err := inParallel(ctx, people, func(person *visitor) error {
		_, err := person.fragment(ctx, "/tasks", "board", publication)
		return err
	})
	return milliseconds(time.Since(begun)), errors.Join(err, ctx.Err())
}

// requireFiles is an error unless this process, and those that it starts, may have a stream's socket open each.
func requireFiles(streams int) error {
	const others = 500
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("look at the limit of open files: %w", err)
	}
	// The Go runtime raises the soft limit to the hard one at its start.
	if limit.Max < uint64(streams+others) {
		return fmt.Errorf("a process may have %d files open here, so --streams can be %d at most; ulimit -Hn raises it", limit.Max, int(limit.Max)-others)
	}
	return nil
}

// openPages are the streams of many pages, each read by a goroutine of its own.
type openPages struct {
	streams []*openStream
	dropped atomic.Int64
	// told gets, for every stream that hears of a change, when.
	told    chan heardBy
	closing atomic.Bool
	// publication is that of the last change that tell waited for.
	publication string
}

// heardBy is a change that a stream heard of.
type heardBy struct {
	stream      int
	topics      []string
	publication string
	at          time.Time
}

// openStreams opens pages: one of the first person, and as many as it takes of the others.
func openStreams(ctx context.Context, people []*visitor, n int) (*openPages, error) {
	p := &openPages{streams: make([]*openStream, n), told: make(chan heardBy, 4*n)}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	err := inParallel(ctx, numbers, func(i int) (err error) {
		person := people[0]
		if i > 0 {
			person = people[1+(i-1)/streamsOfPerson]
		}
		p.streams[i], err = person.follow(ctx, net.IPv4(127, 0, 0, byte(1+i/streamsFrom)))
		return err
	})
	if err != nil {
		return p, errors.Join(err, ctx.Err())
	}
	for i := range p.streams {
		go p.read(i)
	}
	return p, nil
}

func (p *openPages) read(i int) {
	for {
		topics, err := p.streams[i].nextChange()
		if err != nil {
			if !p.closing.Load() {
				p.dropped.Add(1)
			}
			return
		}
		p.told <- heardBy{i, topics, p.streams[i].publication, time.Now()}
	}
}

func (p *openPages) close() {
	p.closing.Store(true)
	var group sync.WaitGroup
	for _, s := range p.streams {
		if s != nil {
			group.Go(s.close)
		}
	}
	group.Wait()
}

// tellAll changes something that everybody sees and returns after how many milliseconds the last of them was told.
func (p *openPages) tellAll(ctx context.Context, person *visitor) (float64, error) {
	return p.tell(ctx, len(p.streams), func(h heardBy) bool {
		return slices.ContainsFunc(h.topics, func(t string) bool { return t == "*" || strings.HasPrefix(t, "tasks/") })
	}, func() error {
		_, err := person.post(ctx, "/tasks", newTask())
		return err
	})
}

// tellFirst changes something that only the first stream sees and returns after how many milliseconds it was told.
func (p *openPages) tellFirst(ctx context.Context, person *visitor) (float64, error) {
	return p.tell(ctx, 1, func(h heardBy) bool {
		return h.stream == 0 && slices.ContainsFunc(h.topics, func(t string) bool { return t == "*" || strings.HasPrefix(t, "notifications/") })
	}, func() error {
		until := fmt.Sprint(time.Now().UnixMicro())
		_, err := person.post(ctx, "/notifications/mark", url.Values{"state": {"read"}, "until": {until}, "idempotency_key": {uuid.NewString()}})
		return err
	})
}

// tell does something and returns after how many milliseconds the last of so many streams had heard of it for the first time.
func (p *openPages) tell(ctx context.Context, streams int, is func(heardBy) bool, do func() error) (float64, error) {
	const patience = time.Minute
	for len(p.told) > 0 {
		<-p.told
	}
	begun := time.Now()
	done := make(chan error, 1)
	go func() { done <- do() }()
	heard := map[int]bool{}
	last := begun
	late := time.After(patience)
	for len(heard) < streams {
		select {
		case h := <-p.told:
			if is(h) && !heard[h.stream] {
				heard[h.stream], last, p.publication = true, h.at, h.publication
			}
		case err := <-done:
			if err != nil {
				return 0, err
			}
			done = nil
		case <-late:
			return 0, fmt.Errorf("after %s, %d of %d streams had not heard of a change; %d were dropped", patience, streams-len(heard), streams, p.dropped.Load())
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if done != nil {
		if err := <-done; err != nil {
			return 0, err
		}
	}
	return milliseconds(last.Sub(begun)), nil
}
