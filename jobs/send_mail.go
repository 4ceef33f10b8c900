package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ates/domain/accounting"
	"ates/sql/dbsqlc"
	"ates/views"
)

// mailsOfJob is how many mails one job sends at most, over one connection.
const mailsOfJob = 20

// sendMailArgs name the messages that a job is to send.
type sendMailArgs struct {
	Messages []int64 `json:"messages"`
}

// Kind is send_mail.
func (sendMailArgs) Kind() string { return "send_mail" }

// mailWorker sends messages. A mail is sent at most once: that it is being sent is committed before the mail server hears of
// it, and whoever does not find it waiting leaves it alone. One that was interrupted between the server's taking it and our
// writing that down stays "sending", is never sent again by itself, and is shown to the admin: a balance that nobody
// was told of stands in the books, but a second mail about it cannot be taken back.
type mailWorker struct {
	river.WorkerDefaults[sendMailArgs]
	bus *Bus
}

// Timeout leaves a slow server time for some mails; the rest goes into the next attempt.
func (*mailWorker) Timeout(*river.Job[sendMailArgs]) time.Duration { return 2 * time.Minute }

// Work sends what still waits of the job's messages. What the server does not take now waits for the next attempt.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[sendMailArgs]) error {
	if w.bus.mail == nil {
		return errors.New("there is no mail server to send through any more; set SMTP_URL, or cancel this job")
	}
	conversation, err := w.bus.mail.dial(ctx)
	if err != nil {
		return err
	}
	defer conversation.end()
	var failures []error
	for _, id := range job.Args.Messages {
		if err := w.send(ctx, conversation, id); err != nil {
			failures = append(failures, fmt.Errorf("message %d: %w", id, err))
		}
		if conversation.over || ctx.Err() != nil {
			break
		}
	}
	waiting, err := dbsqlc.New(w.bus.pool).CountWaitingMessages(ctx, job.Args.Messages)
	if err != nil {
		return errors.Join(append(failures, fmt.Errorf("count the messages that wait: %w", err))...)
	}
	if waiting == 0 {
		return nil
	}
	if len(failures) == 0 {
		failures = []error{errors.New("the conversation ended too early")}
	}
	return fmt.Errorf("%d of %d messages wait to be sent: %w", waiting, len(job.Args.Messages), errors.Join(failures...))
}

// send sends one message, if it waits, and writes down what became of it. Its errors are those of messages that still wait.
func (w *mailWorker) send(ctx context.Context, conversation *mailConversation, id int64) error {
	q := dbsqlc.New(w.bus.pool)
	message, err := q.ClaimMessage(ctx, dbsqlc.ClaimMessageParams{ID: id, At: w.bus.now()})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if message.State != accounting.MessageSending {
		return nil
	}
	mail, err := w.bus.balanceMail(ctx, message)
	if err == nil {
		err = conversation.send(mail)
	}
	state := accounting.MessageWaiting
	switch {
	case err == nil:
		state = accounting.MessageSent
	case errors.Is(err, errRefused):
		state = accounting.MessageRefused
	case errors.Is(err, errUnclear):
		state = accounting.MessageSending
	}
	settled := dbsqlc.SettleMessageParams{ID: id, State: state, At: w.bus.now()}
	if err != nil {
		reason := strings.ToValidUTF8(err.Error(), "?")
		settled.Error = &reason
	}
	// What the server has said is written down also when the program is about to end.
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := q.SettleMessage(writing, settled); err != nil {
		return fmt.Errorf("write down what became of it: %w", err)
	}
	if state == accounting.MessageWaiting {
		return err
	}
	return nil
}

// balanceMail is the mail of a message. Nobody tells the services which language a person reads, so it is English.
func (b *Bus) balanceMail(ctx context.Context, m dbsqlc.ClaimMessageRow) (outgoing, error) {
	ctx = views.WithLocale(ctx, b.locale)
	data := views.BalanceMailData{
		Name: m.Name, Day: time.Date(m.Day.Year(), m.Day.Month(), m.Day.Day(), 0, 0, 0, 0, b.locale.Zone),
		Opening: m.Opening, Charged: m.Fees, Earned: m.Rewards, Paid: m.Payout, Carried: m.Carried,
	}
	var html strings.Builder
	if err := views.BalanceMail(data).Render(ctx, &html); err != nil {
		return outgoing{}, fmt.Errorf("write the mail: %w", err)
	}
	return outgoing{
		ID: "balance." + m.Cause.String() + "." + m.Person.String(), Name: m.Name, Address: *m.Address,
		Subject: data.Subject(ctx), Text: data.Text(ctx), HTML: html.String(),
	}, nil
}
