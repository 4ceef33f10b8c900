package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// newTask is the form of a new task, with a key of its own as the page gives each.
func newTask() url.Values {
	return url.Values{"description": {description(rand.IntN(1000))}, "idempotency_key": {uuid.NewString()}}
}

// createTasks has the people create so many tasks, each of them the next one as soon as the last is answered, and returns how many
// milliseconds each answer took.
func (in *installation) createTasks(ctx context.Context, n int) ([]float64, error) {
	var left atomic.Int64
	left.Store(int64(n))
	took := make([][]float64, len(in.people))
	failed := make([]error, len(in.people))
	var group sync.WaitGroup
	for i, person := range in.people {
		group.Go(func() {
			for left.Add(-1) >= 0 && failed[i] == nil {
				var got answered
				if got, failed[i] = person.post(ctx, "/tasks", newTask()); failed[i] == nil {
					took[i] = append(took[i], milliseconds(got.took))
				}
			}
		})
	}
	group.Wait()
	var all []float64
	for _, t := range took {
		all = append(all, t...)
	}
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("create tasks: %w", err)
	}
	return all, nil
}

// processed is how many commands a second are done with all that they set off, when people send n one after the other; answers
// are how many milliseconds each of them waited, and answering how many a second were answered.
type processed struct {
	perSecond, answering float64
	answers              []float64
}

// process has people create n tasks and waits until nothing is left to do.
func (in *installation) process(ctx context.Context, n int) (p processed, err error) {
	begun := time.Now()
	if p.answers, err = in.createTasks(ctx, n); err != nil {
		return p, err
	}
	p.answering = float64(n) / time.Since(begun).Seconds()
	err = in.settled(ctx)
	p.perSecond = float64(n) / time.Since(begun).Seconds()
	return p, err
}

// keepCreating has people create tasks at a rate, evenly by chance, until stop is called, which waits for what is on its way and returns
// how many a second it was.
func (in *installation) keepCreating(ctx context.Context, perSecond float64) (stop func() (float64, error)) {
	working, end := context.WithCancel(ctx)
	forms := make(chan url.Values)
	failed := make([]error, len(in.people))
	var done atomic.Int64
	var group sync.WaitGroup
	begun := time.Now()
	for i, person := range in.people {
		group.Go(func() {
			for form := range forms {
				if _, err := person.post(ctx, "/tasks", form); err != nil {
					failed[i] = errors.Join(failed[i], err)
				}
				done.Add(1)
			}
		})
	}
	group.Go(func() {
		defer close(forms)
		for next := begun; perSecond > 0 && working.Err() == nil; {
			// As people who know nothing of each other do (a Poisson process).
			next = next.Add(time.Duration(rand.ExpFloat64() / perSecond * float64(time.Second)))
			pauseFor(working, time.Until(next))
			select {
			case forms <- newTask():
			case <-working.Done():
			}
		}
	})
	return func() (float64, error) {
		end()
		group.Wait()
		return float64(done.Load()) / time.Since(begun).Seconds(), errors.Join(failed...)
	}
}
