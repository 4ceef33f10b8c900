package handlers

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// mailPolicy is for the HTML of a mail, which has styles of its own and is to do nothing but be looked at.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mails lists the mails of both contexts that were sent, are to be sent, or are kept because there is no mail server.
func (h *Handlers) mails(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	from, ok := readToldPlace(query.Get("before"))
	if !ok {
		return errNoSuchMail()
	}
	balances, err := h.queries.ListMessages(ctx, dbsqlc.ListMessagesParams{BeforeAt: from.at, BeforeID: from.below(accounting.Producer), Rows: rowsOfPage + 1})
	if err != nil {
		return fmt.Errorf("list mails: %w", err)
	}
	tasks, err := tracker.ListMails(ctx, h.pool, dbsqlc.ListTrackerMailsParams{BeforeAt: from.at, BeforeID: from.below(tracker.Producer), Rows: rowsOfPage + 1})
	if err != nil {
		return err
	}
	var all []placed[views.MailRow]
	for _, m := range balances {
		day := views.BalanceMailData{Day: h.Books.Begins(m.Day), Paid: m.Payout, Carried: m.Carried}
		all = append(all, placed[views.MailRow]{toldPlace{m.NotedAt, accounting.Producer, m.ID}, views.MailRow{
			ID: toldID(accounting.Producer, m.ID), To: views.Person{ID: m.Person.String(), Name: m.Name}, Address: orEmpty(m.Address),
			Subject: day.Subject(ctx), State: views.MailState(m.State), Error: orEmpty(m.Error), Since: m.Since,
		}})
	}
	for _, m := range tasks {
		row := taskMail(m)
		row.Subject = views.TaskNews(m).Headline(ctx)
		all = append(all, placed[views.MailRow]{toldPlace{m.NotedAt, tracker.Producer, m.ID}, row})
	}
	var data views.MailsData
	shown, next := merge(all)
	for _, s := range shown {
		data.Mails = append(data.Mails, s.row)
	}
	if next != "" {
		data.Older = address("/ops/mail", url.Values{}, "before", next)
	}
	if query.Get("before") != "" {
		data.First = "/ops/mail"
	}
	return h.show(w, r, http.StatusOK, views.Mails(p.Page, data))
}

// taskMail is a mail of the tracker as a row, without its subject.
func taskMail(m tracker.Notification) views.MailRow {
	return views.MailRow{
		ID: toldID(tracker.Producer, m.ID), To: views.Person{ID: m.Person.String(), Name: m.Name}, Address: orEmpty(m.Address),
		State: views.MailState(m.State), Error: orEmpty(m.Error), Since: m.Since,
	}
}

// mail shows one mail as text.
func (h *Handlers) mail(w http.ResponseWriter, r *http.Request, p page) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	producer, id, ok := readToldID(r.PathValue("id"))
	if !ok {
		return errNoSuchMail()
	}
	letter, err := h.Letter(r.Context(), producer, id)
	if err != nil {
		return err
	}
	data := views.MailData{HTML: "/ops/mail/" + toldID(producer, id) + "/html", Letter: letter}
	if producer == tracker.Producer {
		m, err := tracker.FindMail(r.Context(), h.pool, id)
		if err != nil {
			return err
		}
		data.Mail, data.Attempts = taskMail(m), m.Attempts
	} else {
		m, err := h.queries.FindMessage(r.Context(), id)
		if err != nil {
			return fmt.Errorf("find a mail: %w", err)
		}
		data.Mail, data.Attempts = views.MailRow{
			ID: toldID(producer, id), To: views.Person{ID: m.Person.String(), Name: m.Name}, Address: orEmpty(m.Address),
			State: views.MailState(m.State), Error: orEmpty(m.Error), Since: m.Since,
		}, int(m.Attempts)
	}
	return h.show(w, r, http.StatusOK, views.Mail(p.Page, data))
}

// mailHTML answers with the HTML of a mail, shut off from everything else.
func (h *Handlers) mailHTML(w http.ResponseWriter, r *http.Request, _ page) error {
	producer, id, ok := readToldID(r.PathValue("id"))
	if !ok {
		return errNoSuchMail()
	}
	letter, err := h.Letter(r.Context(), producer, id)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return views.LetterHTML(letter).Render(r.Context(), w)
}

// countMails counts the mails of both contexts by their state.
func (h *Handlers) countMails(ctx context.Context) ([]views.MailCount, error) {
	counts := map[string]int{}
	balances, err := h.queries.CountMessages(ctx)
	if err != nil {
		return nil, fmt.Errorf("count mails: %w", err)
	}
	for _, m := range balances {
		counts[m.State] += int(m.Count)
	}
	tasks, err := h.queries.CountTrackerMails(ctx)
	if err != nil {
		return nil, fmt.Errorf("count mails of tasks: %w", err)
	}
	for _, m := range tasks {
		counts[m.State] += int(m.Count)
	}
	var all []views.MailCount
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, views.MailCount{State: views.MailState(state), Count: counts[state]})
	}
	return all, nil
}

func errNoSuchMail() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "mail.unknown", Message: "There is no such mail."}
}

// orEmpty is what a column says, or nothing.
func orEmpty(column *string) string {
	if column == nil {
		return ""
	}
	return *column
}
