package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// flow is what happens because of what: for each event, the jobs that it causes. It is the one place where the contexts
// meet. An event that nobody needs has a line too, without jobs.
type flow []struct {
	on   domain.EventData
	then []*reaction
}

func newFlow(books accounting.Books, payouts accounting.PayoutProvider, mails bool) flow {
	var (
		priceTasks    = priceTasks(books)
		withdrawMoney = withdrawMoney(books)
		depositMoney  = depositMoney(books)
		commitPayout  = commitPayout(payouts)
		payOutDay     = payOutDay(payouts)
		notify        = notifyBalances(mails)
		notifyGiven   = notifyGiven(mails)
		notifyResolve = notifyResolved(mails)
		notifyDraw    = notifyDraw(mails)
		closeNextDay  = closeNextDay(books)
		learnPeople   = []*reaction{trackerLearnsPeople, accountingLearnsPeople}
	)
	return flow{
		{auth.UserRegistered{}, learnPeople},
		{auth.UserUpdated{}, learnPeople},
		{auth.UserRoleChanged{}, learnPeople},
		{auth.UserDeactivated{}, learnPeople},
		{auth.UserReactivated{}, learnPeople},

		// First, since jobs are worked on in this order: a draw is there before the many tasks that it moved.
		{tracker.TasksDrawn{}, []*reaction{refreshDraws, notifyDraw}},
		{tracker.TaskCreated{}, []*reaction{priceTasks, refreshTasks, notifyGiven}},
		{tracker.TaskAssigned{}, []*reaction{withdrawMoney, refreshTasks}},
		{tracker.TaskResolved{}, []*reaction{depositMoney, refreshTasks, notifyResolve}},

		{accounting.TaskPriced{}, []*reaction{refreshTasks}},
		{accounting.BalanceChanged{}, []*reaction{refreshDailyBalances}},

		{accounting.DayEnded{}, []*reaction{resetBalance}},
		{accounting.BalanceReset{}, []*reaction{commitPayout, refreshDailyBalances, notify}},
		{accounting.PayoutCommitted{}, []*reaction{refreshDailyBalances, notify}},
		{accounting.DayClosed{}, []*reaction{closeNextDay, payOutDay, refreshDailyBalances}},
	}
}

// The queues keep kinds of work from standing in each other's way. How many jobs of each run at once is in client.go.
const (
	peopleQueue     = "people"
	moneyQueue      = "money"
	payoutQueue     = "payouts"
	readModelsQueue = "read_models"
	// What is noted does not wait for what is sent.
	notificationsQueue = "notifications"
	mailQueue          = "mail"
)

// reaction is one kind of job: the command that some events cause.
type reaction struct {
	// kind is River's name for it and never changes once it has landed: jobs wait under it in the database.
	kind  string
	queue string
	// chunk is how many events one job works on at most; 0 is the usual number.
	chunk int
	// together lets jobs of a few events share a transaction. The command then says of each event that it tells which one is its cause.
	together bool
	// timeout is how long one job may take; 0 is the usual time.
	timeout time.Duration
	// command makes the command from checked events of the names that the flow gives to this reaction, in the order of the log.
	command func(events []domain.Envelope) (domain.Command, error)
	// topics are what open pages have to fetch again once the command has been committed; nil when no page shows it.
	topics func(events []domain.Envelope, done domain.Command) []string
	// follow are jobs that the command asks for and that are no reactions to events of its own; nil when there are none.
	follow func(done domain.Command) []river.InsertManyParams
}

// usualChunk is how many events one job works on at most: enough for set-based SQL to pay, few enough for a transaction of moments.
const usualChunk = 500

// commandFor checks events and makes their command. One that cannot be read is a *badEvent.
func (f flow) commandFor(r *reaction, events []domain.Envelope) (domain.Command, error) {
	for _, e := range events {
		if !f.reacts(r, e.Name) {
			return nil, &badEvent{e, errNoReaction(r)}
		}
		if err := check(e); err != nil {
			return nil, err
		}
	}
	return r.command(events)
}

// errNoReaction means that an event has a job of a kind that, as far as this program knows, it does not cause.
func errNoReaction(r *reaction) error {
	return fmt.Errorf("%s does not react to it in this version of the program", r.kind)
}

// reacts reports whether an event causes a reaction.
func (f flow) reacts(r *reaction, name string) bool {
	for _, rule := range f {
		if rule.on.EventName() == name {
			for _, then := range rule.then {
				if then == r {
					return true
				}
			}
		}
	}
	return false
}

// reactions lists every reaction once.
func (f flow) reactions() []*reaction {
	var all []*reaction
	seen := map[*reaction]bool{}
	for _, rule := range f {
		for _, r := range rule.then {
			if !seen[r] {
				seen[r] = true
				all = append(all, r)
			}
		}
	}
	return all
}

// jobsFor cuts the events of a batch into jobs: for each reaction as few as the chunk allows. Only where jobs of a reaction may share a
// transaction has one job events of several commands.
func (f flow) jobsFor(batch uuid.UUID, events []domain.Envelope) []river.InsertManyParams {
	var jobs []river.InsertManyParams
	for _, r := range f.reactions() {
		var args *reactionArgs
		var command uuid.UUID
		n, chunk := 0, cmp.Or(r.chunk, usualChunk)
		for _, e := range events {
			if !f.reacts(r, e.Name) {
				continue
			}
			another := args != nil && e.CorrelationID != command
			if args == nil || n == chunk || another && !r.together {
				args, n, another = &reactionArgs{kind: r.kind, Batch: batch, First: e.Position}, 0, false
				jobs = append(jobs, river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{Queue: r.queue}})
			}
			command, args.Last, args.Joint = e.CorrelationID, e.Position, args.Joint || another
			if !slices.Contains(args.Names, e.Name) {
				args.Names = append(args.Names, e.Name)
			}
			n++
		}
	}
	return jobs
}
