// Package views is everything people see: one templ file per family of pages, each starting with the struct it shows. A
// view knows no database and decides no right; it is told what to show and which buttons are allowed. Words come from
// locales/, amounts and times are written the way of the Locale in the context.
//
// A new page is a file with its struct and its component, which wraps itself in Layout; its words in both files of
// locales/; its place in navigation below, if it has one; and its samples in storybook_test.go. A part of a page that is
// to follow what happens elsewhere is wrapped in live.
package views

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ates/domain"
)

// Page is what every page has around its own content.
type Page struct {
	// Title names the page. Every view sets its own, so a handler leaves it empty.
	Title string
	// Path is the address that was asked for, with its query.
	Path string
	// Viewer is who looks; nil when nobody is signed in.
	Viewer *Viewer
	// Cursor is the place in the log of changes up to which this page is fresh. The event stream continues from there.
	Cursor string
	// Unread is what the viewer has not read.
	Unread UnreadCount
	// Flash tells what the previous request did.
	Flash *Flash
	// SignsInHere says that the embedded Auth-Service signs people in, so that they have passwords and passkeys here.
	SignsInHere bool
	// Theme is "light", "dark", or empty to follow the browser.
	Theme string
	// Density is "compact", or empty for the usual room between lines.
	Density string
	// Now is the time of the program's clock, from which relative times are reckoned.
	Now time.Time
	// RequestID is what the logs know this request by.
	RequestID string
	// Version is the program's.
	Version string
}

// Viewer is the person who looks at a page.
type Viewer struct {
	ID, Login, Name string
	Role            domain.Role
}

// Person is somebody whom a page mentions.
type Person struct {
	ID, Name string
}

// Flash is a message about what the previous request did.
type Flash struct {
	Kind FlashKind
	Text string
	// Href and LinkText lead to what the message is about, when there is such a place.
	Href, LinkText string
}

// FlashKind is how a Flash looks.
type FlashKind string

// The kinds of Flash. An error stays until the page is left; the others go away by themselves.
const (
	FlashDone  FlashKind = "done"
	FlashNote  FlashKind = "note"
	FlashError FlashKind = "error"
)

// Option is one choice of a list.
type Option struct {
	Value, Label string
}

// titled returns the page under a title, for a view to hand to Layout.
func (p Page) titled(title string) Page {
	p.Title = title
	return p
}

// topic is what a live element of the viewer's own listens to, such as "mine/<viewer>".
func (p Page) topic(kind string) string {
	if p.Viewer == nil {
		return kind
	}
	return kind + "/" + p.Viewer.ID
}

// navigation is the main menu: who sees which page. A page that does not exist yet has no place here. The keys lead to the pages
// after a "g".
var navigation = []navigationItem{
	{path: "/tasks", title: "nav.tasks", key: "b", roles: domain.Roles()},
	{path: "/tasks/mine", title: "nav.mine", key: "m", roles: []domain.Role{domain.Worker}},
	{path: "/balance", title: "nav.balance", key: "w", roles: []domain.Role{domain.Worker}},
	{path: "/accounting", title: "nav.accounting", key: "a", roles: []domain.Role{domain.Manager, domain.TopManager}},
	{path: "/analytics", title: "nav.analytics", key: "y", roles: []domain.Role{domain.TopManager}},
	{path: "/audit", title: "nav.audit", key: "l", roles: []domain.Role{domain.Worker, domain.Manager, domain.TopManager}},
	{path: "/people", title: "nav.people", key: "p", roles: []domain.Role{domain.Admin}},
	{path: "/ops", title: "nav.ops", key: "o", roles: []domain.Role{domain.Admin}},
	{path: "/ops/mail", title: "nav.mail", key: "e", roles: []domain.Role{domain.Admin}},
	{path: "/ops/jobs/", title: "nav.jobs", key: "j", roles: []domain.Role{domain.Admin}, foreign: true},
}

type navigationItem struct {
	path, title string
	// key is the letter after "g" that leads there; empty where none does.
	key   string
	roles []domain.Role
	// foreign pages have a layout of their own and are loaded whole.
	foreign bool
}

// navigation are the items of the menu that the viewer has.
func (v Viewer) navigation() (items []navigationItem) {
	for _, item := range navigation {
		if slices.Contains(item.roles, v.Role) {
			items = append(items, item)
		}
	}
	return items
}

// current returns the path of the menu item that a page belongs to: the longest that its address lies under. static/navigation.js
// does the same after a page has been changed without a reload.
func (p Page) current() string {
	here, _, _ := strings.Cut(p.Path, "?")
	best := ""
	for _, item := range navigation {
		under := strings.HasPrefix(strings.TrimSuffix(here, "/")+"/", strings.TrimSuffix(item.path, "/")+"/")
		if under && len(item.path) > len(best) {
			best = item.path
		}
	}
	return best
}

// taskName is how people call a task.
func taskName(number int) string { return fmt.Sprintf("T-%d", number) }

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	letters := string([]rune(words[0])[:1])
	if len(words) > 1 {
		letters += string([]rune(words[len(words)-1])[:1])
	}
	return strings.ToUpper(letters)
}

// hue gives a person one of the eight colours of app.css, always the same.
func hue(id string) string {
	var sum uint32
	for _, b := range []byte(id) {
		sum = sum*31 + uint32(b)
	}
	return fmt.Sprintf("hue-%d", sum%8)
}

// roleName is what a role is called.
func roleName(ctx context.Context, role domain.Role) string {
	return T(ctx, "role."+string(role))
}

// moment is the time of the program's clock, or the time of this machine's where nobody has said.
func (p Page) moment() time.Time {
	if p.Now.IsZero() {
		return time.Now()
	}
	return p.Now
}

// dayID names a business day in an element's id.
func dayID(ctx context.Context, t time.Time) string {
	return t.In(speakerFrom(ctx).Zone).Format(time.DateOnly)
}

// seconds rounds up, so that nobody is told to come back too early.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}

func flashRole(kind FlashKind) string {
	if kind == FlashError {
		return "alert"
	}
	return "status"
}

func flashIcon(kind FlashKind) string {
	switch kind {
	case FlashDone:
		return "check"
	case FlashError:
		return "warning"
	default:
		return "info"
	}
}
