package views

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang, currency string
		minor          int64
		want           string
	}{
		{"en", "USD", 1248050, "$12,480.50"},
		{"en", "USD", -1500, "−$15.00"},
		{"en", "USD", 0, "$0.00"},
		{"ru", "USD", 1248050, "12\u00a0480,50\u00a0$"},
		{"ru", "RUB", -1248050, "−12\u00a0480,50\u00a0₽"},
		{"en", "JPY", 1500, "¥1,500"},
		{"en", "KWD", 1500, "KWD\u00a01.500"},
		{"", "", 7, "$0.07"},
		{"en", "USD", 9_007_199_254_740_991, "$90,071,992,547,409.91"},
	} {
		ctx := WithLocale(t.Context(), Locale{Language: c.lang, Currency: c.currency})
		require.Equal(t, c.want, Money(ctx, c.minor), "%d %s in %q", c.minor, c.currency, c.lang)
	}
	require.Equal(t, []string{"+$0.15", "−$0.15", "$0.00"},
		[]string{SignedMoney(t.Context(), 15), SignedMoney(t.Context(), -15), SignedMoney(t.Context(), 0)})
}

func TestKnownCurrency(t *testing.T) {
	t.Parallel()
	require.True(t, KnownCurrency("RUB"))
	require.False(t, KnownCurrency("PARROT"))
}

func TestTimesAreOfTheBusinessZone(t *testing.T) {
	t.Parallel()
	moscow, err := time.LoadLocation("Europe/Moscow")
	require.NoError(t, err)
	moment := time.Date(2026, 11, 2, 22, 4, 5, 0, time.UTC)

	english := WithLocale(t.Context(), Locale{Zone: moscow})
	require.Equal(t, "Nov 3, 2026, 01:04\u00a0MSK", Time(english, moment))
	require.Equal(t, "Tuesday, November 3, 2026", Weekday(english, moment))

	russian := WithLocale(t.Context(), Locale{Language: "ru", Zone: moscow})
	require.Equal(t, "3 нояб. 2026 г., 01:04\u00a0MSK", Time(russian, moment))

	dubai, err := time.LoadLocation("Asia/Dubai")
	require.NoError(t, err)
	require.Equal(t, "Nov 3, 2026, 02:04\u00a0UTC+04", Time(WithLocale(t.Context(), Locale{Zone: dubai}), moment))
}

func TestMoneyForListsAndForSpreadsheets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang, currency string
		minor          int64
		short, plain   string
	}{
		{"en", "USD", 2800, "28$", "28.00"},
		{"en", "USD", -1305, "-13.05$", "-13.05"},
		{"en", "USD", 123456700, "1,234,567$", "1234567.00"},
		{"ru", "RUB", 2800, "28\u00a0₽", "28,00"},
		{"ru", "USD", -7, "-0,07\u00a0$", "-0,07"},
		{"en", "JPY", 38, "38¥", "38"},
		{"en", "KWD", 38000, "38\u00a0KWD", "38.000"},
	} {
		ctx := WithLocale(t.Context(), Locale{Language: c.lang, Currency: c.currency})
		require.Equal(t, c.short, ShortMoney(ctx, c.minor))
		require.Equal(t, c.plain, PlainMoney(ctx, c.minor))
	}
}

func TestPeriodsToDate(t *testing.T) {
	t.Parallel()
	third := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	english, russian := t.Context(), WithLocale(t.Context(), Locale{Language: "ru"})
	require.Equal(t, []string{"03.03", "01-03 March", "01.01-03.03.2026", "March 2026"},
		[]string{DayOfMonth(english, third), MonthToDate(english, third), YearToDate(english, third), Month(english, third)})
	require.Equal(t, []string{"03.03", "01-03 марта", "01.01-03.03.2026", "Март 2026"},
		[]string{DayOfMonth(russian, third), MonthToDate(russian, third), YearToDate(russian, third), Month(russian, third)})
	newYear := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []string{"01 January", "01.01.2026"}, []string{MonthToDate(english, newYear), YearToDate(english, newYear)})
}
