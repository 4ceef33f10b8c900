package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
	"ates/views"
)

// analytics shows what the company earns, in a month and its year up to today.
func (h *Handlers) analytics(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	books, err := h.daysOfBooks(ctx)
	if err != nil {
		return err
	}
	month, err := readMonth(r.URL.Query().Get("month"), books)
	if err != nil {
		return err
	}
	year := time.Date(month.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	lastOfMonth, lastOfYear := books.until(endOfMonth(month)), books.until(year.AddDate(1, 0, -1))
	data := views.AnalyticsData{
		Address: address("/analytics", r.URL.Query()), Today: h.Books.Begins(books.today),
		Month: h.Books.Begins(lastOfMonth), Year: h.Books.Begins(lastOfYear), TodayHref: dayOf("/accounting", books.today),
	}
	if books.first.Before(month) {
		data.Previous = monthOf(month.AddDate(0, -1, 0))
	}
	if next := month.AddDate(0, 1, 0); !next.After(books.today) {
		data.Next = monthOf(next)
	}
	if data.ByDay, err = h.earningsByDay(ctx, "by-day", books, month); err != nil {
		return err
	}
	if data.ByMonth, err = h.earningsByMonth(ctx, books, year); err != nil {
		return err
	}
	if data.ByYear, err = h.earningsByYear(ctx); err != nil {
		return err
	}
	today, err := h.queries.ListDailyFigures(ctx, dbsqlc.ListDailyFiguresParams{First: books.today, Last: books.today})
	if err != nil {
		return fmt.Errorf("list today's figures: %w", err)
	}
	for _, f := range today {
		data.EarnedToday = f.Fees - f.Rewards
	}
	data.EarnedMonth, data.EarnedYear = sum(data.ByDay), sum(data.ByMonth)
	if data.Dearest, err = h.dearestTasks(ctx, books, month, year); err != nil {
		return err
	}
	if data.BelowZero, err = h.belowZero(ctx); err != nil {
		return err
	}
	return h.show(w, r, http.StatusOK, views.Analytics(p.Page, data))
}

// readMonth is the first day of the month that somebody asks for, that of today when they ask for none.
func readMonth(s string, books daysOfBooks) (time.Time, error) {
	if s == "" {
		s = books.today.Format("2006-01")
	}
	month, err := time.Parse("2006-01", s)
	if err != nil || month.After(books.today) || endOfMonth(month).Before(books.first) {
		return month, &domain.Refusal{Kind: domain.Invalid, Code: "month.not_in_books", Field: "month",
			Message: "The books have no such month. Write it like 2026-03."}
	}
	return month, nil
}

func monthOf(month time.Time) string { return "/analytics?month=" + month.Format("2006-01") }

func sum(e views.Earnings) (earned int64) {
	for _, period := range e.Periods {
		earned += period.Earned()
	}
	return earned
}

// earningsByMonth are the months of the books that lie in a year.
func (h *Handlers) earningsByMonth(ctx context.Context, books daysOfBooks, year time.Time) (views.Earnings, error) {
	e := views.Earnings{ID: "by-month", Label: views.T(ctx, "analytics.month"), Title: views.T(ctx, "analytics.earned_by_month", "Year", strconv.Itoa(year.Year()))}
	rows, err := h.queries.ListMonthlyFigures(ctx, dbsqlc.ListMonthlyFiguresParams{First: year, Last: year.AddDate(1, 0, -1)})
	if err != nil {
		return e, fmt.Errorf("list monthly figures: %w", err)
	}
	figures := make(map[time.Time]dbsqlc.ListMonthlyFiguresRow, len(rows))
	for _, row := range rows {
		figures[row.Month] = row
	}
	for month := year; month.Year() == year.Year() && !month.After(books.today); month = month.AddDate(0, 1, 0) {
		if endOfMonth(month).Before(books.first) {
			continue
		}
		f := figures[month]
		e.Periods = append(e.Periods, views.Period{
			Name: month.Format("01"), Title: views.Month(ctx, h.Books.Begins(month)), Href: monthOf(month), Fees: f.Fees, Rewards: f.Rewards,
		})
	}
	return e, nil
}

// earningsByYear are all years in which something was booked; each leads to its last month.
func (h *Handlers) earningsByYear(ctx context.Context) (views.Earnings, error) {
	e := views.Earnings{ID: "by-year", Label: views.T(ctx, "analytics.year"), Title: views.T(ctx, "analytics.earned_by_year")}
	rows, err := h.queries.ListYearlyFigures(ctx)
	if err != nil {
		return e, fmt.Errorf("list yearly figures: %w", err)
	}
	for _, row := range rows {
		name := strconv.Itoa(row.Year.Year())
		e.Periods = append(e.Periods, views.Period{Name: name, Title: name, Href: monthOf(row.LastDay), Fees: row.Fees, Rewards: row.Rewards})
	}
	return e, nil
}

// dearestTasks are the most expensive tasks of each day of a month, the newest first, of the month, and of its year, as far as
// they have come.
func (h *Handlers) dearestTasks(ctx context.Context, books daysOfBooks, month, year time.Time) ([]views.Dearest, error) {
	figures, err := h.figuresByDay(ctx, month)
	if err != nil {
		return nil, err
	}
	var all []views.Dearest
	last := books.until(endOfMonth(month))
	for day := last; !day.Before(books.since(month)); day = day.AddDate(0, 0, -1) {
		dearest := views.Dearest{Span: views.OfDay, Until: h.Books.Begins(day)}
		if f := figures[day]; f.DearestTask != nil && f.DearestReward != nil {
			dearest.TaskID, dearest.TaskNumber, dearest.Reward = f.DearestTask.String(), taskNumber(f.DearestNumber), *f.DearestReward
			dearest.JiraID, dearest.Description = f.DearestJiraID, f.DearestDescription
		}
		all = append(all, dearest)
	}
	for _, period := range []struct {
		span        views.Span
		first, last time.Time
	}{
		{views.OfMonth, month, last},
		{views.OfYear, year, books.until(year.AddDate(1, 0, -1))},
	} {
		dearest := views.Dearest{Span: period.span, Until: h.Books.Begins(period.last)}
		task, err := h.queries.FindDearestTask(ctx, dbsqlc.FindDearestTaskParams{First: period.first, Last: period.last})
		switch {
		case err == nil:
			dearest.TaskID, dearest.TaskNumber, dearest.Reward = task.Task.String(), taskNumber(task.Number), task.Reward
			dearest.JiraID, dearest.Description = task.JiraID, task.Description
		case !errors.Is(err, pgx.ErrNoRows):
			return nil, fmt.Errorf("find the most expensive task: %w", err)
		}
		all = append(all, dearest)
	}
	return all, nil
}

// taskNumber is the number of a task, 0 until Accounting has heard of it.
func taskNumber(number *int64) int {
	if number == nil {
		return 0
	}
	return int(*number)
}

// belowZero are the workers whose balance is below zero now.
func (h *Handlers) belowZero(ctx context.Context) ([]views.Debtor, error) {
	rows, err := h.queries.ListBelowZero(ctx)
	if err != nil {
		return nil, fmt.Errorf("list who is below zero: %w", err)
	}
	debtors := make([]views.Debtor, len(rows))
	for i, row := range rows {
		debtors[i] = views.Debtor{
			Worker: views.Person{ID: row.Worker.String(), Name: row.Name}, Balance: row.Balance, Href: ledgerOf(&row.Worker, nil, ""),
		}
	}
	return debtors, nil
}
