package auth

import (
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

// Whatever is typed about a person, it is refused where it stands, or is kept as what would be kept just so again, what Postgres can
// store and a mail can be addressed to.
func FuzzPeople(f *testing.F) {
	f.Add(" Ann.L-1 ", "Ann Lorikeet", "ann@popug.example", "worker")
	f.Add("\u212aelvin", "\u202eAnn\u2028", "\"a b\"@popug.example", "top-manager")
	f.Add("ann\x00", "\xff", "Ann <ann@popug.example>", "system")
	f.Add(strings.Repeat("a", maxLogin+1), strings.Repeat("я", 101), "a@b\r\nBcc: c@d", "")
	f.Add("a", "\u0085x\u00a0", "я@пример.рф", "admin")
	f.Fuzz(func(t *testing.T, login, name, email, role string) {
		account, err := newAccount(login, name, email, domain.Role(role))
		if err != nil {
			var refusal *domain.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, domain.Invalid, refusal.Kind)
			require.Contains(t, []string{"login", "name", "email", "role"}, refusal.Field)
			return
		}
		again, err := newAccount(account.Login, account.Name, account.Email, domain.Role(account.Role))
		require.NoError(t, err)
		require.NotEqual(t, account.ID, again.ID)
		account.ID, again.ID = uuid.Nil, uuid.Nil
		require.Equal(t, account, again)

		require.Regexp(t, loginPattern, account.Login)
		require.Contains(t, domain.Roles(), domain.Role(account.Role))
		require.LessOrEqual(t, utf8.RuneCountInString(account.Name), 100)
		for _, text := range []string{account.Name, account.Email} {
			require.NotEmpty(t, text)
			require.True(t, utf8.ValidString(text))
			require.False(t, strings.ContainsFunc(text, unicode.IsControl), "%q", text)
		}
		sent, err := mail.ParseAddress((&mail.Address{Address: account.Email}).String())
		require.NoError(t, err)
		require.Equal(t, account.Email, sent.Address)
	})
}
