package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ates/domain"
)

const (
	// groupOfEvents is how many events the jobs of one transaction have at most, a few more or less.
	groupOfEvents = 200
	// windowOfJobs is how far into its queue a group looks for more jobs of its kind.
	windowOfJobs = 1000
	// longestWait is how long a job waits for the group at work, which may hang; then it is done alone.
	longestWait = time.Second
)

// group has jobs of one kind, of a few events each, that are there at the same moment share one transaction ("group commit"): those that
// River has given to workers of this process, and those that wait in the queue. One group of a kind is at work at a time in a process;
// whoever comes meanwhile is in the next one. So a job that comes alone waits for nobody, and the more there are the less each costs.
//
// When the transaction fails, nothing of it has happened. Then each job that River gave out is tried alone, so that a bad one harms nobody
// else, and the others wait in the queue as they did.
type group struct {
	mu      sync.Mutex
	waiting []*member
	atWork  bool
}

// member is a job that waits for its group.
type member struct {
	piece *piece
	// turn tells it once what became of it, or that it is to do the work of a group, which begins with itself.
	turn chan turn
}

type turn struct {
	lead []*member
	done bool
}

// mayJoin reports whether a job is one for a group. Those of many events fill a transaction by themselves, and where time is lived
// through faster than it goes each job has a moment of its own.
func (w *reactionWorker) mayJoin(args reactionArgs) bool {
	return w.reaction.together && w.bus.lag == nil && args.span() <= groupOfEvents/2
}

// span is how many events a job has at most.
func (a reactionArgs) span() int64 { return a.Last - a.First + 1 }

// work does a job with others and reports whether it is over: with nil when it is done, or with the error of one that turned out to be
// alone. When it is not over, it is to be done alone.
func (g *group) work(ctx context.Context, w *reactionWorker, p *piece) (over bool, err error) {
	m := &member{piece: p, turn: make(chan turn, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	g.begin()
	g.mu.Unlock()
	now, waited := g.await(m)
	if !waited {
		return false, nil
	}
	if now.lead == nil {
		return now.done, nil
	}
	done := false
	defer func() { // also when the command panics
		for _, other := range now.lead[1:] {
			other.turn <- turn{done: done}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.atWork = false
		g.begin()
	}()
	var pieces []*piece
	err = w.commit(ctx, func(ctx context.Context, tx domain.Tx) (_ []*piece, err error) {
		pieces, err = w.gather(ctx, tx, now.lead)
		return pieces, err
	})
	done = err == nil
	if len(pieces) > 1 && err != nil {
		slog.WarnContext(ctx, "jobs that failed together are tried one by one", "kind", w.reaction.kind, "jobs", len(pieces), "error", err)
		return false, nil
	}
	return len(pieces) == 1 || done, err
}

// await waits for a member's turn; when that takes too long the member leaves.
func (g *group) await(m *member) (now turn, ok bool) {
	enough := time.NewTimer(longestWait)
	defer enough.Stop()
	select {
	case now = <-m.turn:
		return now, true
	case <-enough.C:
	}
	g.mu.Lock()
	at := slices.Index(g.waiting, m)
	if at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
	g.mu.Unlock()
	if at >= 0 {
		return turn{}, false
	}
	return <-m.turn, true // it is in the group at work already
}

// begin lets the next group begin, if none is at work and somebody waits. The caller holds the lock.
func (g *group) begin() {
	if g.atWork || len(g.waiting) == 0 {
		return
	}
	n, events := 0, int64(0)
	for n < len(g.waiting) && events < groupOfEvents {
		events += g.waiting[n].piece.job.Args.span()
		n++
	}
	lead := append([]*member(nil), g.waiting[:n]...)
	g.waiting = append(g.waiting[:0], g.waiting[n:]...)
	g.atWork = true
	lead[0].turn <- turn{lead: lead}
}

// gather returns the work of the members, as if for the first time, and that of jobs that wait in the queue: no other transaction can get
// at those until this one has ended, and when it fails they wait as before. What was tried before is left to River.
func (w *reactionWorker) gather(ctx context.Context, tx domain.Tx, members []*member) ([]*piece, error) {
	var pieces []*piece
	room := int64(groupOfEvents)
	for _, m := range members {
		m.piece.events, m.piece.told = nil, nil
		pieces = append(pieces, m.piece)
		room -= m.piece.job.Args.span()
	}
	if room <= 0 {
		return pieces, nil
	}
	rows, err := tx.Query(ctx, `select id, args, metadata from `+riverJob+` where id = any(array(
			select id from `+riverJob+` where state = 'available' and queue = $1 and scheduled_at <= now() order by priority, scheduled_at, id limit $2
		)) and state = 'available' and kind = $3 and attempt = 0 and (args ->> 'last')::bigint - (args ->> 'first')::bigint < $4
		order by id limit $5 for update skip locked`, w.reaction.queue, windowOfJobs, w.reaction.kind, groupOfEvents/2, room)
	if err != nil {
		return nil, fmt.Errorf("look for more jobs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		row := &rivertype.JobRow{Kind: w.reaction.kind, Queue: w.reaction.queue}
		if err := rows.Scan(&row.ID, &row.EncodedArgs, &row.Metadata); err != nil {
			return nil, fmt.Errorf("look for more jobs: %w", err)
		}
		job := &river.Job[reactionArgs]{JobRow: row, Args: reactionArgs{kind: w.reaction.kind}}
		if err := json.Unmarshal(row.EncodedArgs, &job.Args); err != nil {
			return nil, fmt.Errorf("read job %d: %w", row.ID, err)
		}
		if room -= job.Args.span(); room < 0 {
			break
		}
		pieces = append(pieces, &piece{job: job, claimed: true})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for more jobs: %w", err)
	}
	return pieces, nil
}
