package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/dbsqlc"
	"ates/views"
)

// accounting shows a business day of the company.
func (h *Handlers) accounting(w http.ResponseWriter, r *http.Request, p page) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	data, err := h.readAccounting(r)
	if err != nil {
		return err
	}
	return h.show(w, r, http.StatusOK, views.Accounting(p.Page, data))
}

// exportAccounting answers with the rows that accounting shows.
func (h *Handlers) exportAccounting(w http.ResponseWriter, r *http.Request, _ page) error {
	data, err := h.readAccounting(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	word := func(id string) string { return views.T(ctx, id) }
	file := newExport(w, r, "accounting-"+h.Books.Day(data.Day).Format(time.DateOnly))
	file.row(textCell(word("accounting.day")), textCell(word("accounting.worker")), textCell(word("accounting.opening")), textCell(word("accounting.fees")), textCell(word("accounting.rewards")), textCell(word("accounting.payout")),
		textCell(word("accounting.payout_state")), textCell(views.ClosingWord(ctx, data.Status)))
	day := textCell(h.Books.Day(data.Day).Format(time.DateOnly))
	for _, d := range data.Workers {
		file.row(day, textCell(d.Worker.Name), file.money(d.Opening), file.money(d.Fees), file.money(d.Rewards), file.money(d.Payout),
			textCell(views.PayoutWord(ctx, d.State)), file.money(d.Closing))
	}
	total := data.Total
	file.row(day, textCell(word("accounting.total")), "", file.money(total.Fees), file.money(total.Rewards), file.money(total.Payout), "", "")
	file.row(day, textCell(word("accounting.earned_by_management")), "", "", "", "", "", file.money(data.Earned()))
	return file.end()
}

// readAccounting is the day that an address asks for, today when it names none.
func (h *Handlers) readAccounting(r *http.Request) (views.AccountingData, error) {
	ctx := r.Context()
	books, err := h.daysOfBooks(ctx)
	if err != nil {
		return views.AccountingData{}, err
	}
	day := books.today
	if s := r.URL.Query().Get("day"); s != "" {
		if day, err = h.readDay(ctx, books, s); err != nil {
			return views.AccountingData{}, err
		}
	}
	data := views.AccountingData{
		Address: dayOf("/accounting", day), Export: dayOf("/accounting.csv", day), Day: h.Books.Begins(day), Status: views.DayOpen,
		Interests: dayTopic(day) + " " + dayTopic(day.AddDate(0, 0, -1)),
	}
	if day.After(books.first) {
		data.Previous = dayOf("/accounting", day.AddDate(0, 0, -1))
	}
	if day.Before(books.today) {
		data.Next = dayOf("/accounting", day.AddDate(0, 0, 1))
	}
	status, err := h.queries.FindDayStatus(ctx, day)
	switch {
	case err == nil:
		data.Status = views.DayStatus(status)
	case !errors.Is(err, pgx.ErrNoRows):
		return data, fmt.Errorf("find the status of a day: %w", err)
	}
	workers, err := h.queries.ListWorkersOfDay(ctx, dbsqlc.ListWorkersOfDayParams{Day: day, Ends: h.Books.Ends(day)})
	if err != nil {
		return data, fmt.Errorf("list the workers of a day: %w", err)
	}
	data.Total = views.WorkerDay{
		FeesHref: ledgerOf(nil, &day, accounting.Fee), RewardsHref: ledgerOf(nil, &day, accounting.Reward),
		PayoutHref: ledgerOf(nil, &day, accounting.Reset), ClosingHref: ledgerOf(nil, &day, ""),
	}
	for _, row := range workers {
		data.Total.Fees += row.Fees
		data.Total.Rewards += row.Rewards
		data.Total.Payout += row.Payout
		data.Workers = append(data.Workers, workerDay(row, day, books))
	}
	month := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	data.Earnings, err = h.earningsByDay(ctx, "earnings-by-day", books, month)
	return data, err
}

// workerDay is a worker's day as it is shown.
func workerDay(row dbsqlc.ListWorkersOfDayRow, day time.Time, books daysOfBooks) views.WorkerDay {
	d := views.WorkerDay{
		Worker: views.Person{ID: row.Worker.String(), Name: row.Name}, Opening: row.Opening, Fees: row.Fees, Rewards: row.Rewards,
		Payout: row.Payout, Closing: row.Closing,
		FeesHref:    ledgerOf(&row.Worker, &day, accounting.Fee),
		RewardsHref: ledgerOf(&row.Worker, &day, accounting.Reward),
		ClosingHref: ledgerOf(&row.Worker, &day, ""),
	}
	if before := day.AddDate(0, 0, -1); !before.Before(books.first) {
		d.OpeningHref = ledgerOf(&row.Worker, &before, "")
	}
	switch {
	case row.Payout == 0:
	case row.Paid == row.Payout:
		d.State, d.PayoutHref = views.PayoutPaid, ledgerOf(&row.Worker, &day, accounting.Payout)
	default:
		d.State, d.PayoutHref = views.PayoutPending, ledgerOf(&row.Worker, &day, accounting.Reset)
	}
	return d
}

// daysOfBooks are the business days there are: all from the first to today.
type daysOfBooks struct{ first, today time.Time }

// daysOfBooks reads them. Today is one from its first moment, though the sweep that opens it may be due only in a minute.
func (h *Handlers) daysOfBooks(ctx context.Context) (daysOfBooks, error) {
	today := h.Books.Day(h.Now())
	row, err := h.queries.FindBooksDays(ctx, today)
	if err != nil {
		return daysOfBooks{}, fmt.Errorf("find the days of the books: %w", err)
	}
	days := daysOfBooks{first: row.First, today: today}
	if days.today.Before(row.Last) {
		days.today = row.Last
	}
	if days.today.Before(days.first) {
		days.first = days.today
	}
	return days, nil
}

// until is the last of the days that is not after the one given.
func (d daysOfBooks) until(day time.Time) time.Time {
	if d.today.Before(day) {
		return d.today
	}
	return day
}

// since is the first of the days that is not before the one given.
func (d daysOfBooks) since(day time.Time) time.Time {
	if d.first.After(day) {
		return d.first
	}
	return day
}

// readDay is the business day that somebody typed, which must be one of the books'.
func (h *Handlers) readDay(ctx context.Context, books daysOfBooks, s string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return day, &domain.Refusal{Kind: domain.Invalid, Code: "day.unreadable", Field: "day",
			Message: "There is no such day. Write it like 2026-03-01."}
	}
	if day.Before(books.first) || day.After(books.today) {
		first, today := views.Date(ctx, h.Books.Begins(books.first)), views.Date(ctx, h.Books.Begins(books.today))
		return day, &domain.Refusal{Kind: domain.Invalid, Code: "day.not_in_books", Field: "day",
			Message: "The books have no such day. They go from " + first + " to " + today + ".",
			Details: map[string]any{"First": first, "Last": today}}
	}
	return day, nil
}

// earningsByDay are the days of the books that lie in a month.
func (h *Handlers) earningsByDay(ctx context.Context, id string, books daysOfBooks, month time.Time) (views.Earnings, error) {
	e := views.Earnings{ID: id, ByDay: true, Label: views.T(ctx, "accounting.day"),
		Title: views.T(ctx, "accounting.earned_by_day", "Month", views.Month(ctx, h.Books.Begins(month)))}
	figures, err := h.figuresByDay(ctx, month)
	if err != nil {
		return e, err
	}
	for day := books.since(month); !day.After(books.until(endOfMonth(month))); day = day.AddDate(0, 0, 1) {
		f := figures[day]
		e.Periods = append(e.Periods, views.Period{
			Name: strconv.Itoa(day.Day()), Title: views.Date(ctx, h.Books.Begins(day)), Href: dayOf("/accounting", day),
			Fees: f.Fees, Rewards: f.Rewards, BelowZero: int(f.BelowZero), Closed: f.Closed,
		})
	}
	return e, nil
}

// figuresByDay are the days of a month in which something was booked.
func (h *Handlers) figuresByDay(ctx context.Context, month time.Time) (map[time.Time]dbsqlc.ListDailyFiguresRow, error) {
	rows, err := h.queries.ListDailyFigures(ctx, dbsqlc.ListDailyFiguresParams{First: month, Last: endOfMonth(month)})
	if err != nil {
		return nil, fmt.Errorf("list daily figures: %w", err)
	}
	figures := make(map[time.Time]dbsqlc.ListDailyFiguresRow, len(rows))
	for _, row := range rows {
		figures[row.Day] = row
	}
	return figures, nil
}

func endOfMonth(month time.Time) time.Time { return month.AddDate(0, 1, -1) }

// dayTopic is what changes with a business day.
func dayTopic(day time.Time) string { return "accounting/" + day.Format(time.DateOnly) }

// dayOf is the address of a business day's page.
func dayOf(path string, day time.Time) string { return path + "?day=" + day.Format(time.DateOnly) }

// ledgerOf is the address of the ledger's rows of a worker, a day, a kind of transfer; what is nil or empty does not narrow it.
func ledgerOf(worker *uuid.UUID, day *time.Time, kind string) string {
	var filter []string
	if worker != nil {
		filter = append(filter, "worker", worker.String())
	}
	if day != nil {
		filter = append(filter, "day", day.Format(time.DateOnly))
	}
	return address("/audit", nil, append(filter, "type", kind)...)
}
