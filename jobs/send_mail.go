package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ates/domain"
)

// mailsOfJob is how many mails one job sends at most, over one connection.
const mailsOfJob = 20

// sendMailArgs name the mails of an outbox that a job is to send.
type sendMailArgs struct {
	kind     string
	Messages []int64 `json:"messages"`
}

// Kind is the kind of the outbox's jobs.
func (a sendMailArgs) Kind() string { return a.kind }

// mailWorker sends the mails of an outbox. A mail is sent at most once: that it is being sent is committed before the mail server hears of
// it, and whoever does not find it waiting leaves it alone. One that was interrupted between the server's taking it and our
// writing that down stays "sending", is never sent again by itself, and is shown to the admin: a balance that nobody
// was told of stands in the books, but a second mail about it cannot be taken back.
type mailWorker struct {
	river.WorkerDefaults[sendMailArgs]
	bus    *Bus
	outbox outbox
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
	waiting, err := w.outbox.waiting(ctx, job.Args.Messages)
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
	claimed, err := w.outbox.claim(ctx, id, w.bus.now())
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if claimed != domain.MailSending {
		return nil
	}
	letter, mail, err := w.outbox.letter(ctx, id)
	if err == nil {
		mail, err = w.bus.written(ctx, letter, mail)
	}
	if err == nil {
		err = conversation.send(mail)
	}
	state := domain.MailWaiting
	switch {
	case err == nil:
		state = domain.MailSent
	case errors.Is(err, errRefused):
		state = domain.MailRefused
	case errors.Is(err, errUnclear):
		state = domain.MailSending
	}
	var reason *string
	if err != nil {
		text := strings.ToValidUTF8(err.Error(), "?")
		reason = &text
	}
	// What the server has said is written down also when the program is about to end.
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := w.outbox.settle(writing, id, state, reason, w.bus.now()); err != nil {
		return fmt.Errorf("write down what became of it: %w", err)
	}
	if state == domain.MailWaiting {
		return err
	}
	return nil
}
