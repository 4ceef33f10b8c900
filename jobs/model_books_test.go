package jobs_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// modelBooks are the company's tasks and books as sections 4 and 5 of the specification describe them, in plain Go and memory.
// They are told what happened, in the order in which it was committed, and say what must not have. What is drawn they take from
// the events; all else they work out by themselves. Days are written as YYYY-MM-DD.
type modelBooks struct {
	zone *time.Location
	// people are everybody as Auth has them; tracker and accounting are what those have heard of them.
	people, tracker, accounting map[uuid.UUID]auth.User
	// heard is when Accounting first heard of somebody as a Worker.
	heard  map[uuid.UUID]time.Time
	tasks  map[uuid.UUID]*modelTask
	due    map[uuid.UUID]*modelDue
	ledger []modelEntry
	// status is that of each day of the books.
	status   map[string]string
	closings map[workerDay]modelClosing
	// reset and paid are the days of workers that have been closed and paid.
	reset, paid map[workerDay]bool
	last        map[string]time.Time
}

type modelTask struct {
	status      string
	assignee    uuid.UUID
	assignment  int32
	fee, reward int64
}

// modelDue is an event of the tracker that is to be booked.
type modelDue struct {
	kind       string
	task       uuid.UUID
	assignment int32
	worker     uuid.UUID
	occurred   time.Time
	// givenUp is whether its job has been.
	givenUp bool
}

// modelEntry is a fee or a reward in the ledger.
type modelEntry struct {
	kind       string
	worker     uuid.UUID
	task       uuid.UUID
	assignment int32
	amount     int64
	day        string
	occurred   time.Time
}

type workerDay struct {
	worker uuid.UUID
	day    string
}

type modelClosing struct{ opening, fees, rewards, payout, carried int64 }

func newModelBooks(zone *time.Location) *modelBooks {
	return &modelBooks{
		zone: zone, people: map[uuid.UUID]auth.User{}, tracker: map[uuid.UUID]auth.User{}, accounting: map[uuid.UUID]auth.User{},
		heard: map[uuid.UUID]time.Time{}, tasks: map[uuid.UUID]*modelTask{}, due: map[uuid.UUID]*modelDue{}, status: map[string]string{},
		closings: map[workerDay]modelClosing{}, reset: map[workerDay]bool{}, paid: map[workerDay]bool{}, last: map[string]time.Time{},
	}
}

// day is the business day of a moment.
func (m *modelBooks) day(moment time.Time) string { return moment.In(m.zone).Format(time.DateOnly) }

// ends is the first moment after a day. It is looked for, since there are days that do not end at a midnight.
func (m *modelBooks) ends(day string) time.Time {
	if t, ok := m.last[day]; ok {
		return t
	}
	t, err := time.ParseInLocation("2006-01-02 15", day+" 12", m.zone)
	if err != nil {
		panic(err)
	}
	for m.day(t) <= day {
		t = t.Add(time.Minute)
	}
	m.last[day] = t
	return t
}

// dayAfter is the calendar's day some days after another.
func dayAfter(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

// drawable are the people whom the tracker may draw: active Workers, as far as it has heard.
func (m *modelBooks) drawable(id uuid.UUID) bool {
	u := m.tracker[id]
	return u.Role == domain.Worker && u.Status == auth.Active
}

func (m *modelBooks) anybodyDrawable() bool {
	for id := range m.tracker {
		if m.drawable(id) {
			return true
		}
	}
	return false
}

// created tells of a new task.
func (m *modelBooks) created(e tracker.TaskCreated) error {
	if m.tasks[e.TaskID] != nil {
		return fmt.Errorf("task %s was created twice", e.TaskID)
	}
	m.tasks[e.TaskID] = &modelTask{status: tracker.Open}
	return nil
}

// assigned tells of a draw.
func (m *modelBooks) assigned(id uuid.UUID, e tracker.TaskAssigned, at time.Time) error {
	task := m.tasks[e.TaskID]
	switch {
	case task == nil || task.status != tracker.Open:
		return fmt.Errorf("task %s was assigned and is not open", e.TaskID)
	case !m.drawable(e.Assignee):
		return fmt.Errorf("task %s was drawn for %s, no active worker", e.TaskID, e.Assignee)
	case e.Assignee == task.assignee:
		return fmt.Errorf("task %s was kept and has an event", e.TaskID)
	case e.Assignment != task.assignment+1 || (e.Previous == nil) != (e.Assignment == 1) || e.Previous != nil && *e.Previous != task.assignee:
		return fmt.Errorf("assignment %d of task %s follows %d", e.Assignment, e.TaskID, task.assignment)
	}
	task.assignee, task.assignment = e.Assignee, e.Assignment
	m.due[id] = &modelDue{kind: accounting.Fee, task: e.TaskID, assignment: e.Assignment, worker: e.Assignee, occurred: at}
	return nil
}

// resolved tells of a task that is done.
func (m *modelBooks) resolved(id uuid.UUID, e tracker.TaskResolved, at time.Time) error {
	task := m.tasks[e.TaskID]
	if task == nil || task.status != tracker.Open || e.Assignee != task.assignee || e.Assignment != task.assignment {
		return fmt.Errorf("task %s was resolved as %+v and was %+v", e.TaskID, e, task)
	}
	task.status = tracker.Resolved
	m.due[id] = &modelDue{kind: accounting.Reward, task: e.TaskID, assignment: e.Assignment, worker: e.Assignee, occurred: at}
	return nil
}

// priced tells of the prices that were drawn for a task.
func (m *modelBooks) priced(e accounting.TaskPriced) error {
	task := m.tasks[e.TaskID]
	whole := func(amount, low, high int64) bool { return amount%100 == 0 && amount >= low*100 && amount <= high*100 }
	if task == nil || task.fee != 0 || !whole(e.Fee, 10, 20) || !whole(e.Reward, 20, 40) {
		return fmt.Errorf("%+v was priced %+v", task, e)
	}
	task.fee, task.reward = e.Fee, e.Reward
	return nil
}

// learned tells that a context has heard of a person, and when.
func (m *modelBooks) learned(known map[uuid.UUID]auth.User, u auth.User) {
	if u.Version > known[u.ID].Version {
		known[u.ID] = u
	}
}

// book tells of a fee or reward that was booked because of an event. It belongs to the day in which the event occurred, or to the
// oldest open one when that was closed, or being closed, by then.
func (m *modelBooks) book(event uuid.UUID, got modelEntry) error {
	due := m.due[event]
	if due == nil {
		return fmt.Errorf("booked for no event, or again: %+v", got)
	}
	task := m.tasks[due.task]
	want := modelEntry{kind: due.kind, worker: due.worker, task: due.task, assignment: due.assignment, amount: task.fee, day: m.day(due.occurred), occurred: due.occurred}
	if due.kind == accounting.Reward {
		want.amount = task.reward
	}
	// What was given up is late even for books that had not been opened by then.
	if s := m.status[want.day]; s == "closing" || s == "closed" || s == "" && due.givenUp {
		want.day = max(want.day, m.oldest("open"))
	}
	if want != got {
		return fmt.Errorf("booked %+v instead of %+v", got, want)
	}
	delete(m.due, event)
	m.ledger = append(m.ledger, got)
	return nil
}

const (
	modelGrace = 15 * time.Minute
	// modelSoon is how long after its end a day may wait though all of it is booked: the clock asks once a minute.
	modelSoon = time.Minute
)

// beginsToClose tells that a day takes no more bookings, and works out what it leaves to everybody.
func (m *modelBooks) beginsToClose(day string, now time.Time) error {
	if now.Before(m.ends(day)) {
		return fmt.Errorf("%s is closed before its end", day)
	}
	for other, status := range m.status {
		if other < day && status != "closed" {
			return fmt.Errorf("%s is closed before %s", day, other)
		}
	}
	if now.Before(m.ends(day).Add(modelGrace)) {
		for _, due := range m.due {
			if !due.givenUp && m.day(due.occurred) <= day {
				return fmt.Errorf("%s is closed at %s without %+v", day, now, due)
			}
		}
	}
	for _, e := range m.ledger {
		if e.day < day && m.status[e.day] != "closed" {
			return fmt.Errorf("%s is closed before %s, where %+v is", day, e.day, e)
		}
		if e.day > day {
			continue
		}
		key := workerDay{e.worker, day}
		if _, ok := m.closings[key]; !ok {
			m.closings[key] = m.of(e.worker, day)
		}
	}
	return nil
}

// of is what a day leaves to a worker.
func (m *modelBooks) of(worker uuid.UUID, day string) modelClosing {
	c := modelClosing{opening: m.closings[workerDay{worker, dayAfter(day, -1)}].carried}
	c.fees, c.rewards = m.booked(func(e modelEntry) bool { return e.worker == worker && e.day == day })
	balance := c.opening - c.fees + c.rewards
	c.payout, c.carried = max(0, balance), min(0, balance)
	return c
}

// booked sums up entries.
func (m *modelBooks) booked(which func(modelEntry) bool) (fees, rewards int64) {
	for _, e := range m.ledger {
		switch {
		case !which(e):
		case e.kind == accounting.Fee:
			fees += e.amount
		default:
			rewards += e.amount
		}
	}
	return fees, rewards
}

// resets tells that a worker's day was closed.
func (m *modelBooks) resets(e accounting.BalanceReset) error {
	key := workerDay{e.UserID, e.Day}
	got := modelClosing{e.Opening, e.Fees, e.Rewards, e.Amount, e.CarriedOver}
	if m.status[e.Day] != "closing" || m.reset[key] || got != m.closings[key] {
		return fmt.Errorf("%s was closed for %s, which is %s, as %+v instead of %+v, before: %t", e.Day, e.UserID, m.status[e.Day], got, m.closings[key], m.reset[key])
	}
	m.reset[key] = true
	return nil
}

// pays tells that a worker was paid for a day.
func (m *modelBooks) pays(e accounting.PayoutCommitted) error {
	key := workerDay{e.UserID, e.Day}
	if !m.reset[key] || m.paid[key] || e.Amount <= 0 || e.Amount != m.closings[key].payout {
		return fmt.Errorf("%+v was paid for %+v, before: %t", e, m.closings[key], m.paid[key])
	}
	m.paid[key] = true
	return nil
}

// closes tells that a day is closed for everybody: for whoever had something in it, and for every worker of that time.
func (m *modelBooks) closes(day string) error {
	for key, c := range m.closings {
		if key.day == day && c != (modelClosing{}) && !m.reset[key] {
			return fmt.Errorf("%s is closed without %+v", day, c)
		}
	}
	for worker, at := range m.heard {
		if at.Before(m.ends(day)) && !m.reset[workerDay{worker, day}] {
			return fmt.Errorf("%s is closed without %s, heard of at %s", day, worker, at)
		}
	}
	return nil
}

// balance is what is in a worker's wallet.
func (m *modelBooks) balance(worker uuid.UUID) int64 {
	fees, rewards := m.booked(func(e modelEntry) bool { return e.worker == worker })
	for key := range m.reset {
		if key.worker == worker {
			rewards -= m.closings[key].payout
		}
	}
	return rewards - fees
}

// dearest is the task with the highest reward of those whose reward is in the days from first to last, the earliest of equals.
func (m *modelBooks) dearest(first, last string) (modelEntry, bool) {
	rewards := slices.DeleteFunc(slices.Clone(m.ledger), func(e modelEntry) bool { return e.kind != accounting.Reward || e.day < first || e.day > last })
	if len(rewards) == 0 {
		return modelEntry{}, false
	}
	return slices.MinFunc(rewards, func(a, b modelEntry) int {
		return cmp.Or(cmp.Compare(b.amount, a.amount), a.occurred.Compare(b.occurred), cmp.Compare(a.task.String(), b.task.String()))
	}), true
}

// opening is what a worker owes at the beginning of a day: what the day before leaves, as soon as it is closed.
func (m *modelBooks) opening(worker uuid.UUID, day string) int64 {
	before := dayAfter(day, -1)
	switch m.status[before] {
	case "":
		return 0
	case "closed":
		return m.closings[workerDay{worker, before}].carried
	}
	fees, rewards := m.booked(func(e modelEntry) bool { return e.worker == worker && e.day == before })
	return min(0, m.opening(worker, before)-fees+rewards)
}

// oldest is the oldest day of the books with one of some statuses; empty when there is none.
func (m *modelBooks) oldest(statuses ...string) (oldest string) {
	for day, status := range m.status {
		if slices.Contains(statuses, status) && (oldest == "" || day < oldest) {
			oldest = day
		}
	}
	return oldest
}
