package auth

import (
	"github.com/google/uuid"

	"ates/domain"
)

// Producer is the Auth-Service's name in the log.
const Producer = "auth"

// User is all that the other services may know of a person. Every event carries the whole of it, so a consumer that
// keeps the highest Version it has seen is right in whatever order events arrive.
type User struct {
	ID      uuid.UUID   `json:"id"`
	Name    string      `json:"name"`
	Email   string      `json:"email"`
	Role    domain.Role `json:"role"`
	Status  Status      `json:"status"`
	Version int64       `json:"version"`
}

// UserRegistered tells that a person has become known.
type UserRegistered struct{ User }

// UserUpdated tells that a person's name or email is another.
type UserUpdated struct{ User }

// UserRoleChanged tells that a person has another role.
type UserRoleChanged struct{ User }

// UserDeactivated tells that a person can no longer sign in or be given work.
type UserDeactivated struct{ User }

// UserReactivated tells that a person can sign in again.
type UserReactivated struct{ User }

// EventName is User.Registered.
func (UserRegistered) EventName() string { return "User.Registered" }

// EventName is User.Updated.
func (UserUpdated) EventName() string { return "User.Updated" }

// EventName is User.RoleChanged.
func (UserRoleChanged) EventName() string { return "User.RoleChanged" }

// EventName is User.Deactivated.
func (UserDeactivated) EventName() string { return "User.Deactivated" }

// EventName is User.Reactivated.
func (UserReactivated) EventName() string { return "User.Reactivated" }

// EventVersion is the version of the shape that all events about a person share.
func (User) EventVersion() int { return 1 }

// Producer is the Auth-Service.
func (User) Producer() string { return Producer }

// Whole is all that an event about a person tells.
func (u User) Whole() User { return u }

// Active reports whether the person may sign in and be given work.
func (u User) Active() bool { return u.Status == Active }

func (p Person) user() User {
	return User{ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role, Status: p.Status, Version: p.Version}
}

// tell returns the one event that a change of a person is.
func (u User) tell(data domain.EventData) []domain.Event {
	return []domain.Event{{Data: data, Subject: u.ID, Version: u.Version}}
}
