package jobs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ates/domain/accounting"
)

// readModel is what reactions keep for pages to read: tables whose rows the log of events tells, and nothing else, so that they can be
// made anew from it. A new one is a line in readModels.
type readModel struct {
	name string
	// reactions write it, and nobody else does.
	reactions []*reaction
	tables    []modelTable
	// aside are tables that the reactions write too though no event tells what is in them: a rebuild leaves them as they are.
	aside []string
	parts parts
}

// modelTable is one table of a read model. It has a primary key, unless there are sums.
type modelTable struct {
	name string
	// part is the column that says to which part of the model a row belongs; empty where the rows are the doing of several.
	part string
	// sums is a query for what must be the same after a rebuild where the rows need not be.
	sums string
}

// readModels are all of them, in the order in which they are rebuilt. The tables stand in the order in which their reactions lock them.
func readModels() []readModel {
	return []readModel{
		{name: "tasks", reactions: []*reaction{refreshTasks, refreshDraws}, parts: bySubject{},
			tables: []modelTable{
				{name: "tracker.board", part: "task"},
				{name: "tracker.board_counts", sums: "select coalesce(sum(open), 0) as open, coalesce(sum(resolved), 0) as resolved from tracker.board_counts"},
				{name: "tracker.board_words", part: "task"},
				{name: "tracker.history", part: "task"},
				{name: "tracker.draw_shares"},
				{name: "tracker.draws"},
			},
			aside: []string{"tracker.draw_times"}},
		{name: "days", reactions: []*reaction{refreshDailyBalances}, parts: byDay{},
			tables: []modelTable{{name: "accounting.daily_balances", part: "day"}, {name: "accounting.daily_figures", part: "day"}}},
	}
}

// ReadModels are the names of the read models.
func ReadModels() []string {
	var names []string
	for _, m := range readModels() {
		names = append(names, m.name)
	}
	return names
}

// chooseReadModels finds read models by their names; without a name it is all of them.
func chooseReadModels(names []string) ([]readModel, error) {
	if len(names) == 0 {
		return readModels(), nil
	}
	for _, name := range names {
		if !slices.Contains(ReadModels(), name) {
			return nil, fmt.Errorf("there is no read model %q; there are %s", name, strings.Join(ReadModels(), ", "))
		}
	}
	return slices.DeleteFunc(readModels(), func(m readModel) bool { return !slices.Contains(names, m.name) }), nil
}

// readModelFlow is the flow for those who only look for what read models react to.
func readModelFlow() flow { return newFlow(accounting.Books{}, accounting.InBooks{}, false) }

// events are the names of the events that a read model is made from.
func (m readModel) events(f flow) []string {
	var names []string
	for _, rule := range f {
		if slices.ContainsFunc(m.reactions, func(r *reaction) bool { return slices.Contains(rule.then, r) }) {
			names = append(names, rule.on.EventName())
		}
	}
	return names
}

// kinds are the kinds of the jobs that write a read model.
func (m readModel) kinds() []string {
	kinds := make([]string, len(m.reactions))
	for i, r := range m.reactions {
		kinds[i] = r.kind
	}
	return kinds
}

// names are the tables of a read model, as SQL names them.
func (m readModel) names() []string {
	names := make([]string, len(m.tables))
	for i, t := range m.tables {
		names[i] = t.name
	}
	return names
}

// written are the tables that the reactions of a read model write.
func (m readModel) written() []string { return slices.Concat(m.names(), m.aside) }

// schemas are those of the tables.
func (m readModel) schemas() []string {
	var schemas []string
	for _, name := range m.written() {
		schema, _, _ := strings.Cut(name, ".")
		schemas = append(schemas, schema)
	}
	slices.Sort(schemas)
	return slices.Compact(schemas)
}

// The tables of a rebuild stand in schemas beside those of the tables in use, under the same names. What has been replaced waits in
// another one to be dropped.
const (
	rebuiltSuffix  = "_rebuilt"
	replacedSuffix = "_replaced"
)

// beside is the name of a table or function in the schema beside its own.
func beside(name, suffix string) string {
	schema, rest, _ := strings.Cut(name, ".")
	return schema + suffix + "." + rest
}

// redirection changes SQL so that it means the tables and functions beside those of the names.
func redirection(names []string) func(sql string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	pattern := regexp.MustCompile(`\b(?:` + strings.Join(quoted, "|") + `)\b`)
	return func(sql string) string {
		return pattern.ReplaceAllStringFunc(sql, func(name string) string { return beside(name, rebuiltSuffix) })
	}
}
