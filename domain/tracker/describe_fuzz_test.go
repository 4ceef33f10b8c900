package tracker

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

// Whatever is typed, a description is text within its bounds that would be kept just so again, or is refused where it stands.
func FuzzDescriptions(f *testing.F) {
	for _, typed := range []string{
		"Clean the cage", " \t\n\u00a0one\r\ntwo\r\r\n", "\x00", "caf\xe9", "\xed\xa0\xbd", strings.Repeat("🦜", MaxDescription), strings.Repeat("x", MaxDescription+1), "\ufeff", "a\rb", "\u2028", "[popug-42]– x", "[P_1-1] - y\n[",
	} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		about, err := describe(typed)
		if err != nil {
			var refusal *domain.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, domain.Invalid, refusal.Kind)
			require.Equal(t, "description", refusal.Field)
			require.Empty(t, about)
			return
		}
		require.True(t, utf8.ValidString(about.title))
		require.False(t, strings.ContainsAny(about.title, "\x00\r[]"))
		require.Equal(t, strings.TrimSpace(about.title), about.title)
		length := utf8.RuneCountInString(about.title)
		require.True(t, length >= 1 && length <= MaxDescription, "%d characters", length)
		again := about.title
		if about.jiraID != "" {
			again = "[" + about.jiraID + "] - " + about.title
			require.Equal(t, about, wordsOf(again), "what version 1 would have told is read the same")
		}
		if utf8.RuneCountInString(again) <= MaxDescription { // the blanks of the id's dash may have been left out
			kept, err := describe(again)
			require.NoError(t, err)
			require.Equal(t, about, kept)
		}
	})
}
