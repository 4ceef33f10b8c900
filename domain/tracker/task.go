package tracker

import "ates/domain"

// The statuses of a task.
const (
	Open     = "open"
	Resolved = "resolved"
)

// MayResolve reports whether somebody may resolve a task that is with assignee: Workers their own, everybody else any.
func MayResolve(by domain.Actor, assignee [16]byte) bool {
	return by.ID == assignee || by.Is(domain.Manager, domain.Admin, domain.TopManager)
}

// MayAssign reports whether somebody may have all open tasks drawn anew.
func MayAssign(by domain.Actor) bool { return by.Is(domain.Manager, domain.Admin) }

// errNoWorkers refuses a draw that nobody could win.
func errNoWorkers() error {
	return &domain.Refusal{Kind: domain.Conflict, Code: "task.no_workers",
		Message: "There is no active worker to give tasks to. Ask an admin to add or reactivate one; nothing has changed."}
}
