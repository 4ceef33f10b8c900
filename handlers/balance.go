package handlers

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
	"ates/views"
)

// balance shows a worker's account: today, and the entries by day.
func (h *Handlers) balance(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	statement, err := h.readStatement(query)
	if err != nil {
		return err
	}
	statement.Worker = p.Person.ID

	today := h.Books.Day(h.Now())
	data := views.BalanceData{Address: address("/balance", query), Today: h.Books.Begins(today), DayEnds: h.Books.Ends(today)}
	data.Opening, err = h.queries.OpeningBalance(ctx, dbsqlc.OpeningBalanceParams{Worker: p.Person.ID, Day: today})
	if err != nil {
		return fmt.Errorf("read the opening balance: %w", err)
	}
	data.Current = data.Opening

	rows, err := h.queries.ListStatement(ctx, statement)
	if err != nil {
		return fmt.Errorf("list the statement: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		last := rows[rowsOfPage-1]
		data.Older = address("/balance", url.Values{}, "before", place{last.Day, last.ID}.String())
	}
	if query.Get("before") != "" {
		data.First = "/balance"
	}
	first, last := today, today
	if len(rows) > 0 {
		first = rows[len(rows)-1].Day
	}
	days, err := h.queries.ListDailyBalances(ctx, dbsqlc.ListDailyBalancesParams{Worker: p.Person.ID, First: first, Last: last})
	if err != nil {
		return fmt.Errorf("list daily balances: %w", err)
	}
	sums := map[time.Time]views.BalanceDay{}
	for _, d := range days {
		// What the day before left above zero is to be paid for that day and is no part of this one.
		opening := min(0, d.Closing-d.Rewards+d.Fees+d.Payout)
		sums[d.Day] = views.BalanceDay{
			Day: h.Books.Begins(d.Day), Opening: opening, Fees: d.Fees, Rewards: d.Rewards, Payout: d.Payout, Paid: d.Paid == d.Payout,
			Closing: opening - d.Fees + d.Rewards - d.Payout, Closed: d.Closed,
		}
		if d.Day.Equal(today) {
			data.Fees, data.Rewards, data.Current = d.Fees, d.Rewards, data.Opening-d.Fees+d.Rewards-d.Payout
		}
	}
	for i, row := range rows {
		if i == 0 || !row.Day.Equal(rows[i-1].Day) {
			day, ok := sums[row.Day]
			if !ok {
				day.Day = h.Books.Begins(row.Day)
			}
			data.Days = append(data.Days, day)
		}
		day := &data.Days[len(data.Days)-1]
		day.Entries = append(day.Entries, balanceEntry(row))
	}
	return h.show(w, r, http.StatusOK, views.Balance(p.Page, data))
}

// readStatement is the page of the statement that an address asks for.
func (h *Handlers) readStatement(query url.Values) (dbsqlc.ListStatementParams, error) {
	before, err := readPlace(query.Get("before"))
	if err != nil {
		return dbsqlc.ListStatementParams{}, &domain.Refusal{Kind: domain.Invalid, Code: "balance.place",
			Message: "The address of this list cannot be read. Go to your balance again."}
	}
	return dbsqlc.ListStatementParams{BeforeDay: before.day, BeforeID: before.transfer, Rows: rowsOfPage + 1}, nil
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

// balanceEntry is a line of the statement as it is shown.
func balanceEntry(row dbsqlc.ListStatementRow) views.BalanceEntry {
	e := views.BalanceEntry{
		ID: row.Event.String(), Kind: views.EntryKind(row.Kind), At: row.OccurredAt,
		Amount: row.Amount, Running: row.Balance, Cause: auditOf(place{row.Day, row.ID}), Event: row.Event.String(),
	}
	if row.Task != nil && row.Assignment != nil {
		e.TaskID, e.Assignment = row.Task.String(), int(*row.Assignment)
	}
	if row.Number != nil {
		e.TaskNumber = int(*row.Number)
	}
	if row.Kind == accounting.Reset {
		e.Kind = views.EntryPayout
	}
	if row.Kind != accounting.Reward {
		e.Amount = -e.Amount
	}
	return e
}
