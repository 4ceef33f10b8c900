package tracker

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

func TestDescriptions(t *testing.T) {
	t.Parallel()
	const parrot = "🦜"
	for name, c := range map[string]struct {
		typed, want, refused string
	}{
		"as typed":                      {typed: "Clean the cage", want: "Clean the cage"},
		"one character":                 {typed: "x", want: "x"},
		"trimmed":                       {typed: " \t\n\u00a0Clean  the cage\r\n ", want: "Clean  the cage"},
		"line ends of a form":           {typed: "one\r\ntwo\r\n\r\nthree", want: "one\ntwo\n\nthree"},
		"line ends of other systems":    {typed: "one\rtwo\r\r\nthree", want: "one\ntwo\n\nthree"},
		"the longest":                   {typed: strings.Repeat("x", 1000), want: strings.Repeat("x", 1000)},
		"the longest, in four bytes":    {typed: strings.Repeat(parrot, 1000), want: strings.Repeat(parrot, 1000)},
		"the longest, with blanks":      {typed: "  " + strings.Repeat("x", 1000) + "\r\n", want: strings.Repeat("x", 1000)},
		"the longest, on two lines":     {typed: "x\r\n" + strings.Repeat("x", 998), want: "x\n" + strings.Repeat("x", 998)},
		"one too many":                  {typed: strings.Repeat("x", 1001), refused: "task.description_too_long"},
		"one too many, in four bytes":   {typed: strings.Repeat(parrot, 1001), refused: "task.description_too_long"},
		"nothing":                       {typed: "", refused: "task.description_empty"},
		"only blanks":                   {typed: " \t\r\n\u00a0\u2003", refused: "task.description_empty"},
		"NUL":                           {typed: "a\x00b", refused: "task.description_unreadable"},
		"only NUL":                      {typed: "\x00", refused: "task.description_unreadable"},
		"not UTF-8":                     {typed: "caf\xe9", refused: "task.description_unreadable"},
		"half a surrogate pair, CESU-8": {typed: "\xed\xa0\xbd", refused: "task.description_unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := describe(c.typed)
			if c.refused == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, got)
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

func TestRights(t *testing.T) {
	t.Parallel()
	type rights struct{ own, others, assign bool }
	for role, want := range map[domain.Role]rights{
		domain.Worker:     {own: true},
		domain.Manager:    {own: true, others: true, assign: true},
		domain.Admin:      {own: true, others: true, assign: true},
		domain.TopManager: {own: true, others: true},
		"somebody new":    {own: true},
	} {
		by := domain.Actor{ID: uuid.New(), Role: role}
		require.Equal(t, want, rights{MayResolve(by, by.ID), MayResolve(by, uuid.New()), MayAssign(by)}, role)
	}
}
