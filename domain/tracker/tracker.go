// Package tracker is the Task Tracker: tasks, their random assignment and their resolution. It knows what a task is and
// who may do what with it, and nothing of money. A new command is a file <verb_noun>.go here; what it tells goes into events.go.
package tracker
