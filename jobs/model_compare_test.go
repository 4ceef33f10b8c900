package jobs_test

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/sql/verify"
)

// observe tells the model what has been committed since, one transaction at most, and compares every wallet.
func (w *walk) observe() {
	ctx := w.Context()
	rows, err := w.pool.Query(ctx, `select position, id, batch, name, version, occurred_at, producer, subject, subject_version, actor,
		correlation_id, causation_id, data from log.events where position > $1 order by position`, w.position)
	w.require.NoError(err)
	fresh, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	w.require.NoError(err)
	for _, e := range fresh {
		w.position = e.Position
		w.happened(e)
	}
	w.log = append(w.log, fresh...)
	w.observeTransfers()
	closed := w.observeDays()
	for _, e := range fresh {
		switch e.Name {
		case "Account.BalanceReset":
			w.require.NoError(w.model.resets(as[accounting.BalanceReset](w, e)))
		case "Account.PayoutCommitted":
			w.require.NoError(w.model.pays(as[accounting.PayoutCommitted](w, e)))
		case "Day.Closed":
			day := as[accounting.DayClosed](w, e).Day
			w.require.NoError(w.model.closes(day))
			w.require.Contains(closed, day)
			w.model.status[day] = "closed"
		}
	}
	wallets := map[uuid.UUID]int64{}
	w.each(`select id, balance from accounting.accounts where kind = 'wallet' and balance <> 0`, func(rows pgx.Rows) error {
		var id uuid.UUID
		var balance int64
		err := rows.Scan(&id, &balance)
		wallets[id] = balance
		return err
	})
	for _, id := range w.staff {
		w.require.Equal(w.model.balance(id), wallets[id], "the wallet of %s", id)
	}
}

// each reads rows.
func (w *walk) each(query string, read func(pgx.Rows) error, args ...any) {
	rows, err := w.pool.Query(w.Context(), query, args...)
	w.require.NoError(err)
	defer rows.Close()
	for rows.Next() {
		w.require.NoError(read(rows))
	}
	w.require.NoError(rows.Err())
}

func (w *walk) observeTransfers() {
	w.each(`select id, wallet, kind, task, assignment, amount, day::text, occurred_at, event from accounting.transfers where id > $1 and kind in ('fee', 'reward') order by id`,
		func(rows pgx.Rows) error {
			var got modelEntry
			var cause uuid.UUID
			err := rows.Scan(&w.transfer, &got.worker, &got.kind, &got.task, &got.assignment, &got.amount, &got.day, &got.occurred, &cause)
			got.occurred = got.occurred.UTC()
			return errors.Join(err, w.model.book(cause, got))
		}, w.transfer)
}

// observeDays tells the model which days were opened and which take no more bookings, and returns those that are closed.
func (w *walk) observeDays() (closed []string) {
	w.each(`select day::text, status, begins, ends from accounting.days order by day`, func(rows pgx.Rows) error {
		var day, status string
		var begins, ends time.Time
		if err := rows.Scan(&day, &status, &begins, &ends); err != nil {
			return err
		}
		w.require.Equal([]time.Time{w.model.ends(dayAfter(day, -1)).UTC(), w.model.ends(day).UTC()}, []time.Time{begins.UTC(), ends.UTC()}, day)
		if known := w.model.status[day]; status != "open" && (known == "" || known == "open") {
			w.require.NoError(w.model.beginsToClose(day, w.now))
			w.require.False(w.slow != nil && w.model.day(w.slow.began) <= day, "%s is closed while a command of that day is at work", day)
			w.model.status[day] = "closing"
		} else if known == "" {
			w.model.status[day] = "open"
		}
		if status == "closed" {
			closed = append(closed, day)
		}
		return nil
	})
	return closed
}

// settle has everything worked on that is left, and compares everything.
func (w *walk) settle(r *rapid.T) {
	w.endSlow()
	w.change(`update river.river_job set state = 'available' where state = 'running'`)
	for _, id := range w.jobsIn("discarded") {
		w.retry(id)
	}
	for range 100 {
		ids := w.waiting()
		if len(ids) == 0 {
			w.compare()
			return
		}
		for _, id := range w.inOrder(r, ids) {
			w.finish(w.attempt(id), 0)
		}
	}
	w.require.Fail("jobs bring jobs without an end")
}

// compare compares every figure with the model and has the books verified, when no job is left.
func (w *walk) compare() {
	m := w.model
	results, err := verify.Run(w.Context(), w.pool)
	w.require.NoError(err)
	for _, r := range results {
		// This one allows the tracker a minute to hear of people. Here it hears when it does, of which only the model knows.
		late := r.Name == "an open task was drawn for an active worker"
		w.require.True(r.OK() || late, "not so: %s: %v", r.Name, r.Examples)
	}
	w.require.Empty(m.due, "all is booked")
	w.require.Equal(len(m.ledger), w.count(`select count(*) from accounting.transfers where kind in ('fee', 'reward')`))
	w.compareTasks()
	w.compareClosings()
	w.compareFigures()
	w.require.Equal(m.people, m.tracker, "the tracker has heard")
	w.require.Equal(m.people, m.accounting, "Accounting has heard")
	for _, context := range []string{"tracker", "accounting"} {
		w.require.Equal(len(m.people), w.count(`select count(*) from `+context+`.people c join auth.accounts a using (id, name, role, version) where c.active = (a.status = 'active')`))
	}
}

func (w *walk) compareTasks() {
	got := map[uuid.UUID]*modelTask{}
	w.each(`select t.id, t.status, t.assignee, t.assignment, p.fee, p.reward from tracker.tasks t join accounting.tasks p using (id)`, func(rows pgx.Rows) error {
		var id uuid.UUID
		task := &modelTask{}
		err := rows.Scan(&id, &task.status, &task.assignee, &task.assignment, &task.fee, &task.reward)
		got[id] = task
		return err
	})
	w.require.Equal(w.model.tasks, got)
	charged, rewarded := 0, 0
	for _, task := range w.model.tasks {
		charged += int(task.assignment)
		if task.status == tracker.Resolved {
			rewarded++
		}
	}
	w.require.Len(w.model.ledger, charged+rewarded, "a fee for each assignment and a reward for each task that is resolved")
}

// compareClosings compares what each closed day left to each worker, what of it was paid, and what they were told.
func (w *walk) compareClosings() {
	m := w.model
	want := map[workerDay]modelClosing{}
	paid := map[workerDay]bool{}
	var payouts int64
	for key := range m.reset {
		want[key] = m.closings[key]
		if c := m.closings[key]; c.payout > 0 {
			paid[key] = true
			payouts += c.payout
		}
	}
	w.require.Equal(paid, m.paid)
	closings, messages, inbox := map[workerDay]modelClosing{}, map[workerDay]modelClosing{}, map[workerDay]modelClosing{}
	for table, into := range map[string]map[workerDay]modelClosing{
		"(select wallet as worker, * from accounting.closings)":                         closings,
		"(select person as worker, * from accounting.messages where channel = 'mail')":  messages,
		"(select person as worker, * from accounting.messages where channel = 'inbox')": inbox,
	} {
		w.each(`select worker, day::text, opening, fees, rewards, payout, carried from `+table+` x`, func(rows pgx.Rows) error {
			var key workerDay
			var c modelClosing
			err := rows.Scan(&key.worker, &key.day, &c.opening, &c.fees, &c.rewards, &c.payout, &c.carried)
			w.require.NotContains(into, key, "once a worker and day")
			into[key] = c
			return err
		})
	}
	w.require.Equal(want, closings)
	w.require.Equal(messages, inbox, "both channels tell the same")
	for key, c := range want {
		if got, told := messages[key]; told || c != (modelClosing{}) {
			w.require.True(told, "%+v was told of nothing", key)
			w.require.Equal(c, got)
			delete(messages, key)
		}
	}
	w.require.Empty(messages, "nobody is told of what was not")
	balance := `select coalesce(sum(e.amount), 0) from accounting.entries e join accounting.accounts a on a.id = e.account where a.kind = $1`
	w.require.EqualValues(payouts, w.count(balance, "cash"))
	w.require.Zero(w.count(balance, "payouts_pending"))
}

// compareFigures compares what the pages show: days of workers, days of management, the most expensive tasks, months and years.
func (w *walk) compareFigures() {
	m, q, ctx := w.model, dbsqlc.New(w.pool), w.Context()
	type workersDay struct {
		fees, rewards, reset, paid int64
		closed                     bool
	}
	type managementsDay struct {
		fees, rewards, belowZero int64
		dearest                  uuid.UUID
	}
	want, wantDays := map[workerDay]workersDay{}, map[string]managementsDay{}
	for key := range m.reset {
		day := workersDay{reset: m.closings[key].payout, paid: m.closings[key].payout, closed: true}
		want[key] = day
		if figures := wantDays[key.day]; m.closings[key].carried < 0 {
			figures.belowZero++
			wantDays[key.day] = figures
		}
	}
	for _, e := range m.ledger {
		key := workerDay{e.worker, e.day}
		day, figures := want[key], wantDays[e.day]
		day.fees, day.rewards = m.booked(func(o modelEntry) bool { return o.worker == e.worker && o.day == e.day })
		figures.fees, figures.rewards = m.booked(func(o modelEntry) bool { return o.day == e.day })
		dearest, _ := m.dearest(e.day, e.day)
		figures.dearest = dearest.task
		want[key], wantDays[e.day] = day, figures
	}
	got, gotDays := map[workerDay]workersDay{}, map[string]managementsDay{}
	w.each(`select worker, day::text, fees, rewards, payout, paid, closed from accounting.daily_balances`, func(rows pgx.Rows) error {
		var key workerDay
		var d workersDay
		err := rows.Scan(&key.worker, &key.day, &d.fees, &d.rewards, &d.reset, &d.paid, &d.closed)
		got[key] = d
		return err
	})
	w.require.Equal(want, got)
	w.each(`select day::text, fees, rewards, below_zero, coalesce(dearest_task, '00000000-0000-0000-0000-000000000000') from accounting.daily_figures`, func(rows pgx.Rows) error {
		var day string
		var d managementsDay
		err := rows.Scan(&day, &d.fees, &d.rewards, &d.belowZero, &d.dearest)
		if d != (managementsDay{}) {
			gotDays[day] = d
		}
		return err
	})
	w.require.Equal(wantDays, gotDays)

	below, err := q.ListBelowZero(ctx)
	w.require.NoError(err)
	for _, b := range below {
		w.require.Negative(b.Balance)
		w.require.Equal(m.balance(b.Worker), b.Balance)
	}
	months, err := q.ListMonthlyFigures(ctx, dbsqlc.ListMonthlyFiguresParams{First: date("2026-01-01"), Last: date("2027-12-31")})
	w.require.NoError(err)
	years, err := q.ListYearlyFigures(ctx)
	w.require.NoError(err)
	var all, allOfYears int64
	for _, month := range months {
		first, last := month.Month, month.Month.AddDate(0, 1, -1)
		fees, rewards := m.booked(func(e modelEntry) bool { return e.day[:7] == first.Format("2006-01") })
		w.require.Equal([]int64{fees, rewards}, []int64{month.Fees, month.Rewards}, first)
		all += rewards - fees
		w.compareDearest(q, first, last)
	}
	for _, year := range years {
		first, last := year.Year, year.Year.AddDate(1, 0, -1)
		fees, rewards := m.booked(func(e modelEntry) bool { return e.day[:4] == first.Format("2006") })
		w.require.Equal([]int64{fees, rewards}, []int64{year.Fees, year.Rewards}, first)
		allOfYears += rewards - fees
		w.compareDearest(q, first, last)
	}
	fees, rewards := m.booked(func(modelEntry) bool { return true })
	w.require.Equal([]int64{rewards - fees, rewards - fees}, []int64{all, allOfYears})
	w.compareWorkersOfDays(q)
}

func (w *walk) compareDearest(q *dbsqlc.Queries, first, last time.Time) {
	want, some := w.model.dearest(first.Format(time.DateOnly), last.Format(time.DateOnly))
	got, err := q.FindDearestTask(w.Context(), dbsqlc.FindDearestTaskParams{First: first, Last: last})
	w.require.Equal(!some, errors.Is(err, pgx.ErrNoRows), "%v", err)
	if some {
		w.require.NoError(err)
		w.require.Equal([]any{want.task, want.amount}, []any{got.Task, got.Reward})
	}
}

// compareWorkersOfDays compares what each worker began a day with and has at its end, or now.
func (w *walk) compareWorkersOfDays(q *dbsqlc.Queries) {
	days := map[string]bool{}
	for day := range w.model.status {
		days[day] = true
	}
	for day := range days {
		rows, err := q.ListWorkersOfDay(w.Context(), dbsqlc.ListWorkersOfDayParams{Day: date(day), Ends: w.model.ends(day)})
		w.require.NoError(err)
		listed := map[uuid.UUID]bool{}
		for _, row := range rows {
			listed[row.Worker] = true
			want := w.model.of(row.Worker, day)
			if w.model.status[day] != "closed" {
				want.opening = w.model.opening(row.Worker, day)
				want.payout = 0
				want.carried = want.opening - want.fees + want.rewards
			}
			w.require.Equal(want, modelClosing{row.Opening, row.Fees, row.Rewards, row.Payout, row.Closing}, "%s of %s", day, row.Worker)
		}
		for _, e := range w.model.ledger {
			w.require.True(e.day != day || listed[e.worker], "%s is not on the page of %s", e.worker, day)
		}
	}
}

func date(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}
