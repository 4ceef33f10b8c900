package tracker

import (
	"time"

	"github.com/google/uuid"
)

// Producer is the tracker's name in the log.
const Producer = "tracker"

// TaskCreated tells of a new task, Task.Created version 2. JiraID is the id that it has in Jira, empty where it has none. Its first
// assignee follows in a TaskAssigned.
type TaskCreated struct {
	TaskID    uuid.UUID `json:"task_id"`
	Number    int64     `json:"number"`
	JiraID    string    `json:"jira_id,omitempty"`
	Title     string    `json:"title"`
	CreatedBy uuid.UUID `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// EventName is Task.Created.
func (TaskCreated) EventName() string { return "Task.Created" }

// EventVersion is 2.
func (TaskCreated) EventVersion() int { return 2 }

// Producer is the tracker.
func (TaskCreated) Producer() string { return Producer }

// TaskAssigned tells that an open task was drawn for somebody else than it was with, Task.Assigned version 1. Assignment
// counts the assignments of the task from 1; Previous is nil on the first.
type TaskAssigned struct {
	TaskID     uuid.UUID  `json:"task_id"`
	Assignee   uuid.UUID  `json:"assignee"`
	Previous   *uuid.UUID `json:"previous"`
	Assignment int32      `json:"assignment"`
}

// EventName is Task.Assigned.
func (TaskAssigned) EventName() string { return "Task.Assigned" }

// EventVersion is 1.
func (TaskAssigned) EventVersion() int { return 1 }

// Producer is the tracker.
func (TaskAssigned) Producer() string { return Producer }

// TaskResolved tells that a task is resolved for good, Task.Resolved version 1. Assignee is who is paid for it.
type TaskResolved struct {
	TaskID     uuid.UUID `json:"task_id"`
	Assignee   uuid.UUID `json:"assignee"`
	Assignment int32     `json:"assignment"`
	ResolvedBy uuid.UUID `json:"resolved_by"`
	ResolvedAt time.Time `json:"resolved_at"`
}

// EventName is Task.Resolved.
func (TaskResolved) EventName() string { return "Task.Resolved" }

// EventVersion is 1.
func (TaskResolved) EventVersion() int { return 1 }

// Producer is the tracker.
func (TaskResolved) Producer() string { return Producer }

// TasksDrawn tells that all open tasks were drawn anew at once, Tasks.Drawn version 1. Open counts the tasks and Workers the people
// they were drawn from; Reassigned tasks moved, each with a TaskAssigned of the same command, and Kept ones did not.
type TasksDrawn struct {
	DrawID     uuid.UUID `json:"draw_id"`
	DrawnBy    uuid.UUID `json:"drawn_by"`
	DrawnAt    time.Time `json:"drawn_at"`
	Open       int       `json:"open"`
	Workers    int       `json:"workers"`
	Reassigned int       `json:"reassigned"`
	Kept       int       `json:"kept"`
}

// EventName is Tasks.Drawn.
func (TasksDrawn) EventName() string { return "Tasks.Drawn" }

// EventVersion is 1.
func (TasksDrawn) EventVersion() int { return 1 }

// Producer is the tracker.
func (TasksDrawn) Producer() string { return Producer }
