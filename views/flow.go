package views

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ates/domain"
)

// FlowData is what one command set off.
type FlowData struct {
	// Address is the page's own, ID the command's, by which everything that it set off can be found.
	Address, ID string
	Command     CommandRow
	// Request is what the logs know the request by; empty where there was none.
	Request string
	// Input and Answer are what the command was asked and what it answered.
	Input, Answer []Fact
	// Steps are in the order of time, the command first.
	Steps []FlowStep
	// Cut says that there are more jobs than are shown.
	Cut bool
}

// seesFlows reports whether the viewer may follow an event to what led to it and what it set off.
func (p Page) seesFlows() bool { return p.Viewer != nil && p.Viewer.Role == domain.Admin }

// Fact is a value with its name, as the command has it.
type Fact struct {
	Name, Value string
}

// FlowStep is a step of a flow, or several that are alike. Times are since the command.
type FlowStep struct {
	ID   string
	Kind FlowKind
	// Name is that of the command, event or kind of job; the kind of the entries; or the state of the messages.
	Name  string
	Lane  FlowLane
	Queue string
	// Causes are the places of those that led to it, and Depth is how far it is from the command.
	Causes []int
	Depth  int
	Count  int
	// At is when the first was there, Until when the last was done.
	At, Until time.Duration
	// Waited and Ran are the times of jobs that are done; nil where none is.
	Waited, Ran *Spread
	// Done, Running, Waiting, Failing and Dead are how many are in which state; Attempts is the most that one took, Error why the
	// last one failed.
	Done, Running, Waiting, Failing, Dead int
	Attempts                              int
	Error                                 string
	// Job is the address of the job in River's dashboard, where there is one that is still to be looked at.
	Job string
	// Amount is what entries moved, in minor units.
	Amount int64
	// Members is the address of the list of those that are alike; empty where there is none.
	Members string
	// Forgotten says that nobody remembers the jobs that it caused.
	Forgotten bool
}

// Spread is the smallest, the middle and the largest of some times.
type Spread struct{ Least, Middle, Most time.Duration }

// FlowKind is what a step is.
type FlowKind string

// The kinds of step.
const (
	FlowCommand FlowKind = "command"
	FlowEvent   FlowKind = "event"
	FlowJob     FlowKind = "job"
	FlowEntry   FlowKind = "entry"
	FlowMessage FlowKind = "message"
)

// FlowLane is where a step is: in one of the contexts, on the pages, or in what people are told.
type FlowLane string

// The lanes.
const (
	LaneAuth       FlowLane = "auth"
	LaneTracker    FlowLane = "tracker"
	LaneAccounting FlowLane = "accounting"
	LanePages      FlowLane = "pages"
	LaneMessages   FlowLane = "messages"
)

// FlowLanes lists the lanes from top to bottom.
func FlowLanes() []FlowLane {
	return []FlowLane{LaneAuth, LaneTracker, LaneAccounting, LanePages, LaneMessages}
}

// Order is the place of the lane.
func (l FlowLane) Order() int { return slices.Index(FlowLanes(), l) }

// FlowState is how far a step is.
type FlowState string

// The states, from the best to the worst.
const (
	FlowDone    FlowState = "done"
	FlowRunning FlowState = "running"
	FlowWaiting FlowState = "waiting"
	FlowFailing FlowState = "failing"
	FlowDead    FlowState = "dead"
)

// State is that of the worst of those that are alike.
func (s FlowStep) State() FlowState {
	switch {
	case s.Dead > 0:
		return FlowDead
	case s.Failing > 0:
		return FlowFailing
	case s.Running > 0:
		return FlowRunning
	case s.Waiting > 0:
		return FlowWaiting
	}
	return FlowDone
}

// open reports whether something of the step has still to happen.
func (s FlowStep) open() bool { return s.Running+s.Waiting+s.Failing > 0 }

// Open reports whether something has still to happen by itself.
func (d FlowData) Open() bool { return slices.ContainsFunc(d.Steps, FlowStep.open) }

// count adds up how many are in a state.
func (d FlowData) count(of func(FlowStep) int) (n int) {
	for _, s := range d.Steps {
		n += of(s)
	}
	return n
}

// until is when the last of some steps was done; zero where there is none.
func (d FlowData) until(of func(FlowStep) bool) (last time.Duration) {
	for _, s := range d.Steps {
		if of(s) {
			last = max(last, s.Until)
		}
	}
	return last
}

// summary says how it ended, or how far it is.
func (d FlowData) summary(ctx context.Context) string {
	switch {
	case d.count(func(s FlowStep) int { return s.Dead }) > 0:
		return N(ctx, "flow.summary_dead", d.count(func(s FlowStep) int { return s.Dead }))
	case d.count(func(s FlowStep) int { return s.Failing }) > 0:
		return N(ctx, "flow.summary_failing", d.count(func(s FlowStep) int { return s.Failing }))
	case d.Open():
		return N(ctx, "flow.summary_open", d.count(func(s FlowStep) int { return s.Running + s.Waiting }))
	}
	return T(ctx, "flow.summary_done", "Took", Elapsed(ctx, d.until(func(FlowStep) bool { return true })))
}

// state is that of the whole.
func (d FlowData) state() FlowState {
	worst := FlowDone
	rank := []FlowState{FlowDone, FlowWaiting, FlowRunning, FlowFailing, FlowDead}
	for _, s := range d.Steps {
		if slices.Index(rank, s.State()) > slices.Index(rank, worst) {
			worst = s.State()
		}
	}
	return worst
}

// milestone is a moment of a flow that people ask for.
type milestone struct{ label, value string }

// milestones are how long the command took, and after how long all was booked, shown and told.
func (d FlowData) milestones(ctx context.Context) []milestone {
	var all []milestone
	add := func(label string, of func(FlowStep) bool) {
		if slices.ContainsFunc(d.Steps, of) {
			all = append(all, milestone{label, Elapsed(ctx, d.until(of))})
		}
	}
	if len(d.Steps) > 0 && d.Steps[0].Until > 0 {
		all = append(all, milestone{T(ctx, "flow.command_took"), Elapsed(ctx, d.Steps[0].Until)})
	}
	add(T(ctx, "flow.booked_after"), func(s FlowStep) bool { return s.Kind == FlowEntry })
	add(T(ctx, "flow.shown_after"), func(s FlowStep) bool { return s.Lane == LanePages && s.Done > 0 })
	add(T(ctx, "flow.told_after"), func(s FlowStep) bool { return s.Kind == FlowMessage })
	return all
}

// title is what a step is called.
func (s FlowStep) title(ctx context.Context) string {
	switch s.Kind {
	case FlowEntry:
		return TransferKind(s.Name).Name(ctx)
	case FlowMessage:
		return T(ctx, "flow.mail_"+s.Name)
	case FlowCommand:
		return commandTitle(s.Name)
	case FlowEvent, FlowJob:
	}
	return s.Name
}

// commandTitle is a command's name without its context.
func commandTitle(name string) string {
	_, title, found := strings.Cut(name, ".")
	if !found {
		return name
	}
	return strings.ToUpper(title[:1]) + title[1:]
}

// kindName is what steps of the kind are.
func (s FlowStep) kindName(ctx context.Context) string { return T(ctx, "flow.kind_"+string(s.Kind)) }

// hint is what the step is, with what there is to say beside its times.
func (s FlowStep) hint(ctx context.Context) string {
	hint := s.kindName(ctx)
	if s.Kind == FlowEntry {
		hint += " · " + Money(ctx, s.Amount)
	}
	if s.Queue != "" {
		hint += " · " + T(ctx, "flow.queue", "Queue", s.Queue)
	}
	if s.Forgotten {
		hint += " · " + T(ctx, "flow.forgotten")
	}
	return hint
}

// countOf counts the steps of a kind.
func countOf(kind FlowKind) func(FlowStep) int {
	return func(s FlowStep) int {
		if s.Kind == kind {
			return s.Count
		}
		return 0
	}
}

// Name is what the lane is called.
func (l FlowLane) Name(ctx context.Context) string { return T(ctx, "flow.lane_"+string(l)) }

// Elapsed writes how long something took: "<1 ms", "38 ms", "1.24 s", "41 s", "3 min 5 s", "2 h 4 min", "3 d 2 h".
func Elapsed(ctx context.Context, d time.Duration) string {
	unit := func(n int, name string) string { return Number(ctx, n) + nbsp + T(ctx, "unit."+name) }
	pair := func(big int, bigName string, small int, smallName string) string {
		if small == 0 {
			return unit(big, bigName)
		}
		return unit(big, bigName) + " " + unit(small, smallName)
	}
	switch {
	case d < time.Millisecond:
		return "<" + unit(1, "ms")
	case d < time.Second:
		return unit(int(d/time.Millisecond), "ms")
	case d >= 10*time.Second && d < time.Minute:
		return unit(int(d/time.Second), "s")
	case d < time.Minute:
		digits := strconv.FormatFloat(math.Floor(d.Seconds()*100)/100, 'f', 2, 64)
		if DecimalComma(ctx) {
			digits = strings.Replace(digits, ".", ",", 1)
		}
		return digits + nbsp + T(ctx, "unit.s")
	case d < time.Hour:
		return pair(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	case d < 24*time.Hour:
		return pair(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
	return pair(int(d/(24*time.Hour)), "d", int(d%(24*time.Hour)/time.Hour), "h")
}

// after writes how long after the command something was.
func after(ctx context.Context, d time.Duration) string {
	if d <= 0 {
		return "0"
	}
	return "+" + Elapsed(ctx, d)
}

// text is the smallest, the middle and the largest time, or the one that there is.
func (s *Spread) text(ctx context.Context) string {
	if s.Least == s.Most {
		return Elapsed(ctx, s.Middle)
	}
	return Elapsed(ctx, s.Least) + " / " + Elapsed(ctx, s.Middle) + " / " + Elapsed(ctx, s.Most)
}
