package jobs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/auth"
	"ates/domain/tracker"
)

// logged is an event as it stood in the log of a program of its time.
type logged struct {
	Position       int64           `json:"position"`
	ID             uuid.UUID       `json:"id"`
	Name           string          `json:"name"`
	Version        int             `json:"version"`
	OccurredAt     time.Time       `json:"occurred_at"`
	Producer       string          `json:"producer"`
	Subject        uuid.UUID       `json:"subject"`
	SubjectVersion int64           `json:"subject_version"`
	Actor          *uuid.UUID      `json:"actor"`
	CorrelationID  uuid.UUID       `json:"correlation_id"`
	CausationID    uuid.UUID       `json:"causation_id"`
	Data           json.RawMessage `json:"data"`
}

// toldThen are events of a version, as a program of its time told them.
func toldThen(t testing.TB, producer, name string, version int) []domain.Envelope {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "domain", producer, "testdata", "events", fmt.Sprintf("%s.v%d.json", name, version)))
	require.NoError(t, err, "events of every version that has landed are kept, as a program told them")
	var events []logged
	require.NoError(t, json.Unmarshal(text, &events))
	require.NotEmpty(t, events)
	told := make([]domain.Envelope, len(events))
	for i, e := range events {
		require.Equal(t, []any{producer, name, version}, []any{e.Producer, e.Name, e.Version})
		told[i] = domain.Envelope(e)
	}
	return told
}

// aboutToBeTold is an event as the bus is about to tell it.
func aboutToBeTold(t testing.TB, e domain.EventData) []domain.Envelope {
	t.Helper()
	data, err := json.Marshal(e)
	require.NoError(t, err)
	return []domain.Envelope{{Name: e.EventName(), Version: e.EventVersion(), Producer: e.Producer(), Data: data}}
}

// producers are all contexts that tell events.
func producers() []string { return []string{auth.Producer, tracker.Producer, accounting.Producer} }

// Events of every version that has landed are in somebody's log.
func TestEveryEventThatWasEverToldIsStillRead(t *testing.T) {
	t.Parallel()
	flow := theFlow()
	for _, producer := range producers() {
		c, err := contractOf(producer)
		require.NoError(t, err)
		for name, versions := range c.Events() {
			for _, version := range versions {
				for _, e := range toldThen(t, producer, name, version) {
					require.NoError(t, check(e))
					today, err := open[domain.EventData](e)
					require.NoError(t, err)
					require.Equal(t, name, today.EventName())
					require.GreaterOrEqual(t, today.EventVersion(), version)
					if today.EventVersion() == version {
						again := aboutToBeTold(t, today)
						require.NoError(t, checkTold(again))
						require.JSONEq(t, string(e.Data), string(again[0].Data), "nothing of it is left out")
					}
					for _, r := range flow.reactions() {
						if flow.reacts(r, name) {
							_, err := flow.commandFor(r, []domain.Envelope{e})
							require.NoError(t, err, "%s reacts to %s version %d", r.kind, name, version)
						}
					}
				}
			}
		}
	}
}

func TestEveryEventThatIsToldHasASchema(t *testing.T) {
	t.Parallel()
	told := map[string]int{}
	for _, rule := range theFlow() {
		c, err := contractOf(rule.on.Producer())
		require.NoError(t, err)
		versions := c.Events()[rule.on.EventName()]
		require.NotEmpty(t, versions, rule.on.EventName())
		require.Equal(t, rule.on.EventVersion(), slices.Max(versions), "the newest version of %s is told", rule.on.EventName())
		for i, version := range versions {
			require.Equal(t, i+1, version, "%s has a schema for each version", rule.on.EventName())
		}
		told[rule.on.Producer()]++
	}
	for _, producer := range producers() {
		c, err := contractOf(producer)
		require.NoError(t, err)
		require.Len(t, c.Events(), told[producer], "%s has schemas of events that it does not tell", producer)
	}
}

// Some SQL reads the log by itself: the parts of read models, and what verifications compare.
func TestWhatSQLReadsOfEventsIsInEveryVersion(t *testing.T) {
	t.Parallel()
	reads := map[string][]string{
		"Task.Assigned": {"assignee", "previous", "assignment"}, "Task.Resolved": {"assignee", "resolved_by"}, "Task.Priced": {"fee", "reward"},
	}
	for _, name := range []string{"User.Registered", "User.Updated", "User.RoleChanged", "User.Deactivated", "User.Reactivated"} {
		reads[name] = []string{"role", "status"}
	}
	for _, m := range readModels() {
		if _, byDay := m.parts.(byDay); byDay {
			for _, name := range m.events(readModelFlow()) {
				reads[name] = append(reads[name], "day")
			}
		}
	}
	require.Len(t, reads, 12)
	for name, properties := range reads {
		paths, err := filepath.Glob("../domain/*/schemas/" + name + ".v*.json")
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			var schema struct{ Required []string }
			require.NoError(t, json.Unmarshal(text, &schema))
			require.Subset(t, schema.Required, properties, path)
		}
	}
}

func TestWhatBreaksASchemaIsNotTold(t *testing.T) {
	t.Parallel()
	task, worker := uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		event  domain.EventData
		reason string
	}{
		"a fee out of range":        {accounting.TaskPriced{TaskID: task, Fee: 9, Reward: 20}, "tell Task.Priced of 00000000-0000-0000-0000-000000000000: it breaks the schema Task.Priced.v1: fee: minimum: got 9, want 10"},
		"no such kind":              {accounting.BalanceChanged{UserID: worker, Kind: "bonus", Assignment: 1, TaskID: task, Day: "2026-03-01"}, "kind: value must be one of 'fee', 'reward'"},
		"no such day":               {accounting.DayClosed{Day: "2026-02-30"}, "day: '2026-02-30' is not valid date"},
		"a debt that is positive":   {accounting.BalanceReset{UserID: worker, Day: "2026-03-01", CarriedOver: 1}, "carried_over: maximum: got 1, want 0"},
		"nobody's assignment":       {tracker.TaskAssigned{TaskID: task, Assignee: worker}, "assignment: minimum: got 0, want 1"},
		"what no schema describes":  {unschemed{accounting.DayClosed{Day: "2026-03-01"}, "Day.Reopened", 1}, "Day.Reopened.v1 is not known to this version of the program"},
		"a version from the future": {unschemed{accounting.DayClosed{Day: "2026-03-01"}, "Day.Closed", 2}, "Day.Closed.v2 is not known to this version of the program"},
		"more than is described":    {wordy{accounting.DayClosed{Day: "2026-03-01"}, "at last"}, "additional properties 'Note' not allowed"},
	} {
		require.ErrorContains(t, checkTold(aboutToBeTold(t, c.event)), c.reason, name)
	}
	require.ErrorContains(t, checkTold(aboutToBeTold(t, stranger{})), `told by "weather", whom this version of the program does not know`)
}

// unschemed is an event under another name or version.
type unschemed struct {
	accounting.DayClosed
	name    string
	version int
}

func (u unschemed) EventName() string { return u.name }
func (u unschemed) EventVersion() int { return u.version }

// wordy is an event that tells more than its schema says.
type wordy struct {
	accounting.DayClosed
	Note string
}

// stranger is an event of a context that there is not.
type stranger struct{ accounting.DayClosed }

func (stranger) Producer() string { return "weather" }

func TestNewerProgramsMayTellMore(t *testing.T) {
	t.Parallel()
	e := toldThen(t, accounting.Producer, "Task.Priced", 1)[0]
	e.Data = json.RawMessage(strings.Replace(string(e.Data), "{", `{"bonus": {"amount": 1}, `, 1))
	require.NoError(t, check(e))
	priced, err := open[accounting.TaskPriced](e)
	require.NoError(t, err)
	require.NotZero(t, priced.Fee)
}

func TestAnEventThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	assigned := func(change func(*domain.Envelope)) domain.Envelope {
		e := toldThen(t, tracker.Producer, "Task.Assigned", 1)[0]
		change(&e)
		return e
	}
	with := func(was, is string) domain.Envelope {
		return assigned(func(e *domain.Envelope) {
			require.Contains(t, string(e.Data), was)
			e.Data = json.RawMessage(strings.Replace(string(e.Data), was, is, 1))
		})
	}
	flow := theFlow()
	reactions := flow.reactions()
	withdraw := reactions[slices.IndexFunc(reactions, func(r *reaction) bool { return r.kind == withdrawMoneyKind })]
	for reason, e := range map[string]domain.Envelope{
		"Task.Assigned.v99 is not known to this version of the program":           assigned(func(e *domain.Envelope) { e.Version = 99 }),
		"withdraw_money does not react to it in this version of the program":      assigned(func(e *domain.Envelope) { e.Name = "Task.Reopened" }),
		`it is told by "weather", whom this version of the program does not know`: assigned(func(e *domain.Envelope) { e.Producer = "weather" }),
		"it is no JSON": assigned(func(e *domain.Envelope) { e.Data = json.RawMessage(`{`) }),
		"it breaks the schema Task.Assigned.v1: got array, want object": assigned(func(e *domain.Envelope) { e.Data = json.RawMessage(`[]`) }),
		"missing property 'assignee'":                                   with(`"assignee"`, `"worker"`),
		"assignee: 'x":                                                  with(`"assignee": "`, `"assignee": "x`),
		"assignment: got string, want integer":                          with(`"assignment": 1`, `"assignment": "1"`),
	} {
		_, err := flow.commandFor(withdraw, []domain.Envelope{e})
		var bad *badEvent
		require.ErrorAs(t, err, &bad, reason)
		require.ErrorContains(t, err, reason)
		require.ErrorContains(t, err, fmt.Sprintf("event %s (%s version %d at position %d) cannot be read: ", e.ID, e.Name, e.Version, e.Position))
	}
}

// What is told is checked once, and what is read once for each reaction; a draw may tell a hundred thousand.
func BenchmarkCheckOfEvents(b *testing.B) {
	events := toldThen(b, tracker.Producer, "Task.Assigned", 1)[:1]
	b.Run("told", func(b *testing.B) {
		for b.Loop() {
			if err := checkTold(events); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if err := check(events[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
