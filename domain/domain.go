// Package domain holds the few types that every bounded context shares: what a command is, what an event is, who asks,
// and how a command refuses. It knows no context, no HTTP and no queue. The contexts live in the folders below it.
package domain

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Command is a change that somebody, or some event, asks for. Handle changes the rows of its own context and returns
// what happened. It never commits: whoever runs it (jobs.Bus) appends the events, enqueues the jobs they cause and
// commits all three together. An error of any kind, a *Refusal included, means that nothing happened.
type Command interface {
	Handle(ctx context.Context, tx Tx) ([]Event, error)
}

// Tx is the transaction a command works in, with the one moment at which all of it happens.
type Tx struct {
	pgx.Tx
	// Now is the time of the program's clock when the transaction began, in UTC. It is the only time a command may record.
	Now time.Time
}

// Request says who asks for a command and under which idempotency key. Commands that come from people embed it.
type Request struct {
	By Actor `json:"by"`
	// Key makes a command act once however often it is sent: the same actor, command and key get the first answer
	// again. Empty means that every sending is a new command.
	Key string `json:"key"`
}

// Requested returns the request itself; it is what makes a command that embeds Request a RequestedCommand.
func (r Request) Requested() Request { return r }

// RequestedCommand is a command that a person asked for. What it has to answer, beyond its events, it keeps in exported
// fields of its own, so that the answer can be recorded with the key and given again. It must be a pointer.
type RequestedCommand interface {
	Command
	Requested() Request
}

// JointCommand is a RequestedCommand of which several that are asked for at the same moment can share a transaction, which costs little
// more than one.
type JointCommand interface {
	RequestedCommand
	// HandleJointly handles several commands of this type, of which this one is the first, as if each were handled on its own, and returns
	// the events of each, in their order. An error, also a *Refusal of one of them, means that nothing happened; then each is handled alone.
	HandleJointly(ctx context.Context, tx Tx, all []RequestedCommand) ([][]Event, error)
}

// Announcer is a command after which open pages have to look again at once, whatever the jobs of its events do and when.
type Announcer interface {
	Command
	// Topics are what they have to look at.
	Topics() []string
}

// EventData is what an event tells: one struct per event and version, encoded as JSON.
type EventData interface {
	// EventName is the name on the wire, such as "Task.Assigned".
	EventName() string
	// EventVersion is the version of the shape of the data, counted from 1.
	EventVersion() int
	// Producer is the context that tells it, such as "tracker".
	Producer() string
}

// Event is something that happened in a context, as the command that did it returns it.
type Event struct {
	Data EventData
	// Subject is the thing it happened to, and Version the number of this event among all events that this context tells
	// of that subject, counted from 1 without gaps. The log refuses the same (producer, subject, version) twice.
	Subject uuid.UUID
	Version int64
	// Cause is the event this one was a reaction to; nil when a person's command caused it.
	Cause *Envelope
}

// Envelope is an event as it stands in the log.
type Envelope struct {
	// Position is the place in the log. It grows, with gaps, and is not the order of commits.
	Position       int64
	ID             uuid.UUID
	Name           string
	Version        int
	OccurredAt     time.Time
	Producer       string
	Subject        uuid.UUID
	SubjectVersion int64
	// Actor is the person at the beginning of the chain; nil when the clock or the program itself was.
	Actor *uuid.UUID
	// CorrelationID is the command at the beginning of the chain, CausationID the command or event just before this one.
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	Data          json.RawMessage
}

// Role is what a person may do; one person has one role.
type Role string

// The roles of the company.
const (
	Worker     Role = "worker"
	Manager    Role = "manager"
	Admin      Role = "admin"
	TopManager Role = "top-manager"
)

// Roles lists every role, in the order in which people are shown them.
func Roles() []Role { return []Role{Worker, Manager, Admin, TopManager} }

// Actor is the person who asks for something.
type Actor struct {
	ID   uuid.UUID `json:"id"`
	Role Role      `json:"role"`
}

// Is reports whether the actor has one of the roles.
func (a Actor) Is(roles ...Role) bool {
	for _, r := range roles {
		if a.Role == r {
			return true
		}
	}
	return false
}

// Kind sorts refusals by what the person can do about them.
type Kind int

// The kinds of refusal.
const (
	Invalid   Kind = iota + 1 // what was sent cannot be right; correct it and send again
	NotFound                  // there is no such thing
	Forbidden                 // this person may not do this
	Conflict                  // it was right once, but something else happened first
	TooSoon                   // it may be right, but not yet; wait and send again
)

// Refusal is what a person may not do, as against a fault, which is what went wrong. It leaves no trace in the database.
type Refusal struct {
	Kind Kind
	// Code names the reason for programs and for translation, such as "task.resolved_already".
	Code string
	// Field is the input at fault, when there is one.
	Field string
	// Message is the reason in plain English: what is the matter and what to do.
	Message string
	// Details are the values a translation of the message needs, by name.
	Details map[string]any
	// RetryAfter is how long to wait before sending again, when that is the remedy.
	RetryAfter time.Duration
}

func (r *Refusal) Error() string { return r.Message }
