package views

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/static"
	"ates/views/viewstest"
)

// contentSecurityPolicy is the one in force.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var now = time.Date(2026, 11, 3, 14, 5, 0, 0, time.UTC)

// stories are the views with something in them: the usual, the least, the most, and what goes wrong.
func stories() map[string]templ.Component {
	long := strings.Repeat("Find out why the seed dispenser on the third floor counts sunflower seeds twice, ", 9) +
		"and-then-there-is-" + strings.Repeat("averylongwordwithoutanyblank", 8)
	board := BoardData{
		Address: "/board", Open: 18, Resolved: 1204, Pages: TaskPages{First: "/tasks", Previous: "/tasks?before=93.93", Next: "/tasks?after=38.38"}, MayAssign: true,
		Filter: BoardFilter{Status: "open"}, Matches: 18,
		Assignees: []Option{{"ann", "Ann Lorikeet"}, {"bob", "Bob Budgerigar"}},
		Tasks:     tasks(),
	}
	plain := board
	plain.Filter, plain.MayAssign, plain.Pages = BoardFilter{Sort: SortReward}, false, TaskPages{Next: "/tasks?after=1.1"}
	longBoard := board
	longBoard.Tasks = append([]TaskRow{}, board.Tasks...)
	longBoard.Tasks[0].Description = long
	longBoard.Tasks[1].Assignee.Name = "Wolfeschlegelsteinhausenbergerdorff Hyacinthine-Macaw von Kakapo"
	longBoard.Filter = BoardFilter{Query: long, Status: StatusResolved, Assignee: "ann", Sort: SortOldest}
	longBoard.Matches, longBoard.MoreMatch = 1000, true

	task := TaskData{Address: "/tasks/t-41", Task: tasks()[1], Creator: Person{"max", "Max Macaw"}, Assignments: 2, Charged: 2, Fees: 3000, History: events()[1:]}
	task.History[0].Entry = nil
	resolved := TaskData{Address: "/tasks/t-38", Task: tasks()[4], Creator: Person{"max", "Max Macaw"}, Assignments: 2, Charged: 2, Fees: 2000, Rewards: 2100, History: events(), Older: "/tasks/t-38?before=1",
		Conflict: "T-41 was reassigned to Bob Budgerigar before you resolved it. It is no longer yours."}
	longTask := task
	longTask.Task.Description = "First line\n\n" + long

	demoLogins := []DemoLogin{
		{"worker", "Ann Lorikeet", domain.Worker},
		{"manager", "Max Macaw", domain.Manager},
		{"admin", "Ada Kakapo", domain.Admin},
		{"top-manager", "Tessa Cockatoo", domain.TopManager},
		{"worker-2", "Bob Budgerigar", domain.Worker},
		{"worker-3", "Carla Conure", domain.Worker},
	}
	drawn := page(domain.Manager)
	drawn.Flash = &Flash{Kind: FlashDone, Text: "18 tasks drawn: 15 reassigned, 3 kept.", Href: "/tasks", LinkText: "See the board"}
	failed := page(domain.Worker)
	failed.Flash = &Flash{Kind: FlashError, Text: "There is no active worker to give tasks to."}
	nobody := Page{Now: now, Version: "v0.1.0 65285d4a1b2c"}

	return map[string]templ.Component{
		"board":       Board(page(domain.Manager), board),
		"board-flash": Board(drawn, board),
		"board-plain": Board(page(domain.Worker), plain),
		"new-task":    NewTask(page(domain.Worker).at("/tasks/new"), NewTaskForm{Key: "k-1", ReturnTo: "/tasks"}),
		"new-task-brackets": NewTask(page(domain.Worker).at("/tasks/new"), NewTaskForm{Key: "k-2", Description: "Polish the mirror [urgent]",
			Message: "Square brackets are only for a Jira id in front, as in “[POPUG-42] - Title”. Write the rest without them."}),
		"new-task-empty": NewTask(page(domain.Worker).at("/tasks/new"), NewTaskForm{Key: "k-2", Description: "   ", Message: "Describe the task: the description is empty."}),
		"palette":        Palette(page(domain.Admin).at("/palette?q=Ann"), PaletteData{Query: "", Tasks: tasks(), People: samplePeople(), MayAssign: true}),
		"palette-none":   Palette(page(domain.Worker).at("/palette?q=nothing"), PaletteData{Query: "nothing"}),
		"board-long":     Board(page(domain.Admin), longBoard),
		"board-empty":    Board(page(domain.Worker), BoardData{Address: "/board"}),
		"board-no-match": Board(page(domain.Manager), BoardData{Address: "/board", Open: 3, Filter: BoardFilter{Query: "nothing like it"}}),
		"assign":         Assign(page(domain.Manager), AssignData{Key: "k-3", Open: 18, Workers: 8, Fees: 27300, Expected: 23900, Unpriced: 2, Last: &draws()[0]}),
		"assign-nobody":  Assign(page(domain.Manager), AssignData{Open: 18}),
		"assign-nothing": Assign(page(domain.Manager), AssignData{Workers: 8, Last: &draws()[2]}),
		"assign-refused": Assign(page(domain.Manager), AssignData{Key: "k-4", Open: 19, Workers: 1, Fees: 27300, Last: &draws()[0],
			Message: "This has changed since you looked, so nothing was drawn.", Changes: AssignChanges{Drawn: true, Created: 2, Resolved: 1, WorkersBefore: 8}}),
		"draws":          Draws(page(domain.Manager).at("/tasks/draws"), DrawsData{Address: "/tasks/draws", Draws: draws(), Next: "/tasks/draws?before=d-1", MayAssign: true}),
		"draws-empty":    Draws(page(domain.Worker).at("/tasks/draws"), DrawsData{Address: "/tasks/draws"}),
		"draw":           Draw(page(domain.Worker).at("/tasks/draws/d-3"), drawOf(0, 15)),
		"draw-under-way": Draw(page(domain.Manager).at("/tasks/draws/d-2"), drawOf(1, 1250)),
		"draw-of-before": Draw(page(domain.Manager).at("/tasks/draws/d-1"), drawOf(2, 0)),
		"draw-waiting":   Draw(page(domain.Manager).at("/tasks/draws/d-2"), DrawData{DrawRow: draws()[0], Waiting: true, Address: "/tasks/draws/d-2", Interests: "draws"}),
		"draw-nothing":   Draw(page(domain.Admin).at("/tasks/draws/d-2"), DrawData{DrawRow: DrawRow{ID: "d-2", By: draws()[0].By, At: now, Whole: true, Open: 3, Workers: 1, Kept: 3}, Took: 40 * time.Millisecond}),
		"sessions": Sessions(page(domain.Worker).at("/sessions"), SessionsData{Address: "/sessions", Key: "k-5", Sessions: []SessionRow{
			{ID: "s-1", Browser: "Firefox", System: "Linux", Mine: true, Since: now.Add(-time.Hour), Used: now},
			{ID: "s-2", Browser: "Safari", System: "iOS", Since: now.Add(-9 * time.Hour), Used: now.Add(-70 * time.Minute)},
			{ID: "s-3", Since: now.Add(-2 * time.Hour), Used: now.Add(-90 * time.Minute)},
		}}),
		"mine":            Mine(page(domain.Worker).at("/tasks/mine"), MineData{Address: "/mine", Open: 3, Charged: 270000, WouldPay: 5500, Tasks: tasks()[:3], Pages: TaskPages{Next: "/tasks/mine?after=40.40"}}),
		"mine-empty":      Mine(failed.at("/tasks/mine"), MineData{Address: "/mine"}),
		"task":            Task(page(domain.Worker), task),
		"task-conflict":   Task(page(domain.Worker), resolved),
		"task-long":       Task(page(domain.Manager), longTask),
		"balance":         Balance(page(domain.Worker).at("/balance"), account()),
		"balance-empty":   Balance(page(domain.Worker).at("/balance"), BalanceData{Address: "/balance", Today: now, DayEnds: now.Add(10 * time.Hour), FirstDay: now, LastDay: now}),
		"balance-owing":   Balance(page(domain.Worker).at("/balance"), owing()),
		"accounting":      Accounting(page(domain.Manager).at("/accounting"), accounting()),
		"accounting-open": Accounting(page(domain.TopManager).at("/accounting"), AccountingData{Address: "/accounting", Export: "/accounting.csv", Day: now, Status: DayOpen, Earnings: Earnings{ID: "earnings-by-day", Title: "Earned", Label: "Day"}}),
		"audit":           Audit(page(domain.Manager).at("/audit"), AuditData{Address: "/audit", Export: "/audit.csv", Workers: []Option{{"ann", "Ann Lorikeet"}}, Entries: ledgerEntries(), Older: "/audit?before=2"}),
		"audit-own":       Audit(page(domain.Worker).at("/audit"), AuditData{Address: "/audit", Export: "/audit.csv", OfOne: true, Before: new(int64), Entries: ledgerEntries(), First: "/audit"}),
		"audit-empty":     Audit(page(domain.Worker).at("/audit"), AuditData{Address: "/audit", Export: "/audit.csv", Filter: AuditFilter{Task: "T-7"}}),
		"audit-new":       Audit(page(domain.Worker).at("/audit"), AuditData{Address: "/audit", Export: "/audit.csv"}),
		"analytics":       Analytics(page(domain.TopManager).at("/analytics"), analytics()),
		"analytics-empty": Analytics(page(domain.TopManager).at("/analytics"), AnalyticsData{Address: "/analytics", Today: now, Month: now, Year: now, Dearest: []Dearest{{Span: OfDay, Until: now}, {Span: OfMonth, Until: now}, {Span: OfYear, Until: now}}, ByDay: Earnings{ID: "by-day"}, ByMonth: Earnings{ID: "by-month"}, ByYear: Earnings{ID: "by-year"}}),
		"operations":      Operations(page(domain.Admin).at("/ops"), operations()),
		"operations-well": Operations(page(domain.Admin).at("/ops"), allWell()),
		"operations-new":  Operations(page(domain.Admin).at("/ops"), OperationsData{}),
		"commands":        Commands(page(domain.Admin).at("/ops/events"), CommandsData{Address: "/ops/events", Names: []string{"tracker.AssignTasks", "tracker.CreateTask"}, Commands: commands(), Older: "/ops/events?before=1"}),
		"commands-none":   Commands(page(domain.Admin).at("/ops/events?q=x"), CommandsData{Address: "/ops/events", Filter: CommandsFilter{Query: "nobody"}}),
		"flow":            Flow(page(domain.Admin).at("/ops/events/1"), flowOfTask()),
		"flow-draw":       Flow(page(domain.Admin).at("/ops/events/2"), flowOfDraw()),
		"flow-days":       Flow(page(domain.Admin).at("/ops/events/3"), flowOfDays()),
		"flow-members":    FlowMembers(page(domain.Admin).at("/ops/events/2/members"), membersOfDraw()),
		"flow-jobs":       FlowMembers(page(domain.Admin).at("/ops/events/2/members"), jobsOfDraw()),
		"flow-entries":    FlowMembers(page(domain.Admin).at("/ops/events/2/members"), entriesOfDraw()),
		"task-admin":      Task(page(domain.Admin), task),
		"mails":           Mails(page(domain.Admin).at("/ops/mail"), MailsData{Mails: mails(), Older: "/ops/mail?before=1"}),
		"mails-empty":     Mails(page(domain.Admin).at("/ops/mail"), MailsData{}),
		"mail":            Mail(page(domain.Admin).at("/ops/mail/5"), MailData{Mail: mails()[0], Attempts: 1, Letter: balanceMail().Letter(context.Background(), ""), HTML: "/ops/mail/5/html"}),
		"mail-refused":    Mail(page(domain.Admin).at("/ops/mail/2"), MailData{Mail: mails()[3], Attempts: 25, Letter: TaskNews(drawTold()).Letter(context.Background(), "https://ates.company.example"), HTML: "/ops/mail/2/html"}),
		"inbox":           Notifications(unread(page(domain.Worker), 3).at("/notifications"), inbox()),
		"inbox-unread":    Notifications(unread(page(domain.TopManager), 100).at("/notifications?show=unread"), NotificationsData{Address: "/notifications?show=unread", UnreadOnly: true, Unread: 100, Key: "k", Until: "1", Days: inbox().Days[:1]}),
		"inbox-read":      Notifications(page(domain.Worker).at("/notifications?show=unread"), NotificationsData{Address: "/notifications?show=unread", UnreadOnly: true, Key: "k"}),
		"inbox-empty":     Notifications(page(domain.Manager).at("/notifications"), NotificationsData{Address: "/notifications", Key: "k"}),
		"told":            NotificationPreferences(page(domain.Worker).at("/notifications/preferences"), notificationKinds("")),
		"told-conflict":   NotificationPreferences(page(domain.Worker).at("/notifications/preferences"), notificationKinds("You have changed this elsewhere meanwhile, so nothing was saved. Below is what holds now; choose again.")),
		"help":            Help(page(domain.Worker).at("/help"), helpData()),
		"help-admin":      Help(page(domain.Admin).at("/help"), helpData()),
		"people":          People(page(domain.Admin).at("/people"), PeopleData{Address: "/people", Export: "/people.csv", Active: 1204, Deactivated: 3, Invited: 7, Roles: map[domain.Role]int{domain.Worker: 1180}, People: samplePeople(), Next: "/people?after=x"}),
		"people-invited":  People(page(domain.Admin).at("/people"), PeopleData{Address: "/people", Export: "/people.csv", Active: 12, Invited: 2, Filter: PeopleFilter{Status: "invited"}, People: samplePeople()[1:3]}),
		"people-no-match": People(page(domain.Admin).at("/people"), PeopleData{Address: "/people", Export: "/people.csv", Active: 12, Filter: PeopleFilter{Query: "nobody"}}),
		"person":          OnePerson(page(domain.Admin).at("/people/ann"), PersonData{Person: samplePeople()[0], Key: "k", Seen: "3", Name: "Ann Lorikeet", Email: "ann@company.example"}),
		"person-self":     OnePerson(page(domain.Admin).at("/people/ada"), PersonData{Person: samplePeople()[0], Key: "k", Seen: "3", Self: true, Name: "Ann Lorikeet", Email: "ann@company.example"}),
		"person-gone":     OnePerson(page(domain.Admin).at("/people/x"), PersonData{Person: samplePeople()[3], Key: "k", Seen: "3", Name: samplePeople()[3].Name, Email: samplePeople()[3].Email, Message: "Somebody else has changed this person meanwhile, so nothing was done."}),
		"person-refused":  OnePerson(page(domain.Admin).at("/people/x"), PersonData{Person: samplePeople()[2], Key: "k", Seen: "3", Refused: RefusedField{"name", "A name has 1 to 100 characters."}}),
		"new-person":      NewPerson(page(domain.Admin).at("/people/new"), NewPersonData{Key: "k", Role: domain.Worker}),
		"new-refused":     NewPerson(page(domain.Admin).at("/people/new"), NewPersonData{Key: "k", Login: "a b", Name: "Ann", Email: "ann", Role: domain.Admin, Refused: RefusedField{"login", "A login has 1 to 40 letters a to z, digits, dots, dashes or underscores, and begins with a letter or digit."}}),
		"person-link":     PersonLink(page(domain.Admin).at("/people"), PersonLinkData{Person: samplePeople()[1], Link: "https://ates.company.example/auth/password?token=QJ3ZV5W2WXKJ6UYVYV7PZQ4C2A", Until: now, New: true}),
		"person-twice":    PersonLink(page(domain.Admin).at("/people"), PersonLinkData{Person: samplePeople()[1]}),
		"deactivate":      Deactivate(page(domain.Admin).at("/people"), ConfirmPersonData{Person: samplePeople()[0], Key: "k", Seen: "3"}),
		"reset-password":  ResetPassword(page(domain.Admin).at("/people"), ConfirmPersonData{Person: samplePeople()[3], Key: "k", Seen: "3", Message: "Something has changed meanwhile."}),
		"import":          Import(page(domain.Admin).at("/people/import"), ImportData{Key: "k"}),
		"import-plan":     Import(page(domain.Admin).at("/people/import"), ImportData{Key: "k", Plan: &ImportPlan{Content: "login,name\n", Seen: "d", Create: 5000, Update: 1, Keep: 7, Lines: importLines()[1:], More: 4800}}),
		"import-refused":  Import(page(domain.Admin).at("/people/import"), ImportData{Key: "k", Message: "Something in this file cannot be right.", Plan: &ImportPlan{Create: 1, Update: 1, Refused: 1, Lines: importLines()}}),
		"import-nothing":  Import(page(domain.Admin).at("/people/import"), ImportData{Key: "k", Plan: &ImportPlan{Keep: 8}}),
		"password":        PasswordLink(nobody, PasswordLinkData{Token: "t", Login: "ann", Name: "Ann Lorikeet", First: true}),
		"password-short":  PasswordLink(nobody, PasswordLinkData{Token: "t", Login: "ann", Name: "Ann Lorikeet", Message: "A password has at least 10 characters, and at most 256 bytes."}),
		"password-set":    PasswordSet(nobody),
		"first-admin":     FirstAdmin(nobody, FirstAdminData{Token: "t"}),
		"link-dead":       LinkDead(nobody),
		"sign-in":         SignIn(nobody, SignInData{Action: "/auth/login", Request: "r-1", Demo: demoLogins}),
		"sign-in-plain":   SignIn(nobody, SignInData{Action: "/auth/login", Request: "r-1"}),
		"sign-in-refused": SignIn(nobody, SignInData{Action: "/auth/login", Login: "ann", Message: "This login and password do not fit together."}),
		"sign-in-wait":    SignIn(nobody, SignInData{Action: "/auth/login", Login: "ann", RetryAfter: 41 * time.Second}),
		"sign-in-passkey": SignIn(nobody, SignInData{Action: "/auth/login", Request: "r-1", PasskeyOptions: "/auth/login/passkey", RetryAfter: 12 * time.Minute, Login: "ann"}),
		"passkeys":        Passkeys(page(domain.Worker).at("/auth/passkeys"), PasskeysData{Recent: true, Done: "added", Passkeys: passkeys()}),
		"passkeys-again":  Passkeys(page(domain.Worker).at("/auth/passkeys"), PasskeysData{Passkeys: passkeys()}),
		"passkeys-empty":  Passkeys(page(domain.Worker).at("/auth/passkeys"), PasskeysData{Recent: true, Name: "   ", Message: "Give the passkey a name."}),
		"passkeys-number": Passkeys(page(domain.Worker).at("/auth/passkeys"), PasskeysData{Nameless: true, Recent: true, Done: "removed"}),
		"signed-out":      SignedOut(nobody),
		"error-404":       Refused(page(domain.Worker), ErrorData{Status: 404, RequestID: "9f3c1e52-77aa", ReturnTo: "/tasks"}),
		"error-401":       Refused(nobody, ErrorData{Status: 401}),
		"leaving":         Leaving(nobody, LeavingData{To: "https://id.popug.example/end_session", Host: "id.popug.example"}),
		"error-503":       Refused(nobody, ErrorData{Status: 503, Title: "The sign-in service does not answer", Message: "Try again in a moment.", Again: "/login"}),
		"error-429":       Refused(page(domain.Worker), ErrorData{Status: 429, RequestID: "9f3c1e52-77aa", Resend: &ResendForm{Action: "/tasks/t-1/resolve", Fields: []Option{{"k-1", "idempotency_key"}}}}),
		"error-kept":      Refused(nobody, ErrorData{Status: 500, RequestID: "9f3c1e52-77aa", Resend: &ResendForm{Action: "/tasks", Description: long}}),
		"error-500":       Refused(nobody, ErrorData{Status: 500, RequestID: "9f3c1e52-77aa"}),
	}
}

func draws() []DrawRow {
	max := Person{"max", "Max Macaw"}
	return []DrawRow{
		{"d-3", max, now.Add(-40 * time.Second), true, 18, 8, 15, 3, 22500, 0},
		{"d-2", Person{"ada", "Ada Kakapo"}, now.Add(-3 * time.Hour), true, 10000, 200, 9984, 16, 1875000, 2},
		{"d-1", Person{"c", "Wolfeschlegelsteinhausenbergerdorff Hyacinthine-Macaw von Kakapo"}, now.AddDate(0, -1, 0), false, 0, 0, 7, 0, 9900, 0},
	}
}

// drawOf is the n-th of the draws, with as many of its tasks on the board.
func drawOf(n, onBoard int) DrawData {
	ann, bob, long := Person{"ann", "Ann Lorikeet"}, Person{"bob", "Bob Budgerigar"}, draws()[2].By
	fee := int64(1500)
	mine := DrawShare{ann, 3, 2, 4500}
	return DrawData{
		DrawRow: draws()[n], Address: "/tasks/draws/d", Interests: "draws/c", OnBoard: onBoard, Took: 2300 * time.Millisecond,
		Shares: []DrawShare{mine, {bob, 2, 1, 2600}, {long, 0, 12480, 0}}, Others: n * 150, Mine: &mine, Next: "/tasks/draws/d?before=7",
		Moves: []DrawMove{
			{"t-42", 42, "NEST-7", "Teach the new colleagues to say “deploy”", bob, ann, nil},
			{"t-41", 41, "POPUG-42", strings.Repeat("Polish the mirror in the meeting room ", 9), long, bob, &fee},
			{"t-40", 0, "", "", ann, long, &fee},
		},
	}
}

func page(role domain.Role) Page {
	names := map[domain.Role]string{
		domain.Worker: "Ann Lorikeet", domain.Manager: "Max Macaw", domain.Admin: "Ada Kakapo", domain.TopManager: "Tessa Cockatoo",
	}
	return Page{
		Path: "/tasks", Cursor: "41", Now: now, Version: "v0.1.0 65285d4a1b2c", SignsInHere: true,
		Viewer: &Viewer{ID: "viewer", Login: string(role), Name: names[role], Role: role},
	}
}

func (p Page) at(path string) Page {
	p.Path = path
	return p
}

func passkeys() []PasskeyRow {
	return []PasskeyRow{
		{"p-2", "Wolfeschlegelsteinhausenbergerdorff's telephone with-a-very-long-name", now.Add(-time.Hour), time.Time{}},
		{"p-1", "Key ring", now.AddDate(0, -3, 0), now.Add(-26 * time.Hour)},
	}
}

func tasks() []TaskRow {
	ann, bob, hiro := Person{"ann", "Ann Lorikeet"}, Person{"bob", "Bob Budgerigar"}, Person{"hiro", "Hiro Parrotlet"}
	resolvable := &ResolveForm{Key: "k-r", Assignment: 2}
	return []TaskRow{
		{"t-42", 42, StatusOpen, "NEST-7", "Teach the new colleagues to say “deploy”", hiro, nil, now.Add(-20 * time.Second), resolvable},
		{"t-41", 41, StatusOpen, "POPUG-42", "Polish the mirror in the meeting room", ann, &Prices{1500, 3000}, now.Add(-4 * time.Minute), resolvable},
		{"t-40", 40, StatusOpen, "", "Count the sunflower seeds", bob, &Prices{1200, 2500}, now.Add(-3 * time.Hour), resolvable},
		{"t-39", 39, StatusOpen, "", "Reply to the cockatoos about the noise after nine", ann, &Prices{2000, 4000}, now.Add(-26 * time.Hour), nil},
		{"t-38", 38, StatusResolved, "", "Replace the perch in front of the coffee machine", bob, &Prices{1000, 2100}, now.Add(-9 * 24 * time.Hour), nil},
	}
}

func events() []TaskEvent {
	max, ann, bob := Person{"max", "Max Macaw"}, Person{"ann", "Ann Lorikeet"}, Person{"bob", "Bob Budgerigar"}
	return []TaskEvent{
		{ID: "5", Kind: TaskResolved, At: now.Add(-time.Minute), By: bob, Entry: &TaskEntry{EntryReward, 3000, bob, 61 * time.Millisecond}},
		{ID: "4", Kind: TaskGiven, At: now.Add(-2 * time.Hour), By: max, Assignee: bob, Previous: ann, Assignment: 2, Draw: "d-3", Entry: &TaskEntry{EntryFee, 1500, bob, 1200 * time.Millisecond}},
		{ID: "3", Kind: TaskPriced, At: now.Add(-3 * time.Hour), Prices: &Prices{1500, 3000}},
		{ID: "2", Kind: TaskGiven, At: now.Add(-3 * time.Hour), By: max, Assignee: ann, Assignment: 1, Entry: &TaskEntry{EntryFee, 1500, ann, 40 * time.Millisecond}},
		{ID: "1", Kind: TaskCreated, At: now.Add(-3 * time.Hour), By: max},
	}
}

func account() BalanceData {
	yesterday := now.Add(-24 * time.Hour)
	since := &Debt{now.Add(-72 * time.Hour), "/balance?day=2026-10-31"}
	payout := &Payout{Day: yesterday, Amount: 245050, At: yesterday.Add(10 * time.Hour), Booking: "1204", BankFile: "ATES-20261102-1", Ledger: "/audit", Href: "/balance?day=2026-11-02"}
	paid := BalanceDay{Day: yesterday, Href: "/balance?day=2026-11-02", Opening: 0, Fees: 3000, Rewards: 248050, PaidOut: 245050, Closed: true, Payout: payout, Entries: []BalanceEntry{
		{ID: "e2", Kind: EntryPayout, At: yesterday.Add(9*time.Hour + 55*time.Minute), Payout: payout, Amount: -245050, Cause: "/audit"},
		{ID: "e1", Kind: EntryReward, At: yesterday, JiraID: "NEST-12", TaskID: "t-38", TaskNumber: 38, Description: "Replace the perch in front of the coffee machine", By: "Ann Lorikeet", ByViewer: true, Amount: 248050, Running: 245050, Cause: "/audit"},
		{ID: "e0", Kind: EntryFee, At: yesterday.Add(-time.Hour), Late: true, TaskID: "t-38", TaskNumber: 38, Assignment: 1, Amount: -3000, Running: -3000, Cause: "/audit"},
	}}
	return BalanceData{
		Address: "/balance", Today: now, DayEnds: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), FirstDay: yesterday.AddDate(0, -1, 0), LastDay: now,
		Opening: -1500, Fees: 1200, Rewards: 2500, Current: -200, OpeningDebt: since, Yesterday: &paid, LastPayout: payout, Older: "/balance?before=7",
		Days: []BalanceDay{
			{Day: now, Opening: -1500, Debt: since, Entries: []BalanceEntry{
				{ID: "e4", Kind: EntryReward, At: now.Add(-time.Hour), TaskID: "t-41", TaskNumber: 41, Description: "Polish the mirror in the meeting room", By: "Max Macaw", Amount: 2500, Running: -200, Cause: "/audit"},
				{ID: "e3", Kind: EntryFee, At: now.Add(-2 * time.Hour), TaskID: "t-41", TaskNumber: 41, JiraID: "POPUG-42", Description: "Polish the mirror in the meeting room", Assignment: 2, By: "Max Macaw", Amount: -1200, Running: -2700, Cause: "/audit"},
			}},
			paid,
			{Day: yesterday.Add(-24 * time.Hour), Opening: -900, Fees: 1200, Rewards: 600, Closing: -1500, Closed: true},
			{Day: yesterday.Add(-48 * time.Hour), Fees: 1200, Rewards: 3600, PaidOut: 2400, Closed: true, Payout: &Payout{Amount: 2400}, Cut: true},
		},
	}
}

func helpData() HelpData {
	return HelpData{LeastFee: 1000, MostFee: 2000, LeastReward: 2000, MostReward: 4000, DayEnds: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), Unit: 100}
}

// owing is an account that was paid nothing yesterday.
func owing() BalanceData {
	d := account()
	yesterday := d.Days[2]
	yesterday.Href = "/balance?day=2026-11-01"
	d.Yesterday, d.Days, d.Chosen, d.First = &yesterday, d.Days[2:], yesterday.Day, "/balance"
	return d
}

func earningsOf(id string, byDay bool) Earnings {
	e := Earnings{ID: id, Title: "Earned by day, November 2026", Label: "Day", ByDay: byDay}
	for day := range 30 {
		e.Periods = append(e.Periods, Period{
			Name: strconv.Itoa(day + 1), Title: "Nov " + strconv.Itoa(day+1) + ", 2026", Href: "/accounting?day=2026-11-" + strconv.Itoa(day+1),
			Fees: int64(day%7) * 4500, Rewards: int64(day%5) * 6100, Closed: day < 29, BelowZero: day % 4,
		})
	}
	return e
}

func accounting() AccountingData {
	worker := func(id, name string, opening, fees, rewards, payout int64, state PayoutState) WorkerDay {
		return WorkerDay{Worker: Person{id, name}, Opening: opening, Fees: fees, Rewards: rewards, Payout: payout, Closing: opening - fees + rewards - payout,
			State: state, OpeningHref: "/audit", FeesHref: "/audit", RewardsHref: "/audit", PayoutHref: "/audit", ClosingHref: "/audit"}
	}
	return AccountingData{
		Address: "/accounting", Export: "/accounting.csv", Day: now, Status: DayClosed, Interests: "accounting/2026-11-03", Previous: "/a", Next: "/b",
		Workers: []WorkerDay{
			worker("ann", "Ann Lorikeet", -1500, 1500, 0, 0, PayoutNone),
			worker("bob", "Bob Budgerigar", 0, 1500, 12480500, 12479000, PayoutPaid),
			worker("c", "Wolfeschlegelsteinhausenbergerdorff Hyacinthine-Macaw von Kakapo", 0, 1500, 3000, 1500, PayoutPending),
		},
		Total:    worker("", "", 0, 4500, 12483500, 12480500, PayoutNone),
		Earnings: earningsOf("earnings-by-day", true),
	}
}

func ledgerEntries() []AuditEntry {
	ann, max := Person{"ann", "Ann Lorikeet"}, Person{"max", "Max Macaw"}
	const event, command = "0199f3c1-52d0-7a5e-8d53-6f2b8d6f1a11", "0199f3c1-52d0-7a5e-8d53-000000000042"
	return []AuditEntry{
		{"5", TransferPayout, now, now, ann, "", 0, "", "", 0, 1500, 0, 0, event, "Account.BalanceReset", command, Person{}},
		{"4", TransferReset, now, now, ann, "", 0, "", "", 0, 1500, -1500, 0, event, "Day.Ended", command, Person{}},
		{"3", TransferReward, now, now, ann, "t-41", 41, "POPUG-42", "Polish the mirror", 2, 3000, 3000, 1500, event, "Task.Resolved", command, max},
		{"2", TransferFee, now, now, ann, "t-41", 41, "POPUG-42", "Polish the mirror", 2, 1500, -1500, -1500, event, "Task.Assigned", command, max},
	}
}

func samplePeople() []PersonRow {
	return []PersonRow{
		{"ann", "ann", "Ann Lorikeet", "ann@company.example", domain.Worker, PersonActive, false, now.AddDate(0, -2, 0), now.Add(-time.Hour)},
		{"bob", "bob", "Bob Budgerigar", "bob@company.example", domain.Manager, PersonInvited, false, now.Add(-time.Hour), time.Time{}},
		{"c", "a-login-as-long-as-a-login-may-be-at-all", "Wolfeschlegelsteinhausenbergerdorff Hyacinthine-Macaw von Kakapo", "a-very-long-address-without-any-blank-in-it@a-company-with-a-long-name.example", domain.TopManager, PersonActive, true, now, now},
		{"d", "dora", "Dora Kea", "dora@company.example", domain.Admin, PersonDeactivated, false, now.AddDate(-1, 0, 0), now.AddDate(0, -3, 0)},
	}
}

func importLines() []ImportLine {
	return []ImportLine{
		{7, "b ad", "Bad Parrot", "bad", "boss", "refuse", PersonRow{}, "A login has 1 to 40 letters a to z, digits, dots, dashes or underscores."},
		{2, "ann", "Anna Lorikeet", "a-very-long-address-without-any-blank-in-it@a-company-with-a-long-name.example", "manager", "update", samplePeople()[0], ""},
		{3, "eve", "Eve Macaw", "eve@company.example", "top-manager", "create", PersonRow{}, ""},
	}
}

func mails() []MailRow {
	ann := Person{"ann", "Ann Lorikeet"}
	return []MailRow{
		{"5", ann, "ann@company.example", "Nov 2, 2026: $15.00 paid out", MailSent, "", now},
		{"4", Person{"c", "Wolfeschlegelsteinhausenbergerdorff Hyacinthine-Macaw von Kakapo"}, "", "A draw: 12 tasks given to you and 3 taken from you", MailWaiting, "reach the mail server mail.example:587: connection refused", now},
		{"3", ann, "ann@company.example", "T-42 was given to you", MailSending, "the mail server may have taken it", now},
		{"2", ann, "a-very-long-address-without-any-blank-in-it@a-company-with-a-long-name.example", "Max Macaw resolved T-41", MailRefused, "the mail server refuses it: 550 no such user", now},
		{"1", Person{ID: "x"}, "", "Nov 2, 2026: nothing to pay out", MailKept, "no address is known", now},
	}
}

func balanceMail() BalanceMailData {
	return BalanceMailData{Name: "Ann <Lorikeet>", Day: now, Charged: 1500, Earned: 3000, Paid: 1500}
}

func analytics() AnalyticsData {
	return AnalyticsData{
		Address: "/analytics", Today: now, Month: now, Year: now, Previous: "/a", EarnedToday: -1300, EarnedMonth: 128000, EarnedYear: 1280050, TodayHref: "/accounting",
		BelowZero: []Debtor{{Person{"ann", "Ann Lorikeet"}, -1500, "/audit"}, {Person{"bob", "Bob Budgerigar"}, -200, "/audit"}},
		Dearest: []Dearest{
			{OfDay, now, "t-41", 41, "POPUG-42", "Polish the mirror", 2800}, {OfDay, now.AddDate(0, 0, -1), "t-40", 40, "", "Count the sunflower seeds", 3800},
			{Span: OfDay, Until: now.AddDate(0, 0, -2)}, {OfMonth, now, "t-40", 40, "", "Count the sunflower seeds", 3800}, {OfYear, now, "t-12", 12, "", "", 4000},
		},
		ByDay: earningsOf("by-day", true), ByMonth: earningsOf("by-month", false), ByYear: earningsOf("by-year", false),
	}
}

// storybook serves the stories the way the program serves its pages.
func storybook(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 2000\nevent: hello\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	all := stories()
	mux.HandleFunc("GET /story/{lang}/{story}", func(w http.ResponseWriter, r *http.Request) {
		ctx := WithLocale(r.Context(), Locale{Language: r.PathValue("lang"), Currency: "USD"})
		if err := all[r.PathValue("story")].Render(ctx, w); err != nil {
			t.Errorf("render %s: %v", r.URL.Path, err)
		}
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

// To look at them: ATES_SCREENSHOTS=1 go test ./views -run TestStories, then see .screenshots.
func TestStories(t *testing.T) {
	t.Parallel()
	url := storybook(t)
	// A window is opened for many stories: opening one costs more than looking at a story.
	all := stories()
	names := slices.Sorted(maps.Keys(all))
	windows := 3
	for window := range windows {
		t.Run(strconv.Itoa(window), func(t *testing.T) {
			t.Parallel()
			tab := viewstest.Browser(t)
			tab.Examining()
			for i := window; i < len(names); i += windows {
				t.Run(names[i], func(t *testing.T) { lookAt(t, tab, url, names[i]) })
			}
		})
	}
}

// lookAt looks at a story in the ways in which people do: at the main one of each page in all of them, and at its variants, which are
// those with a dash, at the widest and the narrowest, in Russian, whose words are longer.
func lookAt(t *testing.T, tab *viewstest.Tab, url, name string) {
	tab = tab.For(t)
	opened := ""
	pictures, variant := os.Getenv("ATES_SCREENSHOTS") != "", strings.Contains(name, "-")
	for _, look := range []struct {
		name, lang string
		viewstest.Look
		// pictured looks are as wide as another: they are for those who look at the pictures.
		pictured bool
	}{
		{"desk", "en", viewstest.Look{Width: 1280, Height: 800, Still: true}, false},
		{"desk-dark", "en", viewstest.Look{Width: 1280, Height: 800, Dark: true, Still: true}, true},
		{"tablet", "ru", viewstest.Look{Width: 768, Height: 900, Still: true}, false},
		{"phone-dark", "ru", viewstest.Look{Width: 320, Height: 640, Dark: true, Still: true}, false},
	} {
		lang := look.lang
		if !pictures && (look.pictured || variant && look.name == "tablet") {
			continue
		}
		if !pictures && variant {
			lang = "ru"
		}
		tab.Look(look.Look)
		if lang != opened {
			opened = lang
			tab.Open(url + "/story/" + lang + "/" + name)
		} else { // what draws itself, as charts do, does so after the next frame
			viewstest.Value[any](tab, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 20))))")
		}
		tab.FitsSideways()
		tab.Screenshot(name + "-" + look.name)
		// axe takes its time: the main story of each page is examined whole, by day and in the dark, and of its variants what varies.
		switch {
		case !variant && look.name != "tablet":
			tab.Accessible()
		case variant && look.name == "desk":
			tab.Accessible("main", ".flash", "#toasts")
		}
	}
}

func TestPrinting(t *testing.T) {
	t.Parallel()
	url := storybook(t)
	tab := viewstest.Browser(t)
	tab.Look(viewstest.Look{Width: 718, Height: 1000, Dark: true, Print: true}) // A4 without its margins
	for _, name := range []string{"board-long", "balance", "task"} {
		tab.Open(url + "/story/en/" + name)
		tab.FitsSideways()
		require.Equal(t, "none", viewstest.Value[string](tab, "getComputedStyle(document.querySelector('.top')).display"))
		require.Regexp(t, "aTES · /.* · Nov 3, 2026, 14:05.UTC", tab.Text(".printed"), "where it is from, and of when")
		require.Equal(t, "rgb(255, 255, 255)", viewstest.Value[string](tab, "getComputedStyle(document.documentElement).backgroundColor"))
		tab.Screenshot(name + "-print")
	}
	tab.Open(url + "/story/en/balance")
	require.Equal(t, "table", viewstest.Value[string](tab, "getComputedStyle(document.querySelector('.rows')).display"))
}

// A keyboard alone must be able to open the menus and dialogs that stories show closed.
func TestWhatOpensIsAccessibleToo(t *testing.T) {
	t.Parallel()
	tab := viewstest.Browser(t)
	for _, look := range []viewstest.Look{{Width: 1280, Height: 800, Still: true}, {Width: 320, Height: 640, Dark: true, Still: true}} {
		tab.Look(look)
		tab.Open(storybook(t) + "/story/en/board-flash")
		tab.Do(chromedp.Focus(chromedp.CSS(".personal summary")))
		tab.Press("\r")
		tab.Wait("document.querySelector('.personal').open")
		tab.FitsSideways()
		tab.Accessible()
		tab.Screenshot(fmt.Sprintf("personal-%d", look.Width))

		tab.Do(chromedp.Focus(chromedp.CSS("[data-opens=shortcuts]")))
		tab.Press("\r")
		tab.Wait("document.querySelector('#shortcuts').open")
		tab.FitsSideways()
		tab.Accessible()
		tab.Screenshot(fmt.Sprintf("shortcuts-%d", look.Width))
	}
}
