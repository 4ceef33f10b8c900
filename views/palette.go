package views

import (
	"context"
	"strings"

	"github.com/a-h/templ"
)

// PaletteData is what the palette has found besides pages and actions, which a Viewer has by their role.
type PaletteData struct {
	// Query is what was searched for; without one all pages and actions are there.
	Query string
	Tasks []TaskRow
	// People are those that an Admin finds.
	People []PersonRow
	// MayAssign offers AssignTasks.
	MayAssign bool
}

// paletteItem is something to go to or to do.
type paletteItem struct {
	id, icon, label, detail string
	href                    string
	// whole pages are loaded whole; what asks, asks in a dialog, with the element of its page that asks.
	whole bool
	asks  string
	// action is where a form with one field is sent instead.
	action, field, value string
}

// paletteGroup is a part of what the palette shows.
type paletteGroup struct {
	id, title string
	items     []paletteItem
}

// groups are what the palette shows to the viewer: only what they may open.
func (d PaletteData) groups(ctx context.Context, p Page) (groups []paletteGroup) {
	tasks := paletteGroup{id: "tasks", title: T(ctx, "palette.tasks")}
	for _, task := range d.Tasks {
		tasks.items = append(tasks.items, paletteItem{
			id: "task-" + task.ID, icon: statusIcon(task.Status), label: task.Description,
			detail: withJiraID(task.JiraID, taskName(task.Number)+" · "+T(ctx, "status."+task.Status)), href: task.address(),
		})
	}
	people := paletteGroup{id: "people", title: T(ctx, "palette.people")}
	for _, person := range d.People {
		people.items = append(people.items, paletteItem{
			id: "person-" + person.ID, icon: "person", label: person.Name, detail: roleName(ctx, person.Role), href: "/people/" + person.ID,
		})
	}
	for _, group := range []paletteGroup{tasks, d.pages(ctx, p), d.actions(ctx, p), people} {
		if len(group.items) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// fits reports whether every word searched for begins a word of a text.
func (d PaletteData) fits(texts ...string) bool {
	words := strings.Fields(strings.ToLower(strings.Join(texts, " ")))
	for _, searched := range strings.Fields(strings.ToLower(d.Query)) {
		found := false
		for _, word := range words {
			found = found || strings.HasPrefix(word, searched)
		}
		if !found {
			return false
		}
	}
	return true
}

// pages are those of the menu and the viewer's own.
func (d PaletteData) pages(ctx context.Context, p Page) paletteGroup {
	group := paletteGroup{id: "pages", title: T(ctx, "palette.pages")}
	for _, item := range p.Viewer.navigation() {
		group.add(d, paletteItem{id: "page-" + item.title[len("nav."):], icon: "page", label: T(ctx, item.title), href: item.path, whole: item.foreign})
	}
	group.add(d, paletteItem{id: "page-sessions", icon: "devices", label: T(ctx, "personal.sessions"), href: "/sessions"})
	if p.SignsInHere {
		group.add(d, paletteItem{id: "page-passkeys", icon: "key", label: T(ctx, "personal.passkeys"), href: "/auth/passkeys", whole: true})
	}
	return group
}

// actions are what can be done from everywhere.
func (d PaletteData) actions(ctx context.Context, p Page) paletteGroup {
	group := paletteGroup{id: "actions", title: T(ctx, "palette.actions")}
	group.add(d, paletteItem{id: "do-create", icon: "plus", label: T(ctx, "new_task.label"), href: "/tasks/new", asks: "#new-task"})
	if d.MayAssign {
		group.add(d, paletteItem{id: "do-assign", icon: "shuffle", label: T(ctx, "assign.open"), href: "/tasks/assign", asks: "#assign"})
	}
	for _, theme := range []Option{{"", T(ctx, "theme.system")}, {"light", T(ctx, "theme.light")}, {"dark", T(ctx, "theme.dark")}} {
		if theme.Value != p.Theme {
			group.add(d, paletteItem{
				id: "do-theme-" + theme.Value, icon: "sliders", label: T(ctx, "theme.label") + ": " + theme.Label,
				action: "/preferences", field: "theme", value: theme.Value,
			})
		}
	}
	for _, language := range []Option{{"en", "English"}, {"ru", "Русский"}} {
		if language.Value != speakerFrom(ctx).Language {
			group.add(d, paletteItem{
				id: "do-language-" + language.Value, icon: "sliders", label: T(ctx, "language.label") + ": " + language.Label,
				action: "/preferences", field: "lang", value: language.Value,
			})
		}
	}
	group.add(d, paletteItem{id: "do-leave", icon: "leave", label: T(ctx, "personal.sign_out"), action: "/logout"})
	return group
}

// add adds an item if it fits what is searched for.
func (g *paletteGroup) add(d PaletteData, item paletteItem) {
	if d.fits(item.label) {
		g.items = append(g.items, item)
	}
}

// optionAttributes make an item an option of a list box, in which the keyboard does not go from one to the next.
func optionAttributes(item paletteItem, option bool) templ.Attributes {
	if !option {
		return templ.Attributes{}
	}
	return templ.Attributes{"id": "palette-" + item.id, "role": "option", "aria-selected": "false", "tabindex": "-1"}
}

func countItems(groups []paletteGroup) (n int) {
	for _, group := range groups {
		n += len(group.items)
	}
	return n
}

func statusIcon(status string) string {
	if status == StatusResolved {
		return "check"
	}
	return "ring"
}
