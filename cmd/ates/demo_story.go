package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
)

// story is what the company of the demo lives through: who comes and goes, and what is done on which day and when. Everything but
// the draw and the prices follows from the first day and the number of days, so that a story that was interrupted goes on as it would
// have gone.
type story struct {
	books accounting.Books
	first time.Time
	// days is how long it is, and tasks about how many come on a working day.
	days, tasks int
}

// deed is something that somebody does at a moment of the story.
type deed struct {
	at   time.Time
	kind deedKind
	// chance decides what the story leaves open, such as who does it.
	chance uint64
}

type deedKind int

const (
	create deedKind = iota
	resolve
	assign
)

// The turns of the story, as shares of its length.
const (
	arrival   = 0.15 // somebody joins
	promotion = 0.35 // a worker becomes a manager
	holiday   = 0.50 // a week of it begins
	farewell  = 0.70 // a worker leaves
	silence   = 0.80 // a working day on which nothing happens
)

// turn is the number of the day on which the story takes a turn.
func (s story) turn(share float64) int { return int(share * float64(s.days)) }

// number counts the days of the story from 0.
func (s story) number(day time.Time) int { return int(day.Sub(s.first).Hours() / 24) }

// idle reports whether nobody works on a day of the week at all. Stories of less than two months have no time for it.
func (s story) idle(day time.Time) bool {
	if s.days < 60 {
		return false
	}
	begins := s.first.AddDate(0, 0, s.turn(holiday))
	for begins.Weekday() != time.Monday {
		begins = begins.AddDate(0, 0, 1)
	}
	silent := s.first.AddDate(0, 0, s.turn(silence))
	for silent.Weekday() != time.Wednesday {
		silent = silent.AddDate(0, 0, 1)
	}
	return day.Equal(silent) || !day.Before(begins) && day.Before(begins.AddDate(0, 0, 5))
}

// hours are those of a day: in the morning people come and go, and between opening and closing they work. The day on which the story
// ends is squeezed into its hours so far, so that it has begun whenever people look.
func (s story) hours(day, until time.Time) (morning, opens, closes time.Time) {
	begins := s.books.Begins(day)
	at := [3]time.Duration{8 * time.Hour, 8*time.Hour + 30*time.Minute, 18 * time.Hour}
	if whole, part := at[2], until.Sub(begins); part < whole {
		share := float64(part) / float64(whole)
		at[0], at[1] = time.Duration(float64(at[0])*share), time.Duration(float64(at[1])*share)
		at[2] = part - part/100
	}
	return begins.Add(at[0]), begins.Add(at[1]), begins.Add(at[2])
}

// deeds are those of a day until a moment, in their order.
func (s story) deeds(day, until time.Time) []deed {
	number := s.number(day)
	chance := rand.New(rand.NewPCG(uint64(number), 90))
	_, opens, closes := s.hours(day, until)
	today := until.Before(s.books.Ends(day))
	weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday

	creates := s.tasks*4/5 + chance.IntN(s.tasks*2/5+1)
	resolves, assigns := creates*3/2, 1+chance.IntN(2)
	switch {
	case today:
		assigns = 1
	case s.idle(day):
		creates, resolves, assigns = 0, 0, 0
	case weekend:
		creates, resolves, assigns = chance.IntN(4), 2+chance.IntN(4), 0
	case day.Weekday() == time.Friday:
		// Before the weekend things get done rather than passed on.
		resolves, assigns = creates*2, chance.IntN(2)
	case chance.IntN(8) == 0:
		assigns = 0
	}

	var deeds []deed
	hours := closes.Sub(opens)
	if hours < time.Minute {
		return nil
	}
	add := func(n int, kind deedKind) {
		for i := range n {
			at := opens.Add(time.Duration(chance.Int64N(int64(hours))))
			if kind == assign {
				// In the morning, and after lunch.
				at = opens.Add(hours/6 + time.Duration(i)*hours/2 + time.Duration(chance.Int64N(int64(hours/8))))
			}
			deeds = append(deeds, deed{at: at, kind: kind, chance: chance.Uint64()})
		}
	}
	add(creates, create)
	add(resolves, resolve)
	add(assigns, assign)
	slices.SortFunc(deeds, func(a, b deed) int { return a.at.Compare(b.at) })
	return deeds
}

// diligence is how readily the workers of the story do what they are given; who is not named does so like most.
var diligence = map[string]float64{
	"worker": 1.1, "worker-2": 0.9, "worker-3": 1.3, "worker-4": 0.35, "worker-5": 1.1, "worker-6": 0.8, "worker-7": 0.55, "worker-8": 1.0,
	ivo: 0.3, juno: 1.3,
}

// Those of the story who are not among the people of every demo.
const (
	ivo  = "ivo-corella"
	juno = "juno-amazon"
)

// storyPeople are the commands that make the two known. Their passwords are those of a demo.
func storyPeople() []*auth.RegisterPerson {
	people := []*auth.RegisterPerson{
		{Login: ivo, Name: "Ivo Corella", Role: domain.Worker},
		{Login: juno, Name: "Juno Amazon", Role: domain.Worker},
	}
	for _, p := range people {
		p.Request = domain.Request{By: auth.System, Key: storyKey(p.Login)}
		p.Email, p.Password = p.Login+"@popug.example", "demo-"+p.Login
	}
	return people
}

// newcomer is the login of the person of the demo who joins only later.
const newcomer = "worker-8"

// storyKey is the idempotency key of something that happens once in the story.
func storyKey(what string) string { return "demo-days-" + what }
