package handlers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
	"ates/views"
)

// mailPolicy is for the HTML of a mail, which has styles of its own and is to do nothing but be looked at.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mails lists the mails that were sent, are to be sent, or are kept because there is no mail server.
func (h *Handlers) mails(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	asked := dbsqlc.ListMessagesParams{Before: math.MaxInt64, Rows: rowsOfPage + 1}
	var data views.MailsData
	if before := query.Get("before"); before != "" {
		var err error
		if asked.Before, err = strconv.ParseInt(before, 10, 64); err != nil {
			return errNoSuchMail()
		}
		data.First = "/ops/mail"
	}
	rows, err := h.queries.ListMessages(ctx, asked)
	if err != nil {
		return fmt.Errorf("list mails: %w", err)
	}
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		data.Older = address("/ops/mail", url.Values{}, "before", strconv.FormatInt(rows[rowsOfPage-1].ID, 10))
	}
	for _, m := range rows {
		data.Mails = append(data.Mails, views.MailRow{
			ID: strconv.FormatInt(m.ID, 10), To: views.Person{ID: m.Person.String(), Name: m.Name}, Address: orEmpty(m.Address),
			Day: h.Books.Begins(m.Day), State: views.MailState(m.State), Error: orEmpty(m.Error), Since: m.Since,
		})
	}
	return h.show(w, r, http.StatusOK, views.Mails(p.Page, data))
}

// mail shows one mail as text.
func (h *Handlers) mail(w http.ResponseWriter, r *http.Request, p page) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	m, body, err := h.findMail(r)
	if err != nil {
		return err
	}
	id, spoken := strconv.FormatInt(m.ID, 10), h.inMails(r.Context())
	return h.show(w, r, http.StatusOK, views.Mail(p.Page, views.MailData{
		Mail: views.MailRow{
			ID: id, To: views.Person{ID: m.Person.String(), Name: m.Name}, Address: orEmpty(m.Address),
			Day: h.Books.Begins(m.Day), State: views.MailState(m.State), Error: orEmpty(m.Error), Since: m.Since,
		},
		Attempts: int(m.Attempts), HTML: "/ops/mail/" + id + "/html", Subject: body.Subject(spoken), Text: body.Text(spoken),
	}))
}

// mailHTML answers with the HTML of a mail, shut off from everything else.
func (h *Handlers) mailHTML(w http.ResponseWriter, r *http.Request, _ page) error {
	_, body, err := h.findMail(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return views.BalanceMail(body).Render(h.inMails(r.Context()), w)
}

// inMails is how mails speak, whoever looks at them.
func (h *Handlers) inMails(ctx context.Context) context.Context {
	return views.WithLocale(ctx, views.Locale{Zone: h.Books.Zone, Currency: h.Currency})
}

// findMail is the mail that a request is about, with its words as they are sent.
func (h *Handlers) findMail(r *http.Request) (dbsqlc.FindMessageRow, views.BalanceMailData, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return dbsqlc.FindMessageRow{}, views.BalanceMailData{}, errNoSuchMail()
	}
	m, err := h.queries.FindMessage(r.Context(), id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNoSuchMail()
	} else if err != nil {
		err = fmt.Errorf("find a mail: %w", err)
	}
	return m, views.BalanceMailData{
		Name: m.Name, Day: h.Books.Begins(m.Day), Opening: m.Opening, Charged: m.Fees, Earned: m.Rewards, Paid: m.Payout, Carried: m.Carried,
	}, err
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
