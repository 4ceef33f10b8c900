package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"ates/domain/auth"
	"ates/views"
)

// secretFact are names whose values are not shown whatever they are. No command keeps such a value; this is the second lock.
var secretFact = regexp.MustCompile(`(?i)password|secret|token|hash|credential`)

// moneyFacts are the names of amounts, in minor units.
var moneyFacts = []string{"amount", "balance", "carried_over", "fee", "fees", "money_diff", "opening", "payout", "reward", "rewards"}

// lengthOfFact is how many characters of a value are shown.
const lengthOfFact = 160

// readFacts are the values of a command or an event, by their names, without who asked and the key, which have places of their own.
func readFacts(ctx context.Context, data json.RawMessage) []views.Fact {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		return nil
	}
	var all []views.Fact
	for name, value := range values {
		text := factText(ctx, name, value)
		if name != "by" && name != "key" && text != "" {
			all = append(all, views.Fact{Name: name, Value: text})
		}
	}
	slices.SortFunc(all, func(a, b views.Fact) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// factText is a value as it is shown; nothing where there is none.
func factText(ctx context.Context, name string, value any) string {
	var text string
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		if text = v; v == uuid.Nil.String() {
			return ""
		}
	case json.Number:
		text = v.String()
		if n, err := v.Int64(); err == nil && slices.Contains(moneyFacts, name) {
			text = views.Money(ctx, n)
		}
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		text = string(encoded)
	}
	if text != "" && secretFact.MatchString(name) {
		return "•••"
	}
	if runes := []rune(text); len(runes) > lengthOfFact {
		text = string(runes[:lengthOfFact-1]) + "…"
	}
	return text
}

// askedFacts are the values that a command was asked. What it answers has places among them, which are empty as yet.
func askedFacts(ctx context.Context, data json.RawMessage) []views.Fact {
	return slices.DeleteFunc(readFacts(ctx, data), func(fact views.Fact) bool { return fact.Value == "0" })
}

// answersOf are the facts of an answer that were not asked.
func answersOf(answer, asked []views.Fact) []views.Fact {
	return slices.DeleteFunc(answer, func(fact views.Fact) bool { return slices.Contains(asked, fact) })
}

// people are what those are called whom some facts may name, by their ids.
type people map[uuid.UUID]string

func (p people) add(id uuid.UUID) { p[id] = "" }

// addOf adds every id among the values.
func (p people) addOf(lists ...[]views.Fact) {
	for _, facts := range lists {
		for _, fact := range facts {
			if id, err := uuid.Parse(fact.Value); err == nil {
				p.add(id)
			}
		}
	}
}

// replace puts names in the places of ids.
func (p people) replace(lists ...[]views.Fact) {
	for _, facts := range lists {
		for i, fact := range facts {
			if id, err := uuid.Parse(fact.Value); err == nil && p[id] != "" {
				facts[i].Value = p[id]
			}
		}
	}
}

// person is who has an id; nobody where that is the clock's, and without a name where it is the program's.
func (p people) person(id uuid.UUID) views.Person {
	if id == uuid.Nil {
		return views.Person{}
	}
	if id == auth.System.ID {
		return views.Person{ID: id.String()}
	}
	return views.Person{ID: id.String(), Name: p[id]}
}

// namePeople finds out what people are called.
func (h *Handlers) namePeople(ctx context.Context, of people) error {
	ids := make([]uuid.UUID, 0, len(of))
	for id := range of {
		ids = append(ids, id)
	}
	rows, err := h.queries.NamePeople(ctx, ids)
	if err != nil {
		return fmt.Errorf("name people: %w", err)
	}
	for _, row := range rows {
		of[row.ID] = row.Name
	}
	return nil
}
