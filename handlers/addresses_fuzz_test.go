package handlers

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
)

// requireInvalid fails the test unless an error is the refusal of what was sent.
func requireInvalid(t *testing.T, err error) {
	t.Helper()
	var refusal *domain.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, domain.Invalid, refusal.Kind)
	require.NotEmpty(t, refusal.Code)
}

var (
	// tsquery is what to_tsquery reads without an error: beginnings of words, all of which must be there.
	tsquery = regexp.MustCompile(`^( |[\p{L}\p{N}]+:\*( & [\p{L}\p{N}]+:\*){0,11})?$`)
	// pattern is what ilike reads without an error and takes letter by letter.
	pattern = regexp.MustCompile(`^([^\\%_\x00]|\\[\\%_])*$`)
)

// Whatever stands in the query of a list, its filter is one that Postgres can read, and a place that is accepted is written as one
// that leads to the same place again.
func FuzzAddresses(f *testing.F) {
	for _, query := range []string{
		"q=seeds+T-7&status=open&assignee=01890000-0000-7000-8000-000000000000&sort=fee&after=5.-7", "before=9223372036854775807.1&q=%ff%00'%25_%5C",
		"role=worker&status=active&created=2026-03-01T12:00:00.5Z&after=01890000-0000-7000-8000-000000000000&q=ann%25",
		"before=2026-03-01/42&month=2026-03&since=4711", "before=9999-12-31T23:59:59-23:59/tracker/1", "before=0001-01-01T00:00:00%2B23:59/accounting/-1",
		"notification=tracker-42&before=0000-01-01/0", "seen=18/8/70/01890000-0000-7000-8000-000000000000/false", "seen=-1/1/1/{01890000-0000-7000-8000-000000000000}/T",
		"before=-1&worker=urn:uuid:01890000-0000-7000-8000-000000000000&q=" + strings.Repeat("9", 20), "month=0000-01&q=ǅ½٣%EF%BF%BD",
	} {
		f.Add(query)
	}
	books := daysOfBooks{first: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), today: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, text string) {
		query, err := url.ParseQuery(text)
		if err != nil {
			return // refused before any list is asked for
		}
		requireTaskFilter(t, query)
		if filter, err := readPeopleFilter(query); err != nil {
			requireInvalid(t, err)
		} else {
			require.True(t, utf8.ValidString(filter.Search))
			require.Regexp(t, pattern, filter.Search)
		}
		if seen, err := readSeen(query); err != nil {
			requireInvalid(t, err)
		} else if seen != nil {
			again, err := readSeen(url.Values{"seen": {writeSeen(*seen)}})
			require.NoError(t, err)
			require.Equal(t, seen, again)
		}
		if month, err := readMonth(query.Get("month"), books); err != nil {
			requireInvalid(t, err)
		} else {
			require.False(t, month.After(books.today) || endOfMonth(month).Before(books.first), "%s is in the books", month)
		}
		for name, values := range query {
			requireSamePlaces(t, values[0])
			if id, err := readID(query, name); err != nil {
				requireInvalid(t, err)
			} else if id != nil {
				require.Equal(t, *id, uuid.MustParse(id.String()))
			}
		}
		requireSameAddress(t, query)
	})
}

func requireTaskFilter(t *testing.T, query url.Values) {
	t.Helper()
	filter, err := readTaskFilter(query)
	if err != nil {
		requireInvalid(t, err)
		return
	}
	require.True(t, utf8.ValidString(filter.search))
	require.Regexp(t, tsquery, filter.search)
	if filter.from != nil {
		again, err := parseRank(filter.from.String())
		require.NoError(t, err)
		require.Equal(t, *filter.from, again)
	}
}

// requireSamePlaces reads a text as each kind of place, and what was read again as it is written.
func requireSamePlaces(t *testing.T, text string) {
	t.Helper()
	if p, err := readPlace(text); err == nil {
		again, err := readPlace(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
	}
	if p, ok := readToldPlace(text); ok {
		again, ok := readToldPlace(p.String())
		require.True(t, ok, "%s is read again", p)
		require.True(t, p.at.Equal(again.at))
		require.Equal(t, p.String(), again.String())
	}
	if producer, id, ok := readToldID(text); ok {
		again, sameID, ok := readToldID(toldID(producer, id))
		require.True(t, ok)
		require.Equal(t, producer, again)
		require.Equal(t, id, sameID)
	}
	if c, err := parseCursor(text); err == nil {
		again, err := parseCursor(c.String())
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
}

// requireSameAddress writes a query as pages have it, and reads it again.
func requireSameAddress(t *testing.T, query url.Values) {
	t.Helper()
	u, err := url.Parse(address("/tasks", query))
	require.NoError(t, err)
	require.Equal(t, "/tasks", u.Path)
	require.Empty(t, u.Host)
	again, err := url.ParseQuery(u.RawQuery)
	require.NoError(t, err)
	for name := range query {
		require.Equal(t, query.Get(name), again.Get(name))
	}
}
