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
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
	"ates/views"
)

// balance shows a worker's account: today, yesterday's payout, and the entries by day.
func (h *Handlers) balance(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	books, err := h.daysOfBooks(ctx)
	if err != nil {
		return err
	}
	asked, err := h.readStatement(ctx, books, query)
	if err != nil {
		return err
	}
	today := h.Books.Day(h.Now())
	data := views.BalanceData{
		Address: address("/balance", query), Today: h.Books.Begins(today), DayEnds: h.Books.Ends(today),
		FirstDay: h.Books.Begins(books.first), LastDay: h.Books.Begins(books.today),
	}
	if asked.before != "" || asked.day != nil {
		data.First = "/balance"
	}
	if asked.day != nil {
		data.Chosen = h.Books.Begins(*asked.day)
	}
	asked.list.Worker = p.Person.ID
	rows, err := h.queries.ListStatement(ctx, asked.list)
	if err != nil {
		return fmt.Errorf("list the statement: %w", err)
	}
	cut := false
	if len(rows) > rowsOfPage {
		last := rows[rowsOfPage-1]
		cut = rows[rowsOfPage].Day.Equal(last.Day)
		rows = rows[:rowsOfPage]
		data.Older = address("/balance", url.Values{}, "before", place{last.Day, last.ID}.String())
	}
	days := daysShown(rows, asked.day)
	account, err := h.readAccount(ctx, p.Person.ID, today, days)
	if err != nil {
		return err
	}
	data.Opening, data.OpeningDebt = account.opening, account.debts[today]
	data.Current = data.Opening
	if d, ok := account.days[today]; ok {
		data.Fees, data.Rewards, data.Current = d.Fees, d.Rewards, data.Opening-d.Fees+d.Rewards-d.PaidOut
	}
	yesterday := today.AddDate(0, 0, -1)
	if d, ok := account.days[yesterday]; ok {
		data.Yesterday = &d
	}
	data.LastPayout = account.lastPayout
	for _, day := range days {
		shown, ok := account.days[day]
		if !ok {
			shown.Day, shown.Opening = h.Books.Begins(day), account.openings[day]
			shown.Closing = shown.Opening
		}
		data.Days = append(data.Days, shown)
	}
	for _, row := range rows {
		day := &data.Days[slices.IndexFunc(days, row.Day.Equal)]
		day.Entries = append(day.Entries, h.balanceEntry(row, p, day.Payout))
	}
	if cut {
		data.Days[len(data.Days)-1].Cut = true
	}
	return h.show(w, r, http.StatusOK, views.Balance(p.Page, data))
}

// statement is the page of a worker's statement that an address asks for: from below a place on, or from a day on.
type statement struct {
	list   dbsqlc.ListStatementParams
	before string
	day    *time.Time
}

func (h *Handlers) readStatement(ctx context.Context, books daysOfBooks, query url.Values) (asked statement, err error) {
	asked.before = query.Get("before")
	from, err := readPlace(asked.before)
	if err != nil {
		return asked, &domain.Refusal{Kind: domain.Invalid, Code: "balance.place",
			Message: "The address of this list cannot be read. Go to your balance again."}
	}
	if s := query.Get("day"); s != "" && asked.before == "" {
		day, err := h.readDay(ctx, books, s)
		if err != nil {
			return asked, err
		}
		asked.day, from = &day, place{day: day.AddDate(0, 0, 1)}
	}
	asked.list = dbsqlc.ListStatementParams{BeforeDay: from.day, BeforeID: from.transfer, Rows: rowsOfPage + 1}
	return asked, nil
}

// daysShown are the days of a page, the newest first: those of its entries, and the one that was asked for even without any.
func daysShown(rows []dbsqlc.ListStatementRow, asked *time.Time) (days []time.Time) {
	if asked != nil {
		days = append(days, *asked)
	}
	for _, row := range rows {
		if len(days) == 0 || !row.Day.Equal(days[len(days)-1]) {
			days = append(days, row.Day)
		}
	}
	return days
}

// account is what there is to say of a worker's days beside their entries.
type account struct {
	// opening is that of today, openings are those of days without a row of their own.
	opening    int64
	openings   map[time.Time]int64
	days       map[time.Time]views.BalanceDay
	debts      map[time.Time]*views.Debt
	lastPayout *views.Payout
}

// readAccount reads the sums, payouts and debts of days, and of today and yesterday.
func (h *Handlers) readAccount(ctx context.Context, worker uuid.UUID, today time.Time, shown []time.Time) (a account, err error) {
	a = account{openings: map[time.Time]int64{}, days: map[time.Time]views.BalanceDay{}, debts: map[time.Time]*views.Debt{}}
	if a.opening, err = h.queries.OpeningBalance(ctx, dbsqlc.OpeningBalanceParams{Worker: worker, Day: today}); err != nil {
		return a, fmt.Errorf("read the opening balance: %w", err)
	}
	days := append(slices.Clone(shown), today, today.AddDate(0, 0, -1))
	lastPayout, err := h.queries.LastPayoutDay(ctx, dbsqlc.LastPayoutDayParams{Worker: worker, Before: today})
	switch {
	case err == nil:
		days = append(days, lastPayout)
	case !errors.Is(err, pgx.ErrNoRows):
		return a, fmt.Errorf("find the last payout: %w", err)
	}
	payouts, err := h.readPayouts(ctx, worker, days)
	if err != nil {
		return a, err
	}
	a.lastPayout = payouts[lastPayout]
	since, err := h.queries.ListDebts(ctx, dbsqlc.ListDebtsParams{Worker: worker, Days: days})
	if err != nil {
		return a, fmt.Errorf("list debts: %w", err)
	}
	for _, d := range since {
		a.debts[d.Day] = &views.Debt{Since: h.Books.Begins(d.Since), Href: dayOf("/balance", d.Since)}
	}
	first, last := slices.MinFunc(days, time.Time.Compare), slices.MaxFunc(days, time.Time.Compare)
	rows, err := h.queries.ListDailyBalances(ctx, dbsqlc.ListDailyBalancesParams{Worker: worker, First: first, Last: last})
	if err != nil {
		return a, fmt.Errorf("list daily balances: %w", err)
	}
	for _, d := range rows {
		// What the day before left above zero is to be paid for that day and is no part of this one.
		opening := min(0, d.Closing-d.Rewards+d.Fees+d.Payout)
		a.days[d.Day] = views.BalanceDay{
			Day: h.Books.Begins(d.Day), Opening: opening, Fees: d.Fees, Rewards: d.Rewards, PaidOut: d.Payout, Payout: payouts[d.Day],
			Closing: opening - d.Fees + d.Rewards - d.Payout, Closed: d.Closed, Debt: a.debts[d.Day], Href: dayOf("/balance", d.Day),
		}
	}
	for _, day := range shown {
		if _, ok := a.days[day]; ok {
			continue
		}
		if a.openings[day], err = h.queries.OpeningBalance(ctx, dbsqlc.OpeningBalanceParams{Worker: worker, Day: day}); err != nil {
			return a, fmt.Errorf("read an opening balance: %w", err)
		}
	}
	return a, nil
}

// readPayouts are what days have left a worker to be paid.
func (h *Handlers) readPayouts(ctx context.Context, worker uuid.UUID, days []time.Time) (map[time.Time]*views.Payout, error) {
	rows, err := h.queries.ListPayoutsOf(ctx, dbsqlc.ListPayoutsOfParams{Worker: worker, Days: days})
	if err != nil {
		return nil, fmt.Errorf("list payouts: %w", err)
	}
	payouts := make(map[time.Time]*views.Payout, len(rows))
	for _, row := range rows {
		payout := &views.Payout{Day: h.Books.Begins(row.Day), Amount: row.Amount, Href: dayOf("/balance", row.Day)}
		if row.PaidAt != nil && row.Booking != nil {
			payout.At, payout.Booking = *row.PaidAt, strconv.FormatInt(*row.Booking, 10)
			payout.Ledger = auditOf(place{row.Day, *row.Booking})
		}
		if row.BankFile != nil {
			payout.BankFile = *row.BankFile
		}
		payouts[row.Day] = payout
	}
	return payouts, nil
}

// place is where a list of the ledger goes on: just below a transfer of a business day.
type place struct {
	day      time.Time
	transfer int64
}

// String is the place as addresses have it, such as "2026-03-01/42".
func (p place) String() string {
	return p.day.Format(time.DateOnly) + "/" + strconv.FormatInt(p.transfer, 10)
}

// readPlace reads a place; an empty one is the beginning of the list.
func readPlace(s string) (place, error) {
	if s == "" {
		return place{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), math.MaxInt64}, nil
	}
	day, transfer, _ := strings.Cut(s, "/")
	var p place
	var err error
	if p.day, err = time.Parse(time.DateOnly, day); err != nil {
		return p, err
	}
	p.transfer, err = strconv.ParseInt(transfer, 10, 64)
	return p, err
}

// balanceEntry is a line of the statement as it is shown; payout is what its day has left to be paid.
func (h *Handlers) balanceEntry(row dbsqlc.ListStatementRow, p page, payout *views.Payout) views.BalanceEntry {
	e := views.BalanceEntry{
		ID: row.Event.String(), Kind: views.EntryKind(row.Kind), At: row.OccurredAt, Late: h.Books.Day(row.OccurredAt).Before(row.Day),
		Amount: row.Amount, Running: row.Balance, Cause: auditOf(place{row.Day, row.ID}), Event: row.Event.String(),
	}
	if row.Task != nil && row.Assignment != nil {
		e.TaskID, e.Assignment = row.Task.String(), int(*row.Assignment)
	}
	if row.Number != nil && row.Description != nil {
		e.TaskNumber, e.JiraID, e.Description = int(*row.Number), row.JiraID, *row.Description
	}
	if row.Actor != nil {
		e.By, e.ByViewer = row.ActorName, *row.Actor == p.Person.ID
	}
	if row.Kind == accounting.Reset {
		e.Kind, e.Payout = views.EntryPayout, payout
	}
	if row.Kind != accounting.Reward {
		e.Amount = -e.Amount
	}
	return e
}
