// Package accounting is the company's books: what a task costs and pays, the double-entry ledger, and the business day.
// It learns of tasks and people by events alone. A new command is a file <verb_noun>.go here; what it tells goes into events.go.
package accounting

import "time"

// Books are the rules by which this company's books are kept; they come from configuration and never change while
// the program runs.
type Books struct {
	// Zone is the time zone of the business day.
	Zone *time.Location
	// Unit is the number of minor units in a whole one: 100 for US dollars.
	Unit int64
}
