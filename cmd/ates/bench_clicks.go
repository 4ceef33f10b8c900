package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// clicker is a manager who resolves tasks by a click, while somebody else looks at the page of each.
type clicker struct {
	in       *installation
	manager  *visitor
	onlooker *visitor
	ear      *ear
	commits  *bareCommit
	// tasks are open and left alone by everybody else.
	tasks []uuid.UUID
}

// clicked is what was measured of some clicks, in milliseconds: until the onlooker's stream named the task, until the part of the page
// that shows it was there, and, just after each click, a bare commit.
type clicked struct{ event, fragment, commit []float64 }

// openClicker lets both in and gives them so many tasks. It must be closed.
func (m *measuring) openClicker(ctx context.Context, in *installation, tasks int) (c *clicker, err error) {
	c = &clicker{in: in}
	if c.manager, err = in.signIn(ctx, demoPerson("manager")); err != nil {
		return nil, err
	}
	if c.onlooker, err = in.signIn(ctx, demoPerson("top-manager")); err != nil {
		return nil, err
	}
	c.onlooker.address = in.programs[len(in.programs)-1].address
	if _, err := in.process(ctx, tasks); err != nil {
		return nil, err
	}
	rows, err := in.pool.Query(ctx, "select id from tracker.tasks where status = 'open' order by number desc limit $1", tasks)
	if err != nil {
		return nil, fmt.Errorf("find tasks: %w", err)
	}
	if c.tasks, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return nil, fmt.Errorf("find tasks: %w", err)
	}
	if c.commits, err = m.openBareCommit(ctx); err != nil {
		return nil, err
	}
	stream, err := c.onlooker.follow(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, c.commits.close(ctx))
	}
	c.ear = stream.listen()
	return c, nil
}

func (c *clicker) close(ctx context.Context) error {
	c.ear.close()
	return c.commits.close(ctx)
}

// click clicks so often, with pauses, while people create tasks at a rate. It returns as well at which they did.
func (c *clicker) click(ctx context.Context, times int, perSecond float64) (found clicked, load float64, err error) {
	const pause = 50 * time.Millisecond
	stop := c.in.keepCreating(ctx, perSecond)
	for range times {
		pauseFor(ctx, pause/2+rand.N(pause))
		if err = c.once(ctx, &found); err != nil {
			break
		}
		var ms float64
		if ms, err = c.commits.once(ctx); err != nil {
			break
		}
		found.commit = append(found.commit, ms)
	}
	load, failed := stop()
	return found, load, errors.Join(err, failed)
}

// once clicks once.
func (c *clicker) once(ctx context.Context, found *clicked) error {
	const patience = 30 * time.Second
	if len(c.tasks) == 0 {
		return errors.New("there is no task left to click on")
	}
	task := c.tasks[0].String()
	c.tasks = c.tasks[1:]
	told := c.ear.expect("tasks/" + task)
	begun := time.Now()
	answered := make(chan error, 1)
	go func() {
		_, err := c.manager.post(ctx, "/tasks/"+task+"/resolve", url.Values{"idempotency_key": {uuid.NewString()}})
		answered <- err
	}()
	for shows := false; !shows; {
		select {
		case at := <-told:
			// Of many changes at once a stream says no more than that there are some, and the task's may still be to come.
			told = c.ear.expect("tasks/" + task)
			shown, err := c.onlooker.fragment(ctx, "/tasks/"+task, "task", "none")
			if err != nil {
				return err
			}
			if strings.Contains(shown.text, "<html") {
				return fmt.Errorf("a whole page came in place of its part: %.300s", shown.text)
			}
			if shows = strings.Contains(strings.ToLower(shown.text), "resolved"); shows {
				found.event, found.fragment = append(found.event, milliseconds(at.Sub(begun))), append(found.fragment, milliseconds(time.Since(begun)))
			}
		case err := <-c.ear.ended:
			return err
		case <-time.After(patience):
			return fmt.Errorf("nobody was told within %s that task %s is resolved", patience, task)
		}
	}
	return <-answered
}
