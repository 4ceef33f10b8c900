package main

import (
	"context"
	"encoding/csv"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
	"ates/handlers"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// firm is the program within a test, with a clock that the test moves and a draw that falls as it likes.
type firm struct {
	t       *testing.T
	pool    *pgxpool.Pool
	bus     *jobs.Bus
	books   accounting.Books
	address string
	clock   atomic.Pointer[time.Time]
	manager domain.Actor
	ann     domain.Actor
	bob     domain.Actor
	// stop has nobody work on jobs until work is called again.
	stop func()
}

// openFirm opens one in a time zone at a moment, with its first business day begun.
func openFirm(t *testing.T, zone, at string) *firm {
	t.Helper()
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	f := &firm{t: t, pool: sqltest.Pool(t), books: accounting.Books{Zone: location, Unit: 100}}
	f.at(at)
	now := func() time.Time { return *f.clock.Load() }
	f.bus, err = jobs.NewBus(jobs.BusConfig{Pool: f.pool, Books: f.books, Now: now})
	require.NoError(t, err)
	_, err = seedPeople(t.Context(), f.pool, f.bus)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	f.address = "http://localhost:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	site, err := handlers.New(t.Context(), handlers.Config{
		Pool: f.pool, Commands: f.bus, PublicURL: f.address, Books: f.books, Currency: "USD", Demo: true, Dashboard: http.NotFoundHandler(), Now: now,
	})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(site)
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		site.Listen(ctx)
	}()
	t.Cleanup(func() {
		site.Stop()
		server.Close()
		cancel()
		<-listening
	})
	f.work()
	f.idle()
	f.manager, f.ann, f.bob = f.actor("manager"), f.actor("worker"), f.actor("worker-2")
	f.sweep()
	return f
}

// at sets the clock.
func (f *firm) at(moment string) {
	f.t.Helper()
	at, err := time.Parse(time.RFC3339Nano, moment)
	require.NoError(f.t, err)
	f.clock.Store(&at)
}

// work works on jobs.
func (f *firm) work() { f.stop = jobstest.Work(f.t, f.bus) }

// sweep does what the clock asks for every minute, and all that follows from it.
func (f *firm) sweep() {
	f.t.Helper()
	require.NoError(f.t, f.bus.Do(f.t.Context(), jobs.CloseDay(f.books)))
	f.idle()
}

func (f *firm) idle() {
	f.t.Helper()
	jobstest.Idle(f.t, f.pool, time.Minute)
}

func (f *firm) actor(login string) domain.Actor {
	f.t.Helper()
	person, err := auth.FindPersonByLogin(f.t.Context(), f.pool, login)
	require.NoError(f.t, err)
	return person.Actor()
}

// given makes a task of a price, in whole units, that the draw gives to a worker.
func (f *firm) given(to domain.Actor, fee, reward int64) uuid.UUID {
	f.t.Helper()
	f.only(to)
	create := &tracker.CreateTask{Request: domain.Request{By: f.manager}, Description: "[POPUG-42] - =1+1"}
	require.NoError(f.t, f.bus.Do(f.t.Context(), jobstest.PricedTask{CreateTask: create, Fee: fee * 100, Reward: reward * 100}))
	f.idle()
	return create.TaskID
}

// moved has everything open drawn to a worker.
func (f *firm) moved(to domain.Actor) {
	f.t.Helper()
	f.only(to)
	require.NoError(f.t, f.bus.Do(f.t.Context(), &tracker.AssignTasks{Request: domain.Request{By: f.manager}}))
	f.idle()
}

func (f *firm) only(worker domain.Actor) {
	f.t.Helper()
	_, err := f.pool.Exec(f.t.Context(), "update tracker.people set active = (id = $1)", worker.ID)
	require.NoError(f.t, err)
}

// resolve resolves a task without waiting for what follows.
func (f *firm) resolve(task uuid.UUID) {
	f.t.Helper()
	require.NoError(f.t, f.bus.Do(f.t.Context(), &tracker.ChangeTaskStatus{Request: domain.Request{By: f.manager}, TaskID: task, Status: tracker.Resolved}))
}

func (f *firm) resolved(task uuid.UUID) {
	f.t.Helper()
	f.resolve(task)
	f.idle()
}

// as signs somebody in; sessions end when the clock goes on for long.
func (f *firm) as(login string) *person { return signIn(f.t, f.address, login) }

// page is a page's text, as somebody reads it.
func (f *firm) page(p *person, path string) string {
	f.t.Helper()
	status, body := p.get(path)
	require.Equal(f.t, http.StatusOK, status, "%s: %.2000s", path, body)
	return body
}

// table is a CSV file that somebody downloads.
func (f *firm) table(p *person, path string, comma rune) [][]string {
	f.t.Helper()
	body, ok := strings.CutPrefix(f.page(p, path), "\ufeff")
	require.True(f.t, ok, "it begins with a byte order mark")
	reader := csv.NewReader(strings.NewReader(body))
	reader.Comma = comma
	rows, err := reader.ReadAll()
	require.NoError(f.t, err)
	return rows
}

// name is what somebody is called.
func (f *firm) name(who domain.Actor) (name string) {
	f.t.Helper()
	require.NoError(f.t, f.pool.QueryRow(f.t.Context(), "select name from accounting.people where id = $1", who.ID).Scan(&name))
	return name
}

var tags = regexp.MustCompile(`<[^>]*>`)

// textOf is what people read in the element with an id.
func textOf(t testing.TB, body, id string) string {
	t.Helper()
	begin := regexp.MustCompile(`<(\w+)[^>]*\bid="` + regexp.QuoteMeta(id) + `"[^>]*>`)
	at := begin.FindStringSubmatchIndex(body)
	require.NotNil(t, at, "the page has #%s: %.5000s", id, body)
	text, _, _ := strings.Cut(body[at[1]:], "</"+body[at[2]:at[3]]+">")
	text = strings.ReplaceAll(html.UnescapeString(tags.ReplaceAllString(text, " ")), "\u00a0", " ")
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), " ;", ";")
}

// linksTo are the addresses below a path to which a page has links.
func linksTo(body, path string) []string {
	var links []string
	for _, found := range regexp.MustCompile(`href="(`+regexp.QuoteMeta(path)+`[^"]*)"`).FindAllStringSubmatch(body, -1) {
		links = append(links, html.UnescapeString(found[1]))
	}
	return links
}

// workedExample plays the two days of section 5 of the specification and ends on the third.
func workedExample(f *firm) {
	t1 := f.given(f.ann, 15, 30)
	f.moved(f.bob)
	f.resolved(t1)
	f.at("2026-03-02T00:01:00Z")
	f.sweep()
	t2 := f.given(f.ann, 12, 25)
	f.resolved(t2)
	f.at("2026-03-03T00:01:00Z")
	f.sweep()
}

// TestTheWorkedExampleIsOnThePages is that of section 5 of the specification, to the dollar.
func TestTheWorkedExampleIsOnThePages(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	workedExample(f)
	manager, top := f.as("manager"), f.as("top-manager")
	ann, bob := "worker-"+f.ann.ID.String(), "worker-"+f.bob.ID.String()

	first := f.page(manager, "/accounting?day=2026-03-01")
	require.Contains(t, textOf(t, first, ann), "$0.00 $15.00 $0.00 $0.00 −$15.00")
	require.Contains(t, textOf(t, first, bob), "$0.00 $15.00 $30.00 $15.00 paid $0.00")
	require.Equal(t, "$0.00", textOf(t, first, "total-earned"))
	require.Equal(t, "Closed", textOf(t, first, "day-status"))
	second := f.page(manager, "/accounting?day=2026-03-02")
	require.Contains(t, textOf(t, second, ann), "−$15.00 $12.00 $25.00 $0.00 −$2.00")
	require.Contains(t, textOf(t, second, bob), "$0.00 $0.00 $0.00 $0.00 $0.00")
	require.Equal(t, "−$13.00", textOf(t, second, "total-earned"))
	today := f.page(manager, "/accounting")
	require.Contains(t, textOf(t, today, ann), "−$2.00 $0.00 $0.00 $0.00 −$2.00")
	require.Equal(t, "Open", textOf(t, today, "day-status"))
	require.Equal(t, []string{"/accounting?day=2026-03-01", "/accounting?day=2026-03-03"}, navigation(second))
	require.Equal(t, []string{"/accounting?day=2026-03-02"}, navigation(today), "tomorrow is none yet")
	require.Equal(t, []string{"/accounting?day=2026-03-02"}, navigation(first), "there was no day before")

	// Every number opens the rows that make it.
	links := linksTo(first, "/audit?")
	require.NotEmpty(t, links)
	for _, link := range links {
		f.page(manager, link)
	}
	require.Contains(t, f.page(manager, "/audit?day=2026-03-01&type=fee&worker="+f.ann.ID.String()), "assignment 1")

	analytics := f.page(top, "/analytics")
	require.Equal(t, "03.03 - no task; 02.03 - 25$; 01.03 - 30$; 01-03 March - 30$; 01.01-03.03.2026 - 30$", textOf(t, analytics, "dearest"))
	require.Equal(t, "$0.00", textOf(t, analytics, "earned-today"))
	require.Equal(t, "−$13.00", textOf(t, analytics, "earned-month"))
	require.Equal(t, "−$13.00", textOf(t, analytics, "earned-year"))
	require.Equal(t, "1 worker", textOf(t, analytics, "below-zero-count"))
	require.Contains(t, textOf(t, analytics, "debtor-"+f.ann.ID.String()), "−$2.00")
	require.Contains(t, textOf(t, analytics, "by-day"), "Mar 2, 2026 $12.00 $25.00 −$13.00 1 Mar 3, 2026 $0.00 $0.00 $0.00 not closed yet")

	// The worker's own page: what is carried over, what was paid, and the balance after each entry.
	balance := f.page(f.as("worker"), "/balance")
	require.Contains(t, textOf(t, balance, "current-balance"), "−$2.00")
	require.Contains(t, textOf(t, balance, "day-2026-03-02"), "Opening −$15.00 Rewards + $25.00 Fees − $12.00 Paid out − $0.00 Carried into the next day = −$2.00")
	require.Contains(t, textOf(t, balance, "day-2026-03-01"), "Carried into the next day = −$15.00")
	balance = f.page(f.as("worker-2"), "/balance")
	require.Contains(t, textOf(t, balance, "day-2026-03-01"), "Opening $0.00 Rewards + $30.00 Fees − $15.00 Paid out − $15.00 Closing = $0.00")
}

// navigation are the days to which a page of accounting leads as the one before and the one after.
func navigation(body string) []string {
	_, nav, _ := strings.Cut(body, `<nav class="pages day-pages"`)
	nav, _, _ = strings.Cut(nav, "</nav>")
	return linksTo(nav, "/accounting?day=")
}

func TestACSVFileHasWhatThePageShows(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	workedExample(f)
	manager := f.as("manager")
	rows := f.table(manager, "/accounting.csv?day=2026-03-02", ',')
	require.Equal(t, []string{"Day", "Worker", "Opening", "Fees", "Rewards", "Payout", "Payout is", "Closing"}, rows[0])
	var ann []string
	for _, row := range rows {
		if row[2] == "-15.00" {
			ann = row
		}
	}
	require.Equal(t, []string{"-15.00", "12.00", "25.00", "0.00", "", "-2.00"}, ann[2:])
	require.Equal(t, "-13.00", rows[len(rows)-1][7], "earned by management")

	// In Russian a comma is the decimal mark, so semicolons are between the cells. A description that looks like a formula is text.
	manager.post("/preferences", url.Values{"lang": {"ru"}})
	rows = f.table(manager, "/audit.csv?worker="+f.ann.ID.String(), ';')
	require.Len(t, rows, 1+3)
	for _, row := range rows[1:] {
		require.Equal(t, "'=1+1", row[7])
		require.Equal(t, "POPUG-42", row[len(row)-1])
	}
	require.Equal(t, []string{"25,00", "25,00", "-2,00"}, rows[1][11:14])
	require.Equal(t, []string{"12,00", "-12,00", "-27,00"}, rows[2][11:14])
	require.Equal(t, "Task.Resolved", rows[1][14])
}

func TestMostExpensiveTasks(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-02-27T09:00:00Z")
	f.given(f.ann, 10, 20)
	resolve := func(at string, rewards ...int64) (tasks []uuid.UUID) {
		f.at(at)
		f.sweep()
		for i, reward := range rewards {
			f.at(strings.Replace(at, "09:00:0", "09:00:"+strconv.Itoa(i), 1))
			tasks = append(tasks, f.given(f.bob, 10, reward))
			f.resolved(tasks[i])
		}
		return tasks
	}
	resolve("2026-03-01T09:00:00Z", 23, 21)
	tie := resolve("2026-03-02T09:00:00Z", 38, 38, 22)
	resolve("2026-03-03T09:00:00Z", 28)
	top := f.as("top-manager")

	page := f.page(top, "/analytics")
	require.Contains(t, textOf(t, page, "dearest"), "03.03 - 28$; 02.03 - 38$; 01.03 - 23$; 01-03 March - 38$")
	require.Contains(t, page, `href="/tasks/`+tie[0].String()+`"`, "of a tie the one resolved first")
	require.NotContains(t, page, `href="/tasks/`+tie[1].String()+`"`)
	require.Contains(t, textOf(t, f.page(top, "/analytics?month=2026-02"), "dearest"), "28.02 - no task; 27.02 - no task; 01-28 February - no task; 01.01-03.03.2026 - 38$")
	top.post("/preferences", url.Values{"lang": {"ru"}})
	require.Contains(t, textOf(t, f.page(top, "/analytics"), "dearest"), "03.03 - 28 $; 02.03 - 38 $; 01.03 - 23 $; 01-03 марта - 38 $")
	for _, month := range []string{"2026-04", "2026-01", "soon", "2026-13"} {
		status, _ := top.get("/analytics?month=" + month)
		require.Equal(t, http.StatusUnprocessableEntity, status, month)
	}
}

// TestDaysOfTwentyThreeAndTwentyFiveHours are those in which the clocks change: an entry belongs to the day of the business zone.
func TestDaysOfTwentyThreeAndTwentyFiveHours(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begins, last, next    string // of the day in which the clocks change
		day, dayBefore, after string
	}{
		"23 hours": {"2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z", "2026-03-29", "2026-03-28", "2026-03-30"},
		"25 hours": {"2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z", "2026-10-25", "2026-10-24", "2026-10-26"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openFirm(t, "Europe/Berlin", c.dayBefore+"T10:00:00Z")
			f.given(f.ann, 20, 20)
			f.at(c.begins)
			f.given(f.ann, 11, 20)
			f.at(c.last)
			f.resolved(f.given(f.ann, 12, 40))
			f.at(c.next)
			f.given(f.ann, 13, 20)
			f.sweep()
			manager := f.as("manager")
			for day, earned := range map[string]string{c.dayBefore: "$20.00", c.day: "−$17.00", c.after: "$13.00"} {
				require.Equal(t, earned, textOf(t, f.page(manager, "/accounting?day="+day), "total-earned"), day)
			}
		})
	}
}

func TestAClosedDayIsNotChangedByWhatComesLate(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	f.resolved(f.given(f.ann, 10, 20))
	late := f.given(f.bob, 10, 40)
	f.stop()
	f.at("2026-03-01T23:59:59.9Z")
	f.resolve(late)
	f.at("2026-03-02T00:15:00Z") // the grace period is over
	require.NoError(t, f.bus.Do(t.Context(), jobs.CloseDay(f.books)))
	f.work()
	f.idle()
	manager, top, bob := f.as("manager"), f.as("top-manager"), "worker-"+f.bob.ID.String()

	first := f.page(manager, "/accounting?day=2026-03-01")
	require.Contains(t, textOf(t, first, bob), "$0.00 $10.00 $0.00 $0.00 −$10.00")
	require.Equal(t, "$0.00", textOf(t, first, "total-earned"))
	second := f.page(manager, "/accounting")
	require.Contains(t, textOf(t, second, bob), "−$10.00 $0.00 $40.00 $0.00 $30.00")
	require.Equal(t, "−$40.00", textOf(t, second, "total-earned"))
	require.Contains(t, textOf(t, f.page(top, "/analytics"), "dearest"), "02.03 - 40$; 01.03 - 20$")
	require.Contains(t, f.page(manager, "/audit?day=2026-03-02&type=reward"), "Mar 1, 2026, 23:59", "it keeps its time of occurrence")
}

func TestALedgerIsReadInOrderAndWhole(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	for range 12 {
		f.given(f.ann, 10, 20)
	}
	for range 4 {
		f.moved(f.bob)
		f.moved(f.ann)
	}
	f.at("2026-03-02T00:01:00Z")
	f.sweep()
	f.moved(f.bob)
	f.resolved(f.given(f.bob, 10, 40))
	f.resolved(f.given(f.ann, 10, 40))
	entries := number(t, f.pool, "select count(*) from accounting.transfers")
	require.Greater(t, entries, 2*50)
	manager := f.as("manager")

	entry := regexp.MustCompile(`id="entry-(\d+)"`)
	var seen []string
	for address := "/audit"; address != ""; {
		body := f.page(manager, address)
		for _, found := range entry.FindAllStringSubmatch(body, -1) {
			seen = append(seen, found[1])
		}
		address = ""
		if _, older, ok := strings.Cut(body, `rel="next"`); ok {
			require.Contains(t, older, "Older")
			address = linksTo(body, "/audit?before=")[len(linksTo(body, "/audit?before="))-1]
		}
	}
	require.Len(t, seen, entries)
	var want []string
	require.NoError(t, f.pool.QueryRow(t.Context(), "select array_agg(id::text order by day desc, id desc) from accounting.transfers").Scan(&want))
	require.Equal(t, want, seen)
	rows := f.table(manager, "/audit.csv", ',')
	require.Len(t, rows, 1+entries)
	for i, row := range rows[1:] {
		require.Equal(t, want[i], row[0], "the file has the same rows")
	}

	// One worker's: every balance is the one before it and the change.
	rows = f.table(manager, "/audit.csv?worker="+f.bob.ID.String(), ',')[1:]
	for i := range rows[:len(rows)-1] {
		require.InDelta(t, dollars(t, rows[i][13]), dollars(t, rows[i+1][13])+dollars(t, rows[i][12]), 0, "%v", rows[i])
	}
	require.InDelta(t, number(t, f.pool, "select balance from accounting.accounts where id = $1", f.bob.ID), dollars(t, rows[0][13])*100, 0)

	// Narrowed by task and type, and told why.
	task := "T-" + strconv.Itoa(number(t, f.pool, "select min(number) from tracker.tasks"))
	body := f.page(manager, "/audit?task="+task+"&type=fee")
	require.Len(t, entry.FindAllString(body, -1), number(t, f.pool, "select assignment from tracker.tasks where 'T-' || number = $1", task))
	require.Contains(t, body, "Task.Assigned")
	require.Contains(t, body, "by "+f.name(f.manager))
	require.Contains(t, f.page(manager, "/audit?task=T-99999"), "No entry of the ledger fits")
	for _, filter := range []string{"worker=ann", "day=2026-02-30", "task=soon", "type=gift", "before=1"} {
		status, _ := manager.get("/audit?" + filter)
		require.Equal(t, http.StatusUnprocessableEntity, status, filter)
	}
}

func dollars(t testing.TB, s string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return n
}

// TestAFileOfManyRowsIsWhole is longer than what is read from the ledger at once.
func TestAFileOfManyRowsIsWhole(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	task := f.given(f.ann, 10, 20)
	const rows = 2500
	_, err := f.pool.Exec(t.Context(), `insert into accounting.transfers (kind, debit, credit, amount, wallet, version, balance, task, assignment, day, occurred_at, booked_at, event)
		select 'fee', $1, '00000000-0000-0000-0000-000000000001', n, $1, n, -n, $2, 100 + n, date '2026-01-01' + n / 100, now(), now(), gen_random_uuid()
		from generate_series(1, $3::int) n`, f.bob.ID, task, rows)
	require.NoError(t, err)
	file := f.table(f.as("worker-2"), "/audit.csv", ',')
	require.Len(t, file, 1+rows)
	for i, row := range file[1:] {
		require.InDelta(t, float64(rows-i)/100, dollars(t, row[11]), 0.001, "the newest first, none left out, none twice")
	}
	require.InDelta(t, -0.01, dollars(t, file[rows][13]), 0, "the first of all")
	require.InDelta(t, -rows*(rows+1)/2/100.0, dollars(t, file[1][13]), 0.001, "and what they come to")
}

func TestAWorkersLedgerIsTheirOwn(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	f.given(f.ann, 11, 20)
	f.given(f.bob, 12, 20)
	ann := f.as("worker")
	body := f.page(ann, "/audit")
	require.Contains(t, body, "−$11.00")
	require.NotContains(t, body, "−$12.00")
	require.NotContains(t, body, f.name(f.bob), "nor does it say who else there is")
	require.Len(t, f.table(ann, "/audit.csv", ','), 1+1)
	for _, path := range []string{"/audit", "/audit.csv"} {
		status, _ := ann.get(path + "?worker=" + f.bob.ID.String())
		require.Equal(t, http.StatusForbidden, status, path)
	}
}

func TestADayThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	manager := f.as("manager")
	for day, says := range map[string]string{
		"2026-02-30": "There is no such day", "yesterday": "There is no such day", "2026-2-1": "There is no such day",
		"2026-02-28": "They go from Mar 1, 2026 to Mar 1, 2026", "2026-03-02": "The books have no such day",
	} {
		for _, path := range []string{"/accounting", "/accounting.csv"} {
			status, body := manager.get(path + "?day=" + day)
			require.Equal(t, http.StatusUnprocessableEntity, status, day)
			require.Contains(t, body, says, day)
		}
	}
}

// TestFiguresFollowInABrowser is a top-manager who looks at the figures while they change.
func TestFiguresFollowInABrowser(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T23:00:00Z")
	tab := enter(t, f.address, "top-manager")
	tab.Open(f.address + "/analytics")
	tab.Wait(`document.querySelector("#live-state").dataset.state === "live"`)
	tab.Wait(`window.Chart?.getChart(document.querySelector("#by-day canvas"))?.data.datasets[0].data[0] === 0`)
	f.resolved(f.given(f.ann, 10, 35))
	tab.WaitText("#dearest", "01.03 - 35$")
	tab.WaitText("#earned-today", "−$25.00")
	tab.Wait(`Chart.getChart(document.querySelector("#by-day canvas")).data.datasets[0].data[0] === -25`)
	f.at("2026-03-02T00:01:00Z")
	f.sweep()
	tab.Wait(`document.querySelectorAll("#by-day tbody tr").length === 2`)
	tab.Wait(`Chart.getChart(document.querySelector("#by-day canvas")).data.labels.length === 2`)
}
