package tracker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

func TestDescriptions(t *testing.T) {
	t.Parallel()
	const parrot = "🦜"
	for name, c := range map[string]struct {
		typed         string
		jiraID, title string
		refused       string
	}{
		"as typed":                      {typed: "Clean the cage", title: "Clean the cage"},
		"one character":                 {typed: "x", title: "x"},
		"trimmed":                       {typed: " \t\n\u00a0Clean  the cage\r\n ", title: "Clean  the cage"},
		"line ends of a form":           {typed: "one\r\ntwo\r\n\r\nthree", title: "one\ntwo\n\nthree"},
		"line ends of other systems":    {typed: "one\rtwo\r\r\nthree", title: "one\ntwo\n\nthree"},
		"the longest":                   {typed: strings.Repeat("x", 1000), title: strings.Repeat("x", 1000)},
		"the longest, in four bytes":    {typed: strings.Repeat(parrot, 1000), title: strings.Repeat(parrot, 1000)},
		"the longest, with blanks":      {typed: "  " + strings.Repeat("x", 1000) + "\r\n", title: strings.Repeat("x", 1000)},
		"the longest, on two lines":     {typed: "x\r\n" + strings.Repeat("x", 998), title: "x\n" + strings.Repeat("x", 998)},
		"one too many":                  {typed: strings.Repeat("x", 1001), refused: "task.description_too_long"},
		"one too many, in four bytes":   {typed: strings.Repeat(parrot, 1001), refused: "task.description_too_long"},
		"nothing":                       {typed: "", refused: "task.description_empty"},
		"only blanks":                   {typed: " \t\r\n\u00a0\u2003", refused: "task.description_empty"},
		"NUL":                           {typed: "a\x00b", refused: "task.description_unreadable"},
		"only NUL":                      {typed: "\x00", refused: "task.description_unreadable"},
		"not UTF-8":                     {typed: "caf\xe9", refused: "task.description_unreadable"},
		"half a surrogate pair, CESU-8": {typed: "\xed\xa0\xbd", refused: "task.description_unreadable"},

		"a Jira id":                       {typed: "[POPUG-42] - Clean the cage", jiraID: "POPUG-42", title: "Clean the cage"},
		"a Jira id, typed in haste":       {typed: " [popug-42]–  clean the cage\r\nand the perch", jiraID: "POPUG-42", title: "clean the cage\nand the perch"},
		"of a project with an underscore": {typed: "[NEST_2-7] - Oil it", jiraID: "NEST_2-7", title: "Oil it"},
		"a dash in the title":             {typed: "[POPUG-42] - Cage - clean it", jiraID: "POPUG-42", title: "Cage - clean it"},
		"a Jira id without brackets":      {typed: "POPUG-42 - Clean the cage", title: "POPUG-42 - Clean the cage"},
		"other brackets":                  {typed: "Clean (all) {of} <it>", title: "Clean (all) {of} <it>"},
		"the longest, with a Jira id":     {typed: "[POPUG-42] - " + strings.Repeat("x", 987), jiraID: "POPUG-42", title: strings.Repeat("x", 987)},
		"one too many, with a Jira id":    {typed: "[POPUG-42] - " + strings.Repeat("x", 988), refused: "task.description_too_long"},
		"only a Jira id":                  {typed: "[POPUG-42] - ", refused: "task.title_empty"},
		"a Jira id and no dash":           {typed: "[POPUG-42] Clean the cage", refused: "task.title_brackets"},
		"no Jira id":                      {typed: "[urgent] - Clean the cage", refused: "task.title_brackets"},
		"a Jira id of number 0":           {typed: "[POPUG-0] - Clean the cage", refused: "task.title_brackets"},
		"two Jira ids":                    {typed: "[POPUG-42] - [POPUG-43] - Clean the cage", refused: "task.title_brackets"},
		"a Jira id at the end":            {typed: "Clean the cage [POPUG-42]", refused: "task.title_brackets"},
		"one bracket":                     {typed: "Clean the cage [", refused: "task.title_brackets"},
		"the other":                       {typed: "Clean ] the cage", refused: "task.title_brackets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := describe(c.typed)
			if c.refused == "" {
				require.NoError(t, err)
				require.Equal(t, words{c.jiraID, c.title}, got)
				return
			}
			var refusal *domain.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, c.refused, refusal.Code)
			require.Equal(t, domain.Invalid, refusal.Kind)
			require.Equal(t, "description", refusal.Field, "the form has to show where")
			require.NotEmpty(t, refusal.Message)
		})
	}
}

func TestATooLongDescriptionIsToldItsLength(t *testing.T) {
	t.Parallel()
	_, err := describe(" " + strings.Repeat("é", 1234) + " ")
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, map[string]any{"Max": 1000, "Length": 1234}, refusal.Details)
}
