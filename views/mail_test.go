package views

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAMailSaysWhatBecameOfTheDay(t *testing.T) {
	t.Parallel()
	russian := WithLocale(t.Context(), Locale{Language: "ru", Currency: "EUR"})
	owing, nothing := BalanceMailData{Day: now, Opening: -500, Charged: 1500, Carried: -2000}, BalanceMailData{Day: now}
	require.Equal(t, "Nov 3, 2026: $15.00 paid out", balanceMail().Subject(t.Context()))
	require.Equal(t, "Nov 3, 2026: $20.00 below zero", owing.Subject(t.Context()))
	require.Equal(t, "Nov 3, 2026: nothing to pay out", nothing.Subject(t.Context()))
	require.Contains(t, owing.Subject(russian), "20,00\u00a0€ ниже нуля")

	require.Equal(t, `Hello Ann <Lorikeet>,

Tuesday, November 3, 2026
$15.00 paid out

Carried over from the day before: $0.00
Charged for tasks: −$15.00
Earned with tasks: +$30.00
Paid out: $15.00

Your account stands at zero again. The payout is on its way to you.

You get this message once for each business day that is closed, because you have an account in aTES.
`, balanceMail().Letter(t.Context(), "").Text())
	require.Contains(t, owing.Letter(t.Context(), "").Text(), "Hello,\n")
	require.Contains(t, owing.Letter(t.Context(), "").Text(), "Carried over to the next day: −$20.00\n")

	var html strings.Builder
	require.NoError(t, LetterHTML(balanceMail().Letter(t.Context(), "")).Render(t.Context(), &html))
	require.Contains(t, html.String(), "Hello Ann &lt;Lorikeet&gt;,")
	require.Contains(t, html.String(), "$15.00 paid out</h1>")
	require.NotContains(t, html.String(), "http", "nothing is fetched from anywhere")
}
