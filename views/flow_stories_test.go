package views

import (
	"strconv"
	"time"
)

const ms = time.Millisecond

// even is a spread around a time.
func even(t time.Duration) *Spread { return &Spread{t / 2, t, t * 3} }

// only is a spread of one time.
func only(t time.Duration) *Spread { return &Spread{t, t, t} }

func commands() []CommandRow {
	took, long := 3*ms, 1240*ms
	max := Person{"max", "Max Macaw"}
	return []CommandRow{
		{ID: "c-5", Name: "tracker.AssignTasks", At: now.Add(-time.Minute), Took: &long, By: max, Events: 1000, More: true, Open: 17},
		{ID: "c-4", Name: "tracker.CreateTask", At: now.Add(-2 * time.Minute), Took: &took, By: max, Events: 4, Asked: []Fact{{"description", "Polish the mirror in the meeting room, and find out who-has-left-" + "fingerprints-fingerprints-fingerprints on it"}}},
		{ID: "c-3", Name: "jobs.closeDay", At: now.Add(-14 * time.Hour), Took: &took, Events: 27, Dead: 1},
		{ID: "c-2", Name: "auth.RegisterPerson", At: now.AddDate(0, 0, -9), By: Person{ID: "x"}, Events: 1, Asked: []Fact{{"login", "ann"}, {"name", "Ann Lorikeet"}, {"role", "worker"}}},
	}
}

func flowOfTask() FlowData {
	const flow = "0199f3c1-52d0-7a5e-8d53-000000000042"
	job := func(id, kind, queue string, lane FlowLane, depth int, at time.Duration, causes ...int) FlowStep {
		return FlowStep{ID: id, Kind: FlowJob, Name: kind, Queue: queue, Lane: lane, Causes: causes, Depth: depth, Count: 1, Done: 1, Attempts: 1, At: at, Until: at + 6*ms, Waited: only(at / 2), Ran: only(6 * ms), Members: "/m"}
	}
	event := func(id, name string, lane FlowLane, depth int, at time.Duration, cause int) FlowStep {
		return FlowStep{ID: id, Kind: FlowEvent, Name: name, Lane: lane, Causes: []int{cause}, Depth: depth, Count: 1, At: at, Until: at, Members: "/m"}
	}
	return FlowData{
		Address: "/ops/events/" + flow, ID: flow, Request: "9f3c1e52-77aa",
		Command: CommandRow{ID: flow, Name: "tracker.CreateTask", At: now.Add(-time.Minute), By: Person{"max", "Max Macaw"}},
		Input:   []Fact{{"description", "Polish the mirror in the meeting room"}}, Answer: []Fact{{"assignee", "Ann Lorikeet"}, {"number", "41"}},
		Steps: []FlowStep{
			{ID: "0", Kind: FlowCommand, Name: "tracker.CreateTask", Lane: LaneTracker, Count: 1, Until: 3 * ms},
			event("1", "Task.Created", LaneTracker, 1, 0, 0),
			event("2", "Task.Assigned", LaneTracker, 1, 0, 0),
			job("3", "price_tasks", "money", LaneAccounting, 2, 11*ms, 1),
			job("4", "withdraw_money", "money", LaneAccounting, 2, 12*ms, 2),
			job("5", "refresh_tasks", "read_models", LanePages, 2, 13*ms, 1, 2),
			event("6", "Task.Priced", LaneAccounting, 3, 11*ms, 3),
			{ID: "7", Kind: FlowEntry, Name: "fee", Lane: LaneAccounting, Causes: []int{4}, Depth: 3, Count: 1, Amount: 1500, At: 12 * ms, Until: 12 * ms, Members: "/m"},
			event("8", "Account.BalanceChanged", LaneAccounting, 3, 12*ms, 4),
			job("9", "refresh_tasks", "read_models", LanePages, 4, 31*ms, 6),
			job("10", "refresh_daily_balances", "read_models", LanePages, 4, 36*ms, 8),
		},
	}
}

func flowOfDraw() FlowData {
	d := flowOfTask()
	d.Command.Name = "tracker.AssignTasks"
	d.Cut, d.Request, d.Answer = true, "", []Fact{{"kept", "16"}, {"open", "10000"}, {"reassigned", "9984"}}
	d.Input = nil
	d.Steps = []FlowStep{
		{ID: "0", Kind: FlowCommand, Name: "tracker.AssignTasks", Lane: LaneTracker, Count: 1, Until: 1240 * ms},
		{ID: "1", Kind: FlowEvent, Name: "Task.Assigned", Lane: LaneTracker, Causes: []int{0}, Depth: 1, Count: 9984, Members: "/m"},
		{ID: "2", Kind: FlowEvent, Name: "Tasks.Drawn", Lane: LaneTracker, Causes: []int{0}, Depth: 1, Count: 1, Members: "/m"},
		{ID: "3", Kind: FlowJob, Name: "withdraw_money", Queue: "money", Lane: LaneAccounting, Causes: []int{1}, Depth: 2, Count: 20, Done: 11, Running: 8, Failing: 1, Attempts: 3, At: 1260 * ms, Until: 4 * time.Second, Waited: even(900 * ms), Ran: even(210 * ms), Error: "ERROR: deadlock detected (SQLSTATE 40P01)", Job: "/ops/jobs/jobs/7", Members: "/m"},
		{ID: "4", Kind: FlowJob, Name: "refresh_tasks", Queue: "read_models", Lane: LanePages, Causes: []int{1}, Depth: 2, Count: 20, Done: 20, Attempts: 1, At: 1270 * ms, Until: 3 * time.Second, Waited: even(700 * ms), Ran: even(150 * ms), Members: "/m"},
		{ID: "5", Kind: FlowEntry, Name: "fee", Lane: LaneAccounting, Causes: []int{3}, Depth: 3, Count: 5500, Amount: 8250000, At: 1260 * ms, Until: 4 * time.Second, Members: "/m"},
		{ID: "6", Kind: FlowEvent, Name: "Account.BalanceChanged", Lane: LaneAccounting, Causes: []int{3}, Depth: 3, Count: 5500, At: 1260 * ms, Until: 4 * time.Second, Members: "/m"},
		{ID: "7", Kind: FlowJob, Name: "refresh_daily_balances", Queue: "read_models", Lane: LanePages, Causes: []int{6}, Depth: 4, Count: 11, Done: 7, Waiting: 4, Attempts: 1, At: 1900 * ms, Until: 4100 * ms, Waited: even(300 * ms), Ran: even(80 * ms), Members: "/m"},
	}
	return d
}

// flowOfDays is what follows when days are closed that passed while the program was off: longer than a picture can be.
func flowOfDays() FlowData {
	d := flowOfTask()
	d.Command = CommandRow{ID: d.ID, Name: "jobs.closeDay", At: now.Add(-14 * time.Hour)}
	d.Input, d.Answer, d.Request = nil, nil, ""
	d.Steps = []FlowStep{{ID: "0", Kind: FlowCommand, Name: "jobs.closeDay", Lane: LaneAccounting, Count: 1, Until: 9 * ms}}
	add := func(kind FlowKind, name string, lane FlowLane, count, cause, depth int) int {
		at := time.Duration(len(d.Steps)) * 7 * ms
		s := FlowStep{ID: strconv.Itoa(len(d.Steps)), Kind: kind, Name: name, Lane: lane, Causes: []int{cause}, Depth: depth, Count: count, At: at, Until: at + 5*ms, Amount: int64(count) * 1500, Forgotten: kind == FlowEvent}
		if kind == FlowJob {
			s.Done, s.Waited, s.Ran, s.Attempts = count, only(ms/2), even(5*ms), 1
		}
		d.Steps = append(d.Steps, s)
		return len(d.Steps) - 1
	}
	cause := 0
	for day := range 3 {
		depth := day * 6
		ended := add(FlowEvent, "Day.Ended", LaneAccounting, 1, cause, depth+1)
		reset := add(FlowJob, "reset_balance", LaneAccounting, 1, ended, depth+2)
		add(FlowEntry, "reset", LaneAccounting, 5, reset, depth+3)
		balances := add(FlowEvent, "Account.BalanceReset", LaneAccounting, 8, reset, depth+3)
		closed := add(FlowEvent, "Day.Closed", LaneAccounting, 1, reset, depth+3)
		pay := add(FlowJob, "commit_payout", LaneAccounting, 1, balances, depth+4)
		add(FlowJob, "refresh_daily_balances", LanePages, 1, balances, depth+4)
		told := add(FlowJob, "notify_balances", LaneMessages, 1, balances, depth+4)
		add(FlowMessage, "kept", LaneMessages, 3, told, depth+5)
		cause = add(FlowJob, "close_next_day", LaneAccounting, 1, closed, depth+4)
		add(FlowEntry, "payout", LaneAccounting, 5, pay, depth+5)
		add(FlowEvent, "Account.PayoutCommitted", LaneAccounting, 5, pay, depth+5)
		cause = add(FlowJob, "next", LaneAccounting, 1, cause, depth+5)
	}
	return d
}

func membersOfDraw() FlowMembersData {
	d := FlowMembersData{Back: "/ops/events/2", Command: "tracker.AssignTasks", Step: flowOfDraw().Steps[1], First: "/m", Next: "/m?after=7"}
	for i := range 5 {
		d.Events = append(d.Events, FlowEventRow{
			ID: "0199f3c1-52d0-7a5e-8d53-00000000000" + strconv.Itoa(i), Subject: "0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a11",
			At: 3 * ms, Data: []Fact{{"assignee", "Wolfeschlegelsteinhausenbergerdorff Hyacinthine-Macaw von Kakapo"}, {"assignment", "2"}, {"previous", "Ann Lorikeet"}},
		})
	}
	return d
}

func jobsOfDraw() FlowMembersData {
	return FlowMembersData{Back: "/ops/events/2", Command: "tracker.AssignTasks", Step: flowOfDraw().Steps[3], Jobs: []FlowJobRow{
		{ID: 7, Events: 500, State: FlowDone, At: 1260 * ms, Waited: 20 * ms, Ran: 210 * ms, Attempts: 1, Address: "/ops/jobs/jobs/7"},
		{ID: 8, State: FlowFailing, At: 1260 * ms, Waited: time.Minute, Attempts: 3, Error: "ERROR: deadlock detected (SQLSTATE 40P01)", Address: "/ops/jobs/jobs/8"},
	}}
}

func entriesOfDraw() FlowMembersData {
	return FlowMembersData{Back: "/ops/events/2", Command: "tracker.AssignTasks", Step: flowOfDraw().Steps[5], Entries: []FlowEntryRow{
		{ID: 1, Worker: Person{"ann", "Ann Lorikeet"}, TaskID: "t-41", Task: 41, Amount: 1500, At: 1260 * ms, EventID: "0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a11"},
		{ID: 2, Worker: Person{"bob", "Bob Budgerigar"}, Amount: 2000, At: 1260 * ms, EventID: "0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a12"},
	}}
}

func operations() OperationsData {
	return OperationsData{
		Key: "k",
		Queues: []QueueRow{
			{Name: "people", Done: 12}, {Name: "money", Waiting: 120, Running: 8, Failing: 2, Done: 12480, Lag: 95 * time.Second}, {Name: "payouts"},
			{Name: "read_models", Running: 3, Done: 24805, Dead: 1}, {Name: "mail", Done: 7}, {Name: "default", Done: 61},
		},
		Oldest: &OldestEvent{"withdraw_money", 95 * time.Second, "/ops/events/1"},
		Failed: []FailedJob{
			{ID: 71, Kind: "refresh_tasks", Queue: "read_models", Attempt: 25, MaxAttempts: 25, Dead: true, Error: "event 0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a11 (Task.Created version 2 at position 41) cannot be read: it breaks the schema Task.Created.v2: jira_id: 'popug 42' does not match pattern '^[A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9}$'; missing property 'title'", Job: "/ops/jobs/jobs/71", Flow: "/ops/events/1"},
			{ID: 73, Kind: "ring_bells", Queue: "default", MaxAttempts: 25, Unknown: true, Error: "no job of the kind ring_bells is known to this version of the program; a newer one has to run", Job: "/ops/jobs/jobs/73"},
			{ID: 72, Kind: "send_mail", Queue: "mail", Attempt: 3, MaxAttempts: 25, Next: 41 * time.Second, Error: "reach the mail server mail.example:587: connection refused", Job: "/ops/jobs/jobs/72"},
		},
		ClosedDay: now.AddDate(0, 0, -1), ClosedAt: now.Add(-14 * time.Hour), NextDay: now, NextEnds: now.Add(10 * time.Hour), VerifiedAt: now.Add(-time.Hour),
		Checks: []VerifiedCheck{
			{Name: "all entries sum to zero", Looked: 124805},
			{Name: "a wallet is the sum of its entries", Looked: 8, Broken: 1, Examples: []string{"0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a11"}},
			{Name: "both ends of both prices occur", Looked: 12, Broken: 1, Examples: []string{"fee 20"}, Informs: true},
		},
		Mails: []MailCount{{MailSent, 1204}, {MailWaiting, 7}}, Streams: 7, DatabaseSize: 38 << 20,
	}
}

// allWell is a morning on which nothing is the matter, but for a day that waits to be closed.
func allWell() OperationsData {
	d := operations()
	d.Queues = []QueueRow{{Name: "money", Done: 12480}, {Name: "read_models", Done: 24805}}
	d.Oldest, d.Failed, d.Sound, d.Checks, d.Mails = nil, nil, true, d.Checks[:1], nil
	d.NextDay, d.NextEnds, d.DatabaseSize = now.AddDate(0, 0, -1), now.Add(-2*time.Minute), 12<<30
	return d
}
