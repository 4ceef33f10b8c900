package tracker

import (
	"strings"
	"unicode/utf8"

	"ates/domain"
)

// MaxDescription is the length of the longest description, in characters.
const MaxDescription = 1000

// The statuses of a task.
const (
	Open     = "open"
	Resolved = "resolved"
)

// lineEnds makes those of forms and of other systems plain.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// describe makes a description of what somebody typed: trimmed, with plain line ends, 1 to MaxDescription characters.
func describe(typed string) (string, error) {
	text := strings.TrimSpace(lineEnds.Replace(typed))
	length := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", &domain.Refusal{Kind: domain.Invalid, Code: "task.description_unreadable", Field: "description",
			Message: "The description contains characters that are not text. Remove them and send it again."}
	case length == 0:
		return "", &domain.Refusal{Kind: domain.Invalid, Code: "task.description_empty", Field: "description",
			Message: "Describe the task: the description is empty."}
	case length > MaxDescription:
		return "", &domain.Refusal{Kind: domain.Invalid, Code: "task.description_too_long", Field: "description",
			Message: "The description is too long. Shorten it to at most 1,000 characters.",
			Details: map[string]any{"Max": MaxDescription, "Length": length}}
	}
	return text, nil
}

// MayResolve reports whether somebody may resolve a task that is with assignee: Workers their own, everybody else any.
func MayResolve(by domain.Actor, assignee [16]byte) bool {
	return by.ID == assignee || by.Is(domain.Manager, domain.Admin, domain.TopManager)
}

// MayAssign reports whether somebody may have all open tasks drawn anew.
func MayAssign(by domain.Actor) bool { return by.Is(domain.Manager, domain.Admin) }

// errNoWorkers refuses a draw that nobody could win.
func errNoWorkers() error {
	return &domain.Refusal{Kind: domain.Conflict, Code: "task.no_workers",
		Message: "There is no active worker to give tasks to. Ask an admin to add or reactivate one; nothing has changed."}
}
