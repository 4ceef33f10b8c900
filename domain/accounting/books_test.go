package accounting_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the rules of zones must not depend on the machine

	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// Each day is given by its two midnights in UTC, the second of which is no part of it any more.
func TestABusinessDayGoesFromMidnightToMidnightOfItsZone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone, day, from, to string
		hours               float64
	}{
		"UTC":                      {"UTC", "2025-03-30", "2025-03-30T00:00:00Z", "2025-03-31T00:00:00Z", 24},
		"leap day":                 {"UTC", "2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", 24},
		"east of UTC":              {"Europe/Berlin", "2025-01-01", "2024-12-31T23:00:00Z", "2025-01-01T23:00:00Z", 24},
		"23 hours":                 {"Europe/Berlin", "2025-03-30", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z", 23},
		"25 hours":                 {"Europe/Berlin", "2025-10-26", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", 25},
		"west of UTC":              {"America/Los_Angeles", "2025-07-04", "2025-07-04T07:00:00Z", "2025-07-05T07:00:00Z", 24},
		"west of UTC, 23 hours":    {"America/Los_Angeles", "2025-03-09", "2025-03-09T08:00:00Z", "2025-03-10T07:00:00Z", 23},
		"no midnight at its start": {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", 23},
		"its last hour twice":      {"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z", 25},
		"half an hour of change":   {"Australia/Lord_Howe", "2025-04-06", "2025-04-05T13:00:00Z", "2025-04-06T13:30:00Z", 24.5},
		"furthest east":            {"Pacific/Kiritimati", "2025-06-01", "2025-05-31T10:00:00Z", "2025-06-01T10:00:00Z", 24},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := accounting.Books{Zone: zone(t, c.zone), Unit: 100}
			day, err := time.Parse(time.DateOnly, c.day)
			require.NoError(t, err)
			from, err := time.Parse(time.RFC3339, c.from)
			require.NoError(t, err)
			to, err := time.Parse(time.RFC3339, c.to)
			require.NoError(t, err)
			require.InDelta(t, c.hours, to.Sub(from).Hours(), 0)

			require.Equal(t, day.AddDate(0, 0, -1), books.Day(from.Add(-time.Microsecond)), "just before it")
			for moment := from; moment.Before(to); moment = moment.Add(10 * time.Minute) {
				require.Equal(t, day, books.Day(moment), moment)
				require.Equal(t, day, books.Day(moment.In(zone(t, "Asia/Tokyo"))), "a moment is the same one in every zone")
			}
			require.Equal(t, day, books.Day(to.Add(-time.Microsecond)), "its last moment")
			require.Equal(t, day.AddDate(0, 0, 1), books.Day(to), "the next midnight is of the next day")
		})
	}
}

func TestEveryMomentOfAYearHasItsDay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca"} {
		books := accounting.Books{Zone: zone(t, name), Unit: 100}
		moment := time.Date(2018, 1, 1, 0, 0, 0, 0, books.Zone)
		end := moment.AddDate(1, 0, 0)
		last, days := books.Day(moment.Add(-time.Minute)), 0
		for ; moment.Before(end); moment = moment.Add(15 * time.Minute) {
			day := books.Day(moment)
			if day.Equal(last) {
				continue
			}
			require.Equal(t, last.AddDate(0, 0, 1), day, "%s: days follow one another without gap or overlap at %s", name, moment)
			last = day
			days++
		}
		require.Equal(t, 365, days, name)
	}
}
