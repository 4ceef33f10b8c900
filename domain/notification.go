package domain

import "github.com/google/uuid"

// The states of a mail, alike in every context that sends some; the migrations that make their tables say what they mean.
const (
	MailWaiting = "waiting"
	MailSending = "sending"
	MailSent    = "sent"
	MailRefused = "refused"
	MailKept    = "kept"
)

// The states of what somebody is told in the pages.
const (
	Unread = "unread"
	Read   = "read"
)

// Inbox and Mail are the channels through which people are told something.
const (
	Inbox = "inbox"
	Mail  = "mail"
)

// Told is what a notifier has noted anew.
type Told struct {
	// Waiting are the mails to be sent.
	Waiting []int64
	// People have something new in their inbox.
	People []uuid.UUID
}

// NewlyTold returns what was noted; it makes every notifier that embeds Told a Teller.
func (t *Told) NewlyTold() *Told { return t }

// Note adds one notification.
func (t *Told) Note(id int64, channel string, person uuid.UUID, state string) {
	switch {
	case channel == Inbox:
		t.People = append(t.People, person)
	case state == MailWaiting:
		t.Waiting = append(t.Waiting, id)
	}
}

// Teller is a command that notes what people are told.
type Teller interface {
	Command
	NewlyTold() *Told
}

// NotificationsTopic is what pages listen to that show what somebody is told.
func NotificationsTopic(person uuid.UUID) string { return "notifications/" + person.String() }

// NotificationChoice is what somebody wants to be told by one context, and how.
type NotificationChoice struct {
	// Version is how often they have chosen; 0 is never, when they are told everything in English.
	Version int64 `json:"version"`
	// Off are what they do not want, as kind/channel.
	Off []string `json:"off"`
	// Language is that of their mails.
	Language string `json:"language"`
}

// ErrChoiceChanged refuses a choice that was made over an older one than there is.
func ErrChoiceChanged() error {
	return &Refusal{Kind: Conflict, Code: "notifications.changed_meanwhile",
		Message: "You have changed this elsewhere meanwhile, so nothing was saved. Below is what holds now; choose again."}
}

// ErrChoiceUnknown refuses a choice of something that there is not.
func ErrChoiceUnknown() error {
	return &Refusal{Kind: Invalid, Code: "notifications.choice_unknown",
		Message: "This form cannot be read. Open the page again and send it once more."}
}
