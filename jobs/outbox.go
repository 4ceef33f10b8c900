package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// outbox is where a context keeps its mails. Each has a kind of job of its own that sends them.
type outbox interface {
	// claim takes a waiting mail and returns the state in which it is now; pgx.ErrNoRows when it does not wait.
	claim(ctx context.Context, id int64, at time.Time) (state string, err error)
	// settle says what became of a mail that was being sent.
	settle(ctx context.Context, id int64, state string, reason *string, at time.Time) error
	// waiting counts those of some mails that wait.
	waiting(ctx context.Context, ids []int64) (int64, error)
	// letter is what a mail says, and to whom it goes under which id.
	letter(ctx context.Context, id int64) (views.Letter, outgoing, error)
}

// The kinds of the jobs that send mails, by whose they are. The first is older than the second, hence its name.
const (
	balanceMails = "send_mail"
	trackerMails = "send_tracker_mail"
)

func (b *Bus) outboxes() map[string]outbox {
	return map[string]outbox{balanceMails: accountingOutbox{b}, trackerMails: trackerOutbox{b}}
}

// Letter is a mail of a context as it is sent. It refuses one that there is not.
func (b *Bus) Letter(ctx context.Context, producer string, id int64) (letter views.Letter, err error) {
	var o outbox = accountingOutbox{b}
	if producer == tracker.Producer {
		o = trackerOutbox{b}
	}
	letter, _, err = o.letter(ctx, id)
	return letter, err
}

// spoken has views speak a language, as the program's mails do.
func (b *Bus) spoken(ctx context.Context, language string) context.Context {
	locale := b.locale
	locale.Language = language
	return views.WithLocale(ctx, locale)
}

// written is a mail with its letter in it.
func (b *Bus) written(ctx context.Context, letter views.Letter, mail outgoing) (outgoing, error) {
	var html strings.Builder
	if err := views.LetterHTML(letter).Render(b.spoken(ctx, letter.Language), &html); err != nil {
		return outgoing{}, fmt.Errorf("write the mail: %w", err)
	}
	mail.Subject, mail.Text, mail.HTML = letter.Subject, letter.Text(), html.String()
	return mail, nil
}

type accountingOutbox struct{ bus *Bus }

func (o accountingOutbox) claim(ctx context.Context, id int64, at time.Time) (string, error) {
	return dbsqlc.New(o.bus.pool).ClaimMessage(ctx, dbsqlc.ClaimMessageParams{ID: id, At: at})
}

func (o accountingOutbox) settle(ctx context.Context, id int64, state string, reason *string, at time.Time) error {
	return dbsqlc.New(o.bus.pool).SettleMessage(ctx, dbsqlc.SettleMessageParams{ID: id, State: state, Error: reason, At: at})
}

func (o accountingOutbox) waiting(ctx context.Context, ids []int64) (int64, error) {
	return dbsqlc.New(o.bus.pool).CountWaitingMessages(ctx, ids)
}

func (o accountingOutbox) letter(ctx context.Context, id int64) (views.Letter, outgoing, error) {
	m, err := dbsqlc.New(o.bus.pool).FindMessage(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return views.Letter{}, outgoing{}, &domain.Refusal{Kind: domain.NotFound, Code: "mail.unknown", Message: "There is no such mail."}
	}
	if err != nil {
		return views.Letter{}, outgoing{}, fmt.Errorf("find a mail: %w", err)
	}
	letter := views.BalanceMailData{
		Name: m.Name, Day: time.Date(m.Day.Year(), m.Day.Month(), m.Day.Day(), 0, 0, 0, 0, o.bus.locale.Zone),
		Opening: m.Opening, Charged: m.Fees, Earned: m.Rewards, Paid: m.Payout, Carried: m.Carried,
	}.Letter(o.bus.spoken(ctx, m.Language), o.bus.publicURL)
	return letter, outgoing{ID: mailID("balance", m.Cause, m.Person), Name: m.Name, Address: orEmpty(m.Address)}, nil
}

type trackerOutbox struct{ bus *Bus }

func (o trackerOutbox) claim(ctx context.Context, id int64, at time.Time) (string, error) {
	return dbsqlc.New(o.bus.pool).ClaimNotification(ctx, dbsqlc.ClaimNotificationParams{ID: id, At: at})
}

func (o trackerOutbox) settle(ctx context.Context, id int64, state string, reason *string, at time.Time) error {
	return dbsqlc.New(o.bus.pool).SettleNotification(ctx, dbsqlc.SettleNotificationParams{ID: id, State: state, Error: reason, At: at})
}

func (o trackerOutbox) waiting(ctx context.Context, ids []int64) (int64, error) {
	return dbsqlc.New(o.bus.pool).CountWaitingNotifications(ctx, ids)
}

func (o trackerOutbox) letter(ctx context.Context, id int64) (views.Letter, outgoing, error) {
	n, err := tracker.FindMail(ctx, o.bus.pool, id)
	if err != nil {
		return views.Letter{}, outgoing{}, err
	}
	choice, err := tracker.NotificationChoice(ctx, o.bus.pool, n.Person)
	if err != nil {
		return views.Letter{}, outgoing{}, err
	}
	letter := views.TaskNews(n).Letter(o.bus.spoken(ctx, choice.Language), o.bus.publicURL)
	return letter, outgoing{ID: mailID(n.Kind, n.Cause, n.Person), Name: n.Name, Address: orEmpty(n.Address)}, nil
}

// mailID names a mail for ever: nobody gets two of the same kind because of the same event.
func mailID(kind string, cause, person uuid.UUID) string {
	return kind + "." + cause.String() + "." + person.String()
}

// orEmpty is what a column says, or nothing.
func orEmpty(column *string) string {
	if column == nil {
		return ""
	}
	return *column
}
