package tracker

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"ates/domain"
)

// MaxDescription is the length of the longest description, in characters.
const MaxDescription = 1000

// words are what a task is about: its title, and the id that it has in Jira, empty where it has none.
type words struct{ jiraID, title string }

var (
	// typedID is a Jira id in square brackets in front of a title, as people type it: in letters of either case, and with any dash.
	typedID = regexp.MustCompile(`(?s)^\[\s*([A-Za-z][A-Za-z0-9_]{1,19}-[1-9][0-9]{0,9})\s*\]\s*[-–—]\s*(.*)$`)
	// toldID is the same as Task.Created version 1 told it in a description. Both together are the description again, to the character.
	// Migration 00022 has it too, for what programs of before write.
	toldID = regexp.MustCompile(`(?s)^\[([A-Z][A-Z0-9_]{1,19}-[1-9][0-9]{0,9})\] - (.+)$`)
)

// lineEnds makes those of forms and of other systems plain.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// describe makes the words of a task of what somebody typed: trimmed, with plain line ends, 1 to MaxDescription characters. A Jira id may
// stand in front, as in "[POPUG-42] - Title"; there are no other square brackets in a title.
func describe(typed string) (words, error) {
	text := strings.TrimSpace(lineEnds.Replace(typed))
	length := utf8.RuneCountInString(text)
	refuse := func(field, code, message string) (words, error) {
		return words{}, &domain.Refusal{Kind: domain.Invalid, Code: code, Field: field, Message: message}
	}
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return refuse("description", "task.description_unreadable", "The description contains characters that are not text. Remove them and send it again.")
	case length == 0:
		return refuse("description", "task.description_empty", "Describe the task: the description is empty.")
	case length > MaxDescription:
		return words{}, &domain.Refusal{Kind: domain.Invalid, Code: "task.description_too_long", Field: "description",
			Message: "The description is too long. Shorten it to at most 1,000 characters.",
			Details: map[string]any{"Max": MaxDescription, "Length": length}}
	}
	w := words{title: text}
	if parts := typedID.FindStringSubmatch(text); parts != nil {
		w = words{strings.ToUpper(parts[1]), strings.TrimSpace(parts[2])}
	}
	switch {
	case w.title == "":
		return refuse("description", "task.title_empty", "There is only a Jira id. Say after it what there is to do.")
	case strings.ContainsAny(w.title, "[]"):
		return refuse("description", "task.title_brackets", "Square brackets are only for a Jira id in front, as in “[POPUG-42] - Title”. Write the rest without them.")
	}
	return w, nil
}

// wordsOf takes apart the description of a Task.Created version 1.
func wordsOf(description string) words {
	if parts := toldID.FindStringSubmatch(description); parts != nil {
		return words{parts[1], parts[2]}
	}
	return words{title: description}
}
