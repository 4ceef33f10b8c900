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
		"Clean the cage", " \t\n\u00a0one\r\ntwo\r\r\n", "\x00", "caf\xe9", "\xed\xa0\xbd", strings.Repeat("🦜", MaxDescription), strings.Repeat("x", MaxDescription+1), "\ufeff", "a\rb", "\u2028",
	} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		text, err := describe(typed)
		if err != nil {
			var refusal *domain.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, domain.Invalid, refusal.Kind)
			require.Equal(t, "description", refusal.Field)
			require.Empty(t, text)
			return
		}
		require.True(t, utf8.ValidString(text))
		require.NotContains(t, text, "\x00")
		require.NotContains(t, text, "\r")
		require.Equal(t, strings.TrimSpace(text), text)
		length := utf8.RuneCountInString(text)
		require.True(t, length >= 1 && length <= MaxDescription, "%d characters", length)
		again, err := describe(text)
		require.NoError(t, err)
		require.Equal(t, text, again)
	})
}
