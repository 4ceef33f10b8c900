package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
	"ates/jobs"
	"ates/jobs/jobstest"
	"ates/sql/sqltest"
)

// lookBack runs `ates demo` for a short past.
func lookBack(ctx context.Context, database string) (said string, err error) {
	var out, log bytes.Buffer
	err = run(ctx, []string{"demo", "--days=6", "--tasks=5", "--time-zone=Asia/Kolkata", "--database-url", database}, &out, &log)
	return out.String(), err
}

func TestADemoThatWasInterruptedGoesOnAndEndsInSoundBooks(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	pool := dial(t, database)
	count := func(what string) int { return number(t, pool, "select count(*) from "+what) }

	interrupted, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := lookBack(interrupted, database)
		ended <- err
	}()
	require.Eventually(t, func() bool { return count("accounting.days where status = 'closed'") >= 2 }, time.Minute, 5*time.Millisecond)
	stop()
	require.ErrorContains(t, <-ended, "the same command goes on from there")
	require.Less(t, count("accounting.days where status = 'closed'"), 6)

	said, err := lookBack(t.Context(), database)
	require.NoError(t, err)
	require.Contains(t, said, "6 days, told in")
	jobstest.RequireSoundBooks(t, pool)
	require.Equal(t, 6, count("accounting.days where status = 'closed' and complete"))
	require.Equal(t, 1, count("accounting.days where status = 'open'"))
	require.Zero(t, count("river.river_job where args ? 'batch'"), "every job was done, and is forgotten")

	require.Positive(t, count("accounting.closings where payout > 0"), "somebody was paid")
	require.Positive(t, count("accounting.closings where opening < 0"), "somebody carried a debt into a day")
	require.Equal(t, 6, number(t, pool, "select count(distinct day) from accounting.closings where carried < 0"), "somebody stood below zero at each close")
	require.Positive(t, count("tracker.tasks where assignment > 1"), "tasks were drawn again")
	require.Equal(t, 13, count("auth.accounts"))
	require.Equal(t, 1, count("auth.accounts where status = 'deactivated'"))
	require.Equal(t, 2, count("auth.accounts where role = 'manager'"))
	require.Equal(t, count("tracker.tasks"), number(t, pool, "select count(distinct description) from tracker.tasks"))

	const booked = "accounting.transfers x join accounting.days d on d.day = x.day where kind in ('fee', 'reward')"
	require.Zero(t, count(booked+" and not (d.begins <= occurred_at and occurred_at < d.ends)"))
	require.Zero(t, count(booked+" and not (occurred_at < booked_at and booked_at < occurred_at + interval '1 second')"))
	require.Zero(t, count("(select occurred_at < lag(occurred_at) over (order by id) as earlier from accounting.transfers where kind in ('fee', 'reward')) x where earlier"))
	require.Zero(t, count("log.events where occurred_at > now()"))
	moments := number(t, pool, "select count(distinct date_trunc('second', created_at)) from tracker.tasks")
	require.Greater(t, moments, count("tracker.tasks")*9/10)

	const past = "log.events where occurred_at < (select begins from accounting.days where status = 'open')"
	before := count(past)
	_, err = lookBack(t.Context(), database)
	require.NoError(t, err)
	require.Equal(t, before, count(past), "what is over stays as it is")
	require.Equal(t, 13, count("auth.accounts"))
	jobstest.RequireSoundBooks(t, pool)
}

func TestADatabaseInUseGetsNoPast(t *testing.T) {
	t.Parallel()
	database := sqltest.URL(t)
	pool := dial(t, database)
	bus, err := jobs.NewBus(jobs.BusConfig{Pool: pool, Books: jobstest.Books()})
	require.NoError(t, err)
	_, err = seedPeople(t.Context(), pool, bus)
	require.NoError(t, err)
	before := jobstest.Rows(t, pool)
	_, err = lookBack(t.Context(), database)
	require.ErrorContains(t, err, "in use since `ates serve`")
	require.ErrorContains(t, err, "ATES_DATA=/path/to/an/empty/folder ates demo --serve")
	_, err = pool.Exec(t.Context(), `insert into auth.accounts (id, login, name, email, role, status, version, created_at, updated_at)
		values (gen_random_uuid(), 'boss', 'Boss', 'boss@company.example', 'admin', 'active', 1, now(), now())`)
	require.NoError(t, err)
	_, err = lookBack(t.Context(), database)
	require.ErrorContains(t, err, "has people of its own")
	after := jobstest.Rows(t, pool)
	after["auth.accounts"] = before["auth.accounts"]
	require.Equal(t, before, after)
}

func TestAStoryIsToldTheSameAgainAndInTheHoursOfItsDays(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/St_Johns")
	require.NoError(t, err)
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	s := story{books: accounting.Books{Zone: zone, Unit: 100}, first: monday, days: 90, tasks: 22}
	end := s.books.Begins(monday.AddDate(0, 0, 90)).Add(13 * time.Hour)
	tasks, quiet := 0, 0
	for n := range 91 {
		day := monday.AddDate(0, 0, n)
		deeds := s.deeds(day, end)
		require.Equal(t, deeds, s.deeds(day, end))
		require.True(t, slices.IsSortedFunc(deeds, func(a, b deed) int { return a.at.Compare(b.at) }))
		if len(deeds) == 0 {
			quiet++
		}
		for _, d := range deeds {
			require.Equal(t, day, s.books.Day(d.at))
			require.True(t, d.at.Before(end))
			if d.kind == create {
				tasks++
			}
		}
	}
	last := monday.AddDate(0, 0, 90)
	for until := s.books.Begins(last).Add(10 * time.Minute); until.Before(s.books.Ends(last)); until = until.Add(10 * time.Minute) {
		morning, _, _ := s.hours(last, until)
		require.False(t, s.deeds(last, until)[0].at.Before(morning), "people come before they do anything, when the story ends at %s", until)
	}
	require.Equal(t, 6, quiet, "a week of holidays, and a day on which nothing happens")
	require.Greater(t, tasks, 1200)
	require.NotEmpty(t, s.deeds(last, s.books.Begins(last).Add(time.Hour)), "a day has begun whenever people look")
	require.Empty(t, s.deeds(last, s.books.Begins(last)))
}

func TestTheTasksOfADemoAllReadDifferently(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	const most = 1500
	for n := range most {
		text := description(n)
		require.Equal(t, strings.TrimSpace(text), text)
		require.Greater(t, len(text), 10)
		require.NotContains(t, text, "[")
		seen[text] = true
	}
	require.Len(t, seen, most)
}
