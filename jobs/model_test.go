package jobs_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/jobs"
)

// The walks of an ordinary run are few and short. Long ones, for as long as one likes, are
//
//	go test ./jobs -run TestModel -timeout 0 -rapid.checks=500 -rapid.steps=60
func init() {
	for name, value := range map[string]string{"checks": "2", "steps": "30"} {
		if _, set := os.LookupEnv("RAPID_" + strings.ToUpper(name)); !set {
			if err := flag.Set("rapid."+name, value); err != nil {
				panic(err)
			}
		}
	}
}

// TestModel walks at random through what people, the clock and accidents can do to a company: tasks created, drawn and resolved,
// people who change, midnights and changes of the clocks, jobs in any order, late, repeated, doubled, cut off at any statement and
// taken over. After every step the books are those of modelBooks; whenever the queue is empty, so is every figure, and section 8 holds.
func TestModel(t *testing.T) {
	t.Parallel()
	for name, zone := range map[string]struct {
		name   string
		starts []string // evenings before the clocks change, and an ordinary one
	}{
		"midnight is everybody's": {"UTC", []string{"2026-02-28T20:00:00Z", "2026-12-31T12:00:00Z"}},
		"an hour at night":        {"Europe/Berlin", []string{"2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z", "2026-12-31T12:00:00Z"}},
		"midnight itself":         {"America/Santiago", []string{"2026-09-05T20:00:00Z", "2026-04-04T20:00:00Z"}}, // skipped, and twice
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := booksIn(t, zone.name)
			first := &sync.Once{}
			rapid.Check(t, func(r *rapid.T) {
				w := newWalk(walkT{t, r, first}, books, rapid.SampledFrom(zone.starts).Draw(r, "start"))
				r.Repeat(map[string]func(*rapid.T){
					"create":      w.create,
					"assign":      w.assign,
					"resolve":     w.resolve,
					"person":      w.person,
					"hire":        w.hire,
					"clock":       w.moveClock,
					"sweep":       w.sweep,
					"work one":    w.workOne,
					"work":        w.workSome,
					"settle":      w.settle,
					"begin":       w.begin,
					"finish":      w.finishOne,
					"rescue":      w.rescue,
					"redeliver":   w.redeliver,
					"duplicate":   w.duplicate,
					"give up":     w.giveUp,
					"slow create": w.slowCreate,
				})
				w.settle(r)
				w.to(w.model.ends(w.model.day(w.now)).Add(16 * time.Minute))
				w.require.NoError(w.do(jobs.CloseDay(w.books), 0))
				w.settle(r)
			})
		})
	}
}

// request is that of somebody, under a key of its own.
func (w *walk) request(by domain.Actor) domain.Request {
	w.keys++
	return domain.Request{By: by, Key: strconv.Itoa(w.keys)}
}

// somebody is an active person, of one of some roles if there are any.
func (w *walk) somebody(r *rapid.T, roles ...domain.Role) domain.Actor {
	var active []domain.Actor
	for _, id := range w.staff {
		if u := w.model.people[id]; u.Status == auth.Active && (len(roles) == 0 || slices.Contains(roles, u.Role)) {
			active = append(active, domain.Actor{ID: id, Role: u.Role})
		}
	}
	return active[rapid.IntRange(0, len(active)-1).Draw(r, "by")]
}

// create creates a task. A command that was cut off is sent again, and one that was done now and then too.
func (w *walk) create(r *rapid.T) {
	form := tracker.CreateTask{Request: w.request(w.somebody(r)), Description: fmt.Sprint("Task ", w.keys)}
	answer := form
	made := w.ask(&answer, w.crashPoint(r), !w.model.anybodyDrawable(), "Task.Created", "Task.Assigned")
	if made && rapid.Bool().Draw(r, "again") {
		again := form
		w.told(w.do(&again, 0), nil)
		w.require.Equal(answer, again, "the same form gets the same answer")
	}
}

// assign draws everything anew.
func (w *walk) assign(r *rapid.T) {
	by := w.somebody(r, rapid.SampledFrom([][]domain.Role{{domain.Manager, domain.Admin}, {domain.Manager, domain.Admin}, nil}).Draw(r, "of")...)
	open := 0
	for _, task := range w.model.tasks {
		if task.status == tracker.Open {
			open++
		}
	}
	press := &tracker.AssignTasks{Request: w.request(by)}
	refused := by.Role != domain.Manager && by.Role != domain.Admin || !w.model.anybodyDrawable()
	events := w.position
	if w.ask(press, w.crashPoint(r), refused) {
		w.require.Equal(open, press.Kept+press.Reassigned)
		w.require.Len(w.since(events), press.Reassigned+min(open, 1), "one for each task that moved, and one for the draw")
	}
}

// resolve is somebody's attempt to resolve a task, who may have seen an older assignment.
func (w *walk) resolve(r *rapid.T) {
	if len(w.created) == 0 {
		r.Skip()
	}
	by, id := w.somebody(r), w.created[rapid.IntRange(0, len(w.created)-1).Draw(r, "task")]
	task := w.model.tasks[id]
	if holder := w.model.people[task.assignee]; holder.Status == auth.Active && rapid.Bool().Draw(r, "own") {
		by = domain.Actor{ID: holder.ID, Role: holder.Role}
	}
	seen := task.assignment - rapid.SampledFrom([]int32{0, 0, 0, 1}).Draw(r, "behind")
	refused := task.status != tracker.Open || seen != task.assignment || by.ID != task.assignee && by.Role == domain.Worker
	w.ask(&tracker.ChangeTaskStatus{Request: w.request(by), TaskID: id, Status: tracker.Resolved, Assignment: &seen}, w.crashPoint(r), refused, "Task.Resolved")
}

// person changes somebody at the Auth-Service, of which the others hear later.
func (w *walk) person(r *rapid.T) {
	u := w.model.people[w.staff[rapid.IntRange(1, len(w.staff)-1).Draw(r, "person")]]
	system := w.request(auth.System)
	switch rapid.SampledFrom([]string{"role", "status", "name"}).Draw(r, "change") {
	case "role":
		role := rapid.SampledFrom([]domain.Role{domain.Worker, domain.Manager, domain.TopManager}).Draw(r, "role")
		var told []string
		if role != u.Role {
			told = append(told, "User.RoleChanged")
		}
		w.ask(&auth.ChangeRole{Request: system, Person: u.ID, Role: role}, w.crashPoint(r), false, told...)
	case "status":
		if u.Status == auth.Active {
			w.ask(&auth.DeactivatePerson{Request: system, Person: u.ID}, w.crashPoint(r), false, "User.Deactivated")
		} else {
			w.ask(&auth.ReactivatePerson{Request: system, Person: u.ID}, w.crashPoint(r), false, "User.Reactivated")
		}
	default:
		w.ask(&auth.UpdatePerson{Request: system, Person: u.ID, Name: u.Name + "a", Email: u.Email}, w.crashPoint(r), false, "User.Updated")
	}
}

// hire makes one more Worker known, a few in a walk.
func (w *walk) hire(r *rapid.T) {
	if len(w.staff) > 6 {
		r.Skip()
	}
	w.register(domain.Worker)
}

func (w *walk) register(role domain.Role) uuid.UUID {
	login := fmt.Sprint("popug-", len(w.staff))
	hired := &auth.RegisterPerson{Request: w.request(auth.System), Login: login, Name: "Popug", Email: login + "@popug.example", Role: role, Password: "correct horse"}
	w.ask(hired, 0, false, "User.Registered")
	w.staff = append(w.staff, hired.ID)
	return hired.ID
}

// moveClock lets time pass: some of it, or up to a moment about a midnight, where what is closed when is decided.
func (w *walk) moveClock(r *rapid.T) {
	ends := w.model.ends(cmp.Or(w.model.oldest("open", "closing"), w.model.day(w.now)))
	var to time.Time
	switch rapid.SampledFrom([]string{"seconds", "minutes", "hours", "days", "before", "after", "after"}).Draw(r, "by") {
	case "seconds":
		to = w.now.Add(time.Duration(rapid.IntRange(1, 59_999).Draw(r, "ms")) * time.Millisecond)
	case "minutes":
		to = w.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "minutes")) * time.Minute)
	case "hours":
		to = w.now.Add(time.Duration(rapid.IntRange(1, 12).Draw(r, "hours")) * time.Hour)
	case "days":
		to = w.now.Add(time.Duration(rapid.IntRange(1, 3).Draw(r, "days")) * 24 * time.Hour)
	case "before":
		to = w.model.ends(w.model.day(w.now)).Add(-rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 10 * time.Minute}).Draw(r, "before"))
	case "after":
		to = ends.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 19 * time.Second, 20 * time.Second, 5 * time.Minute, 15*time.Minute - 1, 15 * time.Minute}).Draw(r, "after"))
	}
	w.to(to)
}

// sweep is what the clock does every minute: it closes what is due, and nothing else.
func (w *walk) sweep(r *rapid.T) {
	if len(w.model.status) == 0 {
		w.endSlow() // books that nobody has opened yet cannot wait for it
	}
	at := w.crashPoint(r)
	if w.do(jobs.CloseDay(w.books), at) != nil {
		w.require.NotZero(at)
		return
	}
	if day := w.model.oldest("open", "closing"); w.model.status[day] == "open" {
		wait := w.now.Sub(w.model.ends(day))
		w.require.Less(wait, modelGrace, "%s is due", day)
		if wait >= modelSoon {
			w.require.NotZero(w.count(`select count(*) from river.river_job where kind in ('withdraw_money', 'deposit_money') and state not in ('completed', 'cancelled', 'discarded')`),
				"%s is due, as all of it is booked", day)
		}
	}
}

// workOne works on one job.
func (w *walk) workOne(r *rapid.T) {
	if id, ok := w.aJob(r, "available"); ok {
		w.finish(w.attempt(id), w.crashPoint(r))
	}
}

// workSome works on what waits now, in some order, but not on what that brings.
func (w *walk) workSome(r *rapid.T) {
	for _, id := range w.inOrder(r, w.waiting()) {
		w.finish(w.attempt(id), 0)
	}
}

// begin lets somebody take a job who does not get on with it.
func (w *walk) begin(r *rapid.T) {
	if id, ok := w.aJob(r, "available"); ok {
		w.held = append(w.held, w.attempt(id))
	}
}

// finishOne lets one of those get on with it, who may not be the one any more to whom the job was given.
func (w *walk) finishOne(r *rapid.T) {
	if len(w.held) == 0 {
		r.Skip()
	}
	i := rapid.IntRange(0, len(w.held)-1).Draw(r, "held")
	held := w.held[i]
	w.held = append(w.held[:i], w.held[i+1:]...)
	w.finish(held, w.crashPoint(r))
}

// rescue gives a job that is being worked on to others, whether whoever works on it is alive or not.
func (w *walk) rescue(r *rapid.T) {
	if id, ok := w.aJob(r, "running"); ok {
		w.change(`update river.river_job set state = 'available' where id = $1`, id)
	}
}

// redeliver has a job worked on again that was done.
func (w *walk) redeliver(r *rapid.T) {
	if id, ok := w.aJob(r, "completed"); ok {
		w.retry(id)
	}
}

// duplicate puts a second job for the same events.
func (w *walk) duplicate(r *rapid.T) {
	if id, ok := w.aJob(r, "available", "running", "completed"); ok {
		w.change(`insert into river.river_job (kind, args, queue, max_attempts) select kind, args, queue, max_attempts from river.river_job where id = $1`, id)
	}
}

// giveUp discards a job, until the queue is next settled.
func (w *walk) giveUp(r *rapid.T) {
	if id, ok := w.aJob(r, "available"); ok {
		w.change(`update river.river_job set state = 'discarded', finalized_at = now() where id = $1`, id)
		w.givenUp(id)
	}
}

// slowCreate begins to create a task and does not get further before some seconds have passed; no command may take longer. Those
// seconds are often the ones about midnight.
func (w *walk) slowCreate(r *rapid.T) {
	w.endSlow()
	midnight := w.model.ends(w.model.day(w.now))
	over := rapid.Bool().Draw(r, "over midnight")
	if over {
		w.to(midnight.Add(-time.Second))
	}
	w.beginSlow(&tracker.CreateTask{Request: w.request(w.somebody(r)), Description: "Takes its time"})
	if over {
		w.to(midnight.Add(time.Second))
		w.create(r)
		w.sweep(r)
	}
}

// providerOf pays people in one of the two ways.
func providerOf(books accounting.Books, byFile bool) accounting.PayoutProvider {
	if !byFile {
		return accounting.InBooks{}
	}
	return accounting.PayoutFile{Books: books, Currency: "USD", Debtor: "UberPopug Inc.", IBAN: "DE89370400440532013000"}
}

// newWalk founds a company: an admin, a manager, three workers of whom the others have heard, and books that are opened or not yet.
func newWalk(t walkT, books accounting.Books, start string) *walk {
	w := emptyWalk(t, books, providerOf(books, rapid.Bool().Draw(t.r, "bank file")), start)
	for _, role := range []domain.Role{domain.Admin, domain.Manager, domain.Worker, domain.Worker, domain.Worker} {
		w.register(role)
	}
	if rapid.Bool().Draw(t.r, "opened") {
		w.require.NoError(w.do(jobs.CloseDay(books), 0))
	}
	for _, id := range w.waiting() {
		w.finish(w.attempt(id), 0)
	}
	return w
}
