package handlers

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"ates/sql/dbsqlc"
	"ates/views"
)

// flowFacts are what the log, the books and the queue say of one command.
type flowFacts struct {
	command dbsqlc.FindCommandRow
	sums    []dbsqlc.SumFlowRow
	runs    []dbsqlc.ListRunsRow
	// open jobs have not done their work.
	open []Job
	// causes are where the events were told that other events name as their cause.
	causes   map[uuid.UUID]dbsqlc.WhereToldRow
	entries  []dbsqlc.SumEntriesRow
	messages []dbsqlc.SumMessagesRow
	// reactions are the events to which each kind of job reacts.
	reactions map[string][]string
}

// step is a step of a flow with what it was made of. Steps that are alike, by their names and by all that led to them, are one.
type step struct {
	views.FlowStep
	causes      []*step
	batches     []uuid.UUID
	runs        []dbsqlc.ListRunsRow
	open        []Job
	waited, ran []time.Duration
}

// flowSteps puts the facts together: the command, the events that it told, the jobs that these caused, the events that those told
// and so on, each with the entries and messages of the same run. What the log no longer knows the run of follows the event that
// it names as its cause.
func flowSteps(facts flowFacts) []*step {
	f := &flow{flowFacts: facts, known: map[string]*step{}, told: map[uuid.UUID]bool{}, batches: map[uuid.UUID][]dbsqlc.SumFlowRow{}, jobs: map[uuid.UUID][]job{}}
	for _, sum := range facts.sums {
		f.batches[sum.Batch] = append(f.batches[sum.Batch], sum)
	}
	for _, run := range facts.runs {
		f.jobs[run.Batch] = append(f.jobs[run.Batch], job{kind: run.Kind, queue: run.Queue, first: run.First, last: run.Last, run: &run})
	}
	for _, open := range facts.open {
		if !slices.ContainsFunc(f.batches[open.Batch], func(sum dbsqlc.SumFlowRow) bool { return sum.First <= open.Last && sum.Last >= open.First }) {
			continue // it works for another command that told its events in the same batch
		}
		f.jobs[open.Batch] = append(f.jobs[open.Batch], job{kind: open.Kind, queue: open.Queue, first: open.First, last: open.Last, open: &open})
	}
	command := f.step(views.FlowCommand, facts.command.Name)
	command.Count, command.Lane = 1, f.laneOfCommand()
	if facts.command.DoneAt != nil {
		command.Until = f.since(*facts.command.DoneAt)
	}
	for _, sum := range facts.sums {
		if sum.Cause == facts.command.ID {
			f.tell(sum.Batch, command)
		}
	}
	f.tellForgotten(command)
	f.addRest(command)

	for _, s := range f.steps {
		s.Waited, s.Ran = spread(s.waited), spread(s.ran)
	}
	slices.SortStableFunc(f.steps, func(a, b *step) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Depth, b.Depth), cmp.Compare(a.Lane.Order(), b.Lane.Order()))
	})
	places := map[*step]int{}
	for i, s := range f.steps {
		places[s] = i
	}
	for _, s := range f.steps {
		for _, cause := range s.causes {
			s.Causes = append(s.Causes, places[cause])
		}
	}
	return f.steps
}

// flow is a flow that is being put together.
type flow struct {
	flowFacts
	steps   []*step
	known   map[string]*step
	batches map[uuid.UUID][]dbsqlc.SumFlowRow
	jobs    map[uuid.UUID][]job
	told    map[uuid.UUID]bool
	entered []bool
	noted   []bool
}

// job is one that reacts to events of a batch, whether it has done its work or not.
type job struct {
	kind, queue string
	first, last int64
	run         *dbsqlc.ListRunsRow
	open        *Job
}

func (f *flow) since(t time.Time) time.Duration { return t.Sub(f.command.OccurredAt) }

// step finds the step of that name and those causes, or adds it.
func (f *flow) step(kind views.FlowKind, name string, causes ...*step) *step {
	path := fnv.New64a()
	depth := 0
	for _, cause := range causes {
		fmt.Fprint(path, cause.ID, "+")
		depth = max(depth, cause.Depth+1)
	}
	fmt.Fprint(path, ">", kind, ":", name)
	id := fmt.Sprintf("%016x", path.Sum64())
	if s, ok := f.known[id]; ok {
		return s
	}
	s := &step{FlowStep: views.FlowStep{ID: id, Kind: kind, Name: name, Depth: depth, At: -1}, causes: causes}
	if len(causes) == 0 {
		s.At = 0
	}
	f.known[id], f.steps = s, append(f.steps, s)
	return s
}

// passed notes that something of the step began and ended.
func (s *step) passed(began, ended time.Duration) {
	if s.At < 0 || began < s.At {
		s.At = began
	}
	s.Until = max(s.Until, ended)
}

// tell adds the events that a run told, and all that they caused.
func (f *flow) tell(batch uuid.UUID, by *step) {
	if f.told[batch] {
		return
	}
	f.told[batch] = true
	events := map[string]*step{}
	for _, sum := range f.batches[batch] {
		s := f.step(views.FlowEvent, sum.Name, by)
		s.Lane = views.FlowLane(sum.Producer)
		s.Count += int(sum.Events)
		s.passed(f.since(sum.OccurredAt), f.since(sum.OccurredAt))
		s.batches = append(s.batches, batch)
		events[sum.Name] = s
	}
	for _, j := range f.jobs[batch] {
		var causes []*step
		for _, sum := range f.batches[batch] {
			if sum.First <= j.last && sum.Last >= j.first && slices.Contains(f.reactions[j.kind], sum.Name) {
				causes = append(causes, events[sum.Name])
			}
		}
		if len(causes) == 0 {
			causes = []*step{by}
		}
		f.react(j, causes)
	}
}

// react adds a job, and what it told and wrote.
func (f *flow) react(j job, causes []*step) {
	s := f.step(views.FlowJob, j.kind, causes...)
	s.Lane, s.Queue = laneOfJob(j.kind, j.queue), j.queue
	s.Count++
	if j.open != nil {
		f.wait(s, j.open)
		return
	}
	run := j.run
	s.Done++
	s.Attempts = max(s.Attempts, int(run.Attempt))
	s.runs = append(s.runs, *run)
	s.waited = append(s.waited, run.BeganAt.Sub(run.OccurredAt))
	s.ran = append(s.ran, run.EndedAt.Sub(run.BeganAt))
	s.passed(f.since(run.BeganAt), f.since(run.EndedAt))
	for i, entry := range f.entries {
		if s.Lane == views.LaneAccounting && entry.BookedAt.Equal(run.BeganAt) && slices.Contains(f.reactions[run.Kind], entry.EventName) {
			f.enter(i, s)
		}
	}
	for i, message := range f.messages {
		if s.Lane == views.LaneMessages && message.NotedAt.Equal(run.BeganAt) {
			f.note(i, s)
		}
	}
	f.tell(run.Told, s)
}

// wait adds a job that has not done its work.
func (f *flow) wait(s *step, open *Job) {
	s.open = append(s.open, *open)
	s.Attempts = max(s.Attempts, open.Attempt)
	switch open.State {
	case "running":
		s.Running++
	case "retryable":
		s.Failing++
	case "discarded", "cancelled":
		s.Dead++
	default:
		s.Waiting++
	}
	if open.Error != "" {
		s.Error = reason(open.Error)
	}
	for _, cause := range s.causes {
		s.passed(cause.At, cause.At)
	}
}

// enter adds entries of the books, each once.
func (f *flow) enter(i int, by *step) {
	if f.entered == nil {
		f.entered = make([]bool, len(f.entries))
	}
	if f.entered[i] {
		return
	}
	f.entered[i] = true
	entry := f.entries[i]
	s := f.step(views.FlowEntry, entry.Kind, by)
	s.Lane = views.LaneAccounting
	s.Count += int(entry.Transfers)
	s.Amount += entry.Amount
	s.passed(f.since(entry.BookedAt), f.since(entry.BookedAt))
}

// note adds messages, each once.
func (f *flow) note(i int, by *step) {
	if f.noted == nil {
		f.noted = make([]bool, len(f.messages))
	}
	if f.noted[i] {
		return
	}
	f.noted[i] = true
	message := f.messages[i]
	s := f.step(views.FlowMessage, message.State, by)
	s.Lane = views.LaneMessages
	s.Count += int(message.Messages)
	if views.MailState(message.State) == views.MailWaiting {
		s.Waiting += int(message.Messages)
	}
	s.passed(f.since(message.NotedAt), f.since(message.Since))
}

// tellForgotten adds the events whose run nobody remembers, each behind the event that caused it.
func (f *flow) tellForgotten(command *step) {
	for again := true; again; {
		again = false
		for _, sum := range f.sums {
			cause, ok := f.causes[sum.Cause]
			if f.told[sum.Batch] || !ok || !f.told[cause.Batch] {
				continue
			}
			for _, s := range f.steps {
				if s.Kind == views.FlowEvent && s.Name == cause.Name && slices.Contains(s.batches, cause.Batch) {
					s.Forgotten = true
					f.tell(sum.Batch, s)
					again = true
					break
				}
			}
		}
	}
	for _, sum := range f.sums {
		f.tell(sum.Batch, command)
	}
}

// addRest adds the entries and messages whose run nobody remembers.
func (f *flow) addRest(command *step) {
	last := func(fits func(*step) bool) *step {
		for _, s := range slices.Backward(f.steps) {
			if fits(s) {
				return s
			}
		}
		return command
	}
	for i, entry := range f.entries {
		f.enter(i, last(func(s *step) bool { return s.Kind == views.FlowEvent && s.Name == entry.EventName }))
	}
	for i := range f.messages {
		f.note(i, last(func(s *step) bool { return s.Kind == views.FlowEvent && slices.Contains(toldToPeople, s.Name) }))
	}
}

// laneOfCommand is the context of a command: that of its name, or else of what it told.
func (f *flow) laneOfCommand() views.FlowLane {
	context, _, _ := strings.Cut(f.command.Name, ".")
	if lane := views.FlowLane(context); slices.Contains(views.FlowLanes(), lane) {
		return lane
	}
	for _, sum := range f.sums {
		if sum.Cause == f.command.ID {
			return views.FlowLane(sum.Producer)
		}
	}
	return views.LaneAccounting
}

// laneOfJob is where the work of a job can be seen.
func laneOfJob(kind, queue string) views.FlowLane {
	switch {
	case queue == "read_models":
		return views.LanePages
	case queue == "mail" || queue == "notifications":
		return views.LaneMessages
	case strings.HasPrefix(kind, "tracker_"):
		return views.LaneTracker
	}
	return views.LaneAccounting
}

// spread is the smallest, the middle and the largest of some times.
func spread(times []time.Duration) *views.Spread {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	return &views.Spread{Least: times[0], Middle: times[len(times)/2], Most: times[len(times)-1]}
}

// reason is the first line of an error.
func reason(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(line); len(runes) > 300 {
		line = string(runes[:299]) + "…"
	}
	return line
}
