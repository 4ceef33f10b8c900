package main

import (
	"fmt"
	"time"
)

// benchSize is how much of everything there is in a benchmark.
type benchSize struct {
	Rounds    int           `name:"rounds" default:"5" help:"How often everything is measured, the program and its ceiling in turn."`
	Busy      bool          `name:"busy" help:"Measure although the machine is busy with something else, which is then noted below the results."`
	Workers   int           `name:"workers" default:"10000" help:"Workers of the company."`
	Entries   int           `name:"entries" default:"100000" help:"Ledger entries of its business day, about."`
	Kills     int           `name:"kills" default:"20" help:"How often a process is killed."`
	Times     int           `name:"times" default:"10" help:"How often the primary is killed; it is lost in each other way a third as often."`
	Processes int           `name:"processes" default:"1" help:"How many processes work side by side."`
	DaysOff   int           `name:"days-off" default:"1" help:"How many days are overdue where processes are killed."`
	During    time.Duration `name:"during" default:"5m" help:"How long people work in chaos and during upgrades."`
	From      string        `name:"from" placeholder:"COMMIT" help:"The program that is upgraded: a commit of the clone that this is run in, or a program's path (default: the newest commit whose database has fewer steps)."`
	People    int           `name:"people" default:"300" help:"How many people work meanwhile."`
	Tasks     int           `name:"tasks" default:"100000" help:"Tasks of the company whose pages are looked at."`
	Ledger    int           `name:"ledger" default:"1000000" help:"Entries in the ledger of that company, about."`
	Staff     int           `name:"staff" default:"200" help:"Workers of that company."`
	Requests  int           `name:"requests" default:"60" help:"How often each page is asked for."`
	Commands  int           `name:"commands" default:"3000" help:"How many commands people send in a round."`
	Clients   int           `name:"clients" default:"64" help:"How many people send them at the same time."`
	Backlog   int           `name:"backlog" default:"200000" help:"How many events wait to be booked."`
	Clicks    int           `name:"clicks" default:"100" help:"How many clicks are followed to the pages in a round."`
	Crew      int           `name:"crew" default:"1000" help:"Workers among whom open tasks are drawn and whose wallets are booked."`
	Open      []int         `name:"open" default:"1000,10000,100000" help:"How many open tasks are drawn at once."`
	Streams   int           `name:"streams" default:"10000" help:"How many pages are open."`
	Events    int           `name:"events" default:"1000000" help:"Events of the log from which read models are made, about."`
	Shortest  int           `name:"growth-from" default:"10000" help:"Events of the shortest books, about."`
	Longest   int           `name:"growth-to" default:"1000000" help:"Events of the longest books, about; those between are a hundred, a thousand times the shortest, and so on."`
}

// check refuses sizes with which there is nothing to measure.
func (s benchSize) check() error {
	sizes := map[string]int{"rounds": s.Rounds, "workers": s.Workers, "entries": s.Entries, "kills": s.Kills, "times": s.Times, "processes": s.Processes, "days-off": s.DaysOff,
		"people": s.People, "tasks": s.Tasks, "ledger": s.Ledger, "staff": s.Staff, "requests": s.Requests, "commands": s.Commands, "clients": s.Clients,
		"backlog": s.Backlog, "clicks": s.Clicks, "crew": s.Crew, "streams": s.Streams, "events": s.Events, "growth-from": s.Shortest, "growth-to": s.Longest}
	for _, n := range s.Open {
		sizes["open"] = min(n, max(1, sizes["open"]))
	}
	for name, n := range sizes {
		if n < 1 {
			return fmt.Errorf("--%s is %d; use 1 or more", name, n)
		}
	}
	return nil
}
