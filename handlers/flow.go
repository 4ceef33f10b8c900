package handlers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

const (
	// jobsOfFlow and causesOfMessages are how many a page reads at most: more than a draw of a million tasks has jobs.
	jobsOfFlow, causesOfMessages = 5000, 20000
	// membersOfPage is how many of those that are alike are on a page.
	membersOfPage = 100
)

// toldToPeople are the events because of which people are told something.
var toldToPeople = []string{
	accounting.BalanceReset{}.EventName(), accounting.PayoutCommitted{}.EventName(),
	tracker.TaskCreated{}.EventName(), tracker.TaskResolved{}.EventName(), tracker.TasksDrawn{}.EventName(),
}

func errNoFlow() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "flow.unknown", Message: "No command and no event has this id."}
}

// flow shows what the command set off that an id belongs to: its own, or that of any event in its chain.
func (h *Handlers) flow(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	id, err := h.findFlow(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	facts, err := h.readFlow(ctx, id)
	if err != nil {
		return err
	}
	c := facts.command
	data := views.FlowData{Address: "/ops/events/" + id.String(), ID: id.String(), Request: c.RequestID, Input: askedFacts(ctx, c.Input), Cut: len(facts.runs) == jobsOfFlow}
	if c.Outcome != nil {
		data.Answer = answersOf(readFacts(ctx, c.Outcome), data.Input)
	}
	names := people{}
	names.add(c.Actor)
	names.addOf(data.Input, data.Answer)
	if err := h.namePeople(ctx, names); err != nil {
		return err
	}
	names.replace(data.Input, data.Answer)
	data.Command = views.CommandRow{ID: id.String(), Name: c.Name, At: c.OccurredAt, By: names.person(c.Actor)}
	for _, s := range flowSteps(facts) {
		data.Steps = append(data.Steps, s.shown(data.Address))
	}
	return h.show(w, r, http.StatusOK, views.Flow(p.Page, data))
}

// shown is a step with the ways on from it.
func (s *step) shown(flow string) views.FlowStep {
	shown := s.FlowStep
	if s.Kind != views.FlowCommand && s.Kind != views.FlowMessage {
		shown.Members = flow + "/members?step=" + s.ID
	}
	if s.Kind == views.FlowMessage {
		shown.Members = "/ops/mail"
	}
	if len(s.open) > 0 {
		shown.Job = dashboardJob(s.open[len(s.open)-1].ID)
	}
	return shown
}

// dashboardJob is where River's dashboard shows a job.
func dashboardJob(id int64) string { return DashboardPrefix + "/jobs/" + strconv.FormatInt(id, 10) }

// findFlow is the command that an id belongs to.
func (h *Handlers) findFlow(ctx context.Context, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return id, errNoFlow()
	}
	found, err := h.queries.FindFlow(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, errNoFlow()
	}
	if err != nil {
		return id, fmt.Errorf("find the command of an id: %w", err)
	}
	return found, nil
}

// readFlow reads all that is known of what a command set off.
func (h *Handlers) readFlow(ctx context.Context, id uuid.UUID) (facts flowFacts, err error) {
	facts.command, err = h.queries.FindCommand(ctx, id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return facts, fmt.Errorf("find a command: %w", err)
	}
	if facts.sums, err = h.queries.SumFlow(ctx, id); err != nil {
		return facts, fmt.Errorf("sum up the events of a command: %w", err)
	}
	if facts.command.ID == uuid.Nil { // The clock's commands of before are in no record.
		facts.command = dbsqlc.FindCommandRow{ID: id, OccurredAt: facts.sums[0].OccurredAt, Name: facts.sums[0].Producer}
	}
	if facts.runs, err = h.queries.ListRuns(ctx, dbsqlc.ListRunsParams{Flow: id, Rows: jobsOfFlow}); err != nil {
		return facts, fmt.Errorf("list the jobs of a command: %w", err)
	}
	var batches, causes []uuid.UUID
	messages := false
	for _, sum := range facts.sums {
		batches, causes = append(batches, sum.Batch), append(causes, sum.Cause)
		messages = messages || slices.Contains(toldToPeople, sum.Name)
	}
	if facts.open, err = h.Operations.JobsOf(ctx, batches); err != nil {
		return facts, err
	}
	facts.reactions = h.Operations.Reactions()
	told, err := h.queries.WhereTold(ctx, causes)
	if err != nil {
		return facts, fmt.Errorf("find the causes of events: %w", err)
	}
	facts.causes = map[uuid.UUID]dbsqlc.WhereToldRow{}
	for _, event := range told {
		facts.causes[event.ID] = event
	}
	if facts.entries, err = h.queries.SumEntries(ctx, id); err != nil {
		return facts, fmt.Errorf("sum up the entries of a command: %w", err)
	}
	if messages {
		ids, err := h.queries.ListFlowEventIDs(ctx, dbsqlc.ListFlowEventIDsParams{Flow: id, Names: toldToPeople, Rows: causesOfMessages})
		if err != nil {
			return facts, fmt.Errorf("list the causes of messages: %w", err)
		}
		if facts.messages, err = h.queries.SumMessages(ctx, ids); err != nil {
			return facts, fmt.Errorf("sum up the messages of a command: %w", err)
		}
		notifications, err := h.queries.SumNotifications(ctx, ids)
		if err != nil {
			return facts, fmt.Errorf("sum up the notifications of a command: %w", err)
		}
		for _, n := range notifications {
			facts.messages = append(facts.messages, dbsqlc.SumMessagesRow(n))
		}
	}
	return facts, nil
}

// flowMembers lists the events, jobs or entries that the flow shows as one step.
func (h *Handlers) flowMembers(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	id, err := h.findFlow(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	facts, err := h.readFlow(ctx, id)
	if err != nil {
		return err
	}
	steps := flowSteps(facts)
	place := slices.IndexFunc(steps, func(s *step) bool { return s.ID == r.URL.Query().Get("step") })
	if place < 0 {
		return errNoFlow()
	}
	s, after := steps[place], int64(math.MinInt64)
	data := views.FlowMembersData{Back: "/ops/events/" + id.String(), Command: facts.command.Name, Step: s.FlowStep}
	list := data.Back + "/members"
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return errNoFlow()
		}
		data.First = address(list, url.Values{}, "step", s.ID)
	}
	var last int64
	switch s.Kind {
	case views.FlowJob:
		data.Jobs, last = s.jobsAfter(facts, after)
	case views.FlowEntry:
		data.Entries, last, err = h.entriesAfter(ctx, facts, s, after)
	default:
		data.Events, last, err = h.eventsAfter(ctx, facts, s, after)
	}
	if err != nil {
		return err
	}
	if last != 0 {
		data.Next = address(list, url.Values{}, "step", s.ID, "after", strconv.FormatInt(last, 10))
	}
	return h.show(w, r, http.StatusOK, views.FlowMembers(p.Page, data))
}

// eventsAfter is a page of the events of a step; last is 0 where there are no more.
func (h *Handlers) eventsAfter(ctx context.Context, facts flowFacts, s *step, after int64) (events []views.FlowEventRow, last int64, err error) {
	rows, err := h.queries.ListFlowEvents(ctx, dbsqlc.ListFlowEventsParams{Flow: facts.command.ID, Name: s.Name, Batches: s.batches, After: after, Rows: membersOfPage + 1})
	if err != nil {
		return nil, 0, fmt.Errorf("list the events of a command: %w", err)
	}
	if len(rows) > membersOfPage {
		rows = rows[:membersOfPage]
		last = rows[membersOfPage-1].Position
	}
	names := people{}
	for _, row := range rows {
		e := views.FlowEventRow{ID: row.ID.String(), Subject: row.Subject.String(), Version: row.SubjectVersion, At: row.OccurredAt.Sub(facts.command.OccurredAt), Data: readFacts(ctx, row.Data)}
		names.addOf(e.Data)
		events = append(events, e)
	}
	if err := h.namePeople(ctx, names); err != nil {
		return nil, 0, err
	}
	for _, e := range events {
		names.replace(e.Data)
	}
	return events, last, nil
}

// entriesAfter is a page of the entries of a step's kind; last is 0 where there are no more.
func (h *Handlers) entriesAfter(ctx context.Context, facts flowFacts, s *step, after int64) (entries []views.FlowEntryRow, last int64, err error) {
	rows, err := h.queries.ListEntriesOfFlow(ctx, dbsqlc.ListEntriesOfFlowParams{Flow: facts.command.ID, Kind: s.Name, After: after, Rows: membersOfPage + 1})
	if err != nil {
		return nil, 0, fmt.Errorf("list the entries of a command: %w", err)
	}
	if len(rows) > membersOfPage {
		rows = rows[:membersOfPage]
		last = rows[membersOfPage-1].ID
	}
	for _, row := range rows {
		e := views.FlowEntryRow{ID: row.ID, Worker: views.Person{ID: row.Worker.String(), Name: row.WorkerName}, Amount: row.Amount, At: row.BookedAt.Sub(facts.command.OccurredAt), EventID: row.Event.String()}
		if row.Task != nil && row.Number != nil {
			e.TaskID, e.Task = row.Task.String(), int(*row.Number)
		}
		entries = append(entries, e)
	}
	return entries, last, nil
}

// jobsAfter is a page of the jobs of a step, by their ids; last is 0 where there are no more.
func (s *step) jobsAfter(facts flowFacts, after int64) (jobs []views.FlowJobRow, last int64) {
	for _, run := range s.runs {
		jobs = append(jobs, views.FlowJobRow{
			ID: run.Job, Events: int(run.Events), State: views.FlowDone, At: run.BeganAt.Sub(facts.command.OccurredAt),
			Waited: run.BeganAt.Sub(run.OccurredAt), Ran: run.EndedAt.Sub(run.BeganAt), Attempts: int(run.Attempt), Address: dashboardJob(run.Job),
		})
	}
	for _, open := range s.open {
		one := &step{}
		(&flow{}).wait(one, &open)
		jobs = append(jobs, views.FlowJobRow{ID: open.ID, State: one.State(), At: s.At, Waited: open.Age, Attempts: open.Attempt, Error: one.Error, Address: dashboardJob(open.ID)})
	}
	slices.SortFunc(jobs, func(a, b views.FlowJobRow) int { return int(a.ID - b.ID) })
	jobs = slices.DeleteFunc(jobs, func(j views.FlowJobRow) bool { return j.ID <= after })
	if len(jobs) > membersOfPage {
		jobs = jobs[:membersOfPage]
		last = jobs[membersOfPage-1].ID
	}
	return jobs, last
}
