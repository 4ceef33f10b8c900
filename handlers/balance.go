package handlers

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
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
	data := views.BalanceData{Address: address("/balance", query), Today: h.midnight(today), DayEnds: h.midnight(today.AddDate(0, 0, 1))}
	data.Opening, err = h.queries.BalanceAfter(ctx, dbsqlc.BalanceAfterParams{Worker: p.Person.ID, Day: today})
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
		data.Older = address("/balance", url.Values{}, "before", last.Day.Format(time.DateOnly)+"/"+strconv.FormatInt(last.Version, 10))
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
		sums[d.Day] = views.BalanceDay{
			Day: h.midnight(d.Day), Opening: d.Closing - d.Rewards + d.Fees + d.Payout, Fees: d.Fees, Rewards: d.Rewards, Payout: d.Payout,
			Closing: d.Closing, Closed: d.Closed,
		}
		if d.Day.Equal(today) {
			data.Fees, data.Rewards, data.Current = d.Fees, d.Rewards, d.Closing
		}
	}
	for i, row := range rows {
		if i == 0 || !row.Day.Equal(rows[i-1].Day) {
			day, ok := sums[row.Day]
			if !ok {
				day.Day = h.midnight(row.Day)
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
	page := dbsqlc.ListStatementParams{BeforeDay: h.Books.Day(h.Now()).AddDate(1, 0, 0), BeforeVersion: math.MaxInt64, Rows: rowsOfPage + 1}
	before := query.Get("before")
	if before == "" {
		return page, nil
	}
	var day string
	if n, err := fmt.Sscanf(before, "%10s/%d", &day, &page.BeforeVersion); err != nil || n != 2 {
		return page, errNoSuchPlace()
	}
	var err error
	if page.BeforeDay, err = time.Parse(time.DateOnly, day); err != nil {
		return page, errNoSuchPlace()
	}
	return page, nil
}

func errNoSuchPlace() error {
	return &domain.Refusal{Kind: domain.Invalid, Code: "balance.place", Message: "The address of this list cannot be read. Go to your balance again."}
}

// midnight is when a business day begins.
func (h *Handlers) midnight(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, h.Books.Zone)
}

// balanceEntry is a line of the statement as it is shown.
func balanceEntry(row dbsqlc.ListStatementRow) views.BalanceEntry {
	e := views.BalanceEntry{
		ID: row.Event.String(), Kind: views.EntryKind(row.Kind), At: row.OccurredAt,
		Amount: row.Amount, Running: row.Balance,
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
