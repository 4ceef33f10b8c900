package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// landed names the schemas that have landed, with the sums of their files: a schema that somebody has told events by is not edited. Where it
// is added to, what it was before goes to testdata/landed, and its line stays.
const landed = "landed.sum"

func TestLandedSchemasOfEventsStayReadable(t *testing.T) {
	t.Parallel()
	contexts, err := filepath.Glob(filepath.Join(root, "domain", "*", "schemas"))
	require.NoError(t, err)
	require.Len(t, contexts, 3)
	for _, folder := range contexts {
		for _, complaint := range complaintsOfSchemas(t, folder) {
			t.Error(complaint)
		}
	}
}

// complaintsOfSchemas says what is wrong with the schemas of a context.
func complaintsOfSchemas(t *testing.T, folder string) (said []string) {
	t.Helper()
	sums := sumsOf(t, filepath.Join(folder, landed))
	then := map[string]map[string]any{} // schemas by the sums of their files
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	before, err := filepath.Glob(filepath.Join(filepath.Dir(folder), "testdata", "landed", "*.json"))
	require.NoError(t, err)
	for _, path := range before {
		sum, schema := readSchema(t, path)
		then[sum] = schema
	}
	for _, path := range names {
		name := filepath.Base(path)
		sum, now := readSchema(t, path)
		then[sum] = now
		if now["$schema"] != "https://json-schema.org/draft/2020-12/schema" || now["additionalProperties"] != true {
			said = append(said, fmt.Sprintf("%s: a schema is of draft 2020-12, and lets readers take what only newer programs tell (additionalProperties)", path))
		}
		if !slices.Contains(sums[name], sum) {
			said = append(said, fmt.Sprintf("%s: what lands here cannot be changed later; if it is to land, add this line to %s:\n%s  %s", path, landed, sum, name))
		}
		for _, sum := range sums[name] {
			if then[sum] == nil {
				said = append(said, fmt.Sprintf("%s: what has landed with the sum %s is gone; bring it back, as a new version or in testdata/landed beside it", path, sum))
				continue
			}
			for _, reason := range breaks("", then[sum], now) {
				said = append(said, fmt.Sprintf("%s breaks with what has landed: %s. Make a new version of the event instead (domain/EVENTS.md)", path, reason))
			}
		}
		delete(sums, name)
	}
	for name := range sums {
		said = append(said, fmt.Sprintf("%s: %s has landed and is gone, but events of it are in logs", folder, name))
	}
	return said
}

// sumsOf reads a file as sha256sum writes it.
func sumsOf(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	sums := map[string][]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		require.True(t, ok, "%s: %s", path, lines.Text())
		sums[name] = append(sums[name], sum)
	}
	return sums
}

func readSchema(t *testing.T, path string) (sum string, schema map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &schema), path)
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:]), schema
}

// breaks says why an edited schema would part those who know it from those who know it as it landed. Programs of before have to be able to
// read what is told by it, and what was told before has to be read by it; so it may describe better what there is, and add what need not
// be told, and nothing else.
func breaks(at string, landed, now map[string]any) (reasons []string) {
	say := func(format string, args ...any) { reasons = append(reasons, at+fmt.Sprintf(format, args...)) }
	for _, keyword := range sorted(landed, now) {
		was, is := landed[keyword], now[keyword]
		switch keyword {
		case "title", "description", "$comment", "examples":
		case "properties":
			before, after := object(was), object(is)
			for _, name := range sorted(before) {
				if after[name] == nil {
					say("%s is not described any more, so anything could be told as it", name)
					continue
				}
				reasons = append(reasons, breaks(at+name+": ", object(before[name]), object(after[name]))...)
			}
		case "required":
			for _, name := range without(was, is) {
				say("%s need not be told any more, but programs of before rely on it", name)
			}
			for _, name := range without(is, was) {
				say("%s has to be told now, but events of before do not tell it", name)
			}
		case "enum":
			for _, value := range without(was, is) {
				say("it cannot be %s any more, but events of before are", value)
			}
			for _, value := range without(is, was) {
				say("it can be %s now, which programs of before refuse", value)
			}
		default:
			if !equal(was, is) {
				say("its %s was %s and is %s", keyword, jsonOf(was), jsonOf(is))
			}
		}
	}
	return reasons
}

func sorted(objects ...map[string]any) (keys []string) {
	for _, o := range objects {
		keys = slices.AppendSeq(keys, maps.Keys(o))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func object(value any) map[string]any {
	o, _ := value.(map[string]any)
	return o
}

// without are the values of a list that are not in another one.
func without(list, other any) (values []string) {
	some, _ := list.([]any)
	others, _ := other.([]any)
	for _, value := range some {
		if !slices.ContainsFunc(others, func(o any) bool { return equal(o, value) }) {
			values = append(values, fmt.Sprint(value))
		}
	}
	return values
}

func equal(a, b any) bool { return jsonOf(a) == jsonOf(b) }

func jsonOf(value any) string {
	if value == nil {
		return "nothing"
	}
	text, err := json.Marshal(value) // the keys of objects are in order
	if err != nil {
		panic(err)
	}
	return string(text)
}

// The check is only worth something if edits that break are found.
func TestEditsOfASchemaThatBreakAreFound(t *testing.T) {
	t.Parallel()
	const schema = `{"title": "An event", "type": "object", "additionalProperties": true, "required": ["id", "kind"], "properties": {
		"id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["fee", "reward"]}, "amount": {"type": "integer", "minimum": 10, "maximum": 20},
		"place": {"type": "object", "properties": {"city": {"type": "string"}}}}}`
	for name, edit := range map[string]struct {
		old, new string
		reason   string
	}{
		"a required property is not described any more": {`"id": {"type": "string", "format": "uuid"}, `, ``, "id is not described any more"},
		"a required property need not be there":         {`["id", "kind"]`, `["id"]`, "kind need not be told any more, but programs of before rely on it"},
		"a new required property":                       {`["id", "kind"]`, `["id", "kind", "amount"]`, "amount has to be told now, but events of before do not tell it"},
		"an enum is narrowed":                           {`["fee", "reward"]`, `["fee"]`, "kind: it cannot be reward any more, but events of before are"},
		"an enum is widened":                            {`["fee", "reward"]`, `["fee", "reward", "bonus"]`, "kind: it can be bonus now, which programs of before refuse"},
		"another type":                                  {`"type": "integer"`, `"type": "string"`, `amount: its type was "integer" and is "string"`},
		"one more type":                                 {`"type": "integer"`, `"type": ["integer", "null"]`, `amount: its type was "integer" and is ["integer","null"]`},
		"a narrower range":                              {`"minimum": 10`, `"minimum": 15`, "amount: its minimum was 10 and is 15"},
		"a wider range":                                 {`, "maximum": 20`, ``, "amount: its maximum was 20 and is nothing"},
		"another format":                                {`"format": "uuid"`, `"format": "email"`, `id: its format was "uuid" and is "email"`},
		"nothing that is not described":                 {`"additionalProperties": true`, `"additionalProperties": false`, "its additionalProperties was true and is false"},
		"a property of a property":                      {`{"city": {"type": "string"}}`, `{"city": {"type": "number"}}`, `place: city: its type was "string" and is "number"`},
		"better words":                                  {`"An event"`, `"An event that somebody tells"`, ""},
		"one more property that need not be there":      {`"amount"`, `"note": {"type": "string"}, "amount"`, ""},
	} {
		require.Equal(t, 1, strings.Count(schema, edit.old), name)
		var before, after map[string]any
		require.NoError(t, json.Unmarshal([]byte(schema), &before))
		require.NoError(t, json.Unmarshal([]byte(strings.Replace(schema, edit.old, edit.new, 1)), &after), name)
		reasons := breaks("", before, after)
		if edit.reason == "" {
			require.Empty(t, reasons, name)
		} else {
			require.Len(t, reasons, 1, name)
			require.Contains(t, reasons[0], edit.reason, name)
		}
	}
}

// A landed schema is not edited in place, whatever the edit.
func TestAnEditedSchemaIsFound(t *testing.T) {
	t.Parallel()
	context := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(context, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	schema := func(properties string) string {
		return `{"$schema": "https://json-schema.org/draft/2020-12/schema", "additionalProperties": true, "required": ["id"], "properties": {` + properties + `}}`
	}
	sum := func(text string) string {
		digest := sha256.Sum256([]byte(text))
		return hex.EncodeToString(digest[:])
	}
	complaints := func() string {
		return strings.Join(complaintsOfSchemas(t, filepath.Join(context, "schemas")), "\n")
	}
	first, added, other := schema(`"id": {}`), schema(`"id": {}, "note": {}`), schema(`"name": {}`)
	write("schemas/Task.Done.v1.json", first)
	write("schemas/landed.sum", "")
	require.Contains(t, complaints(), sum(first)+"  Task.Done.v1.json", "it has not landed")
	write("schemas/landed.sum", sum(first)+"  Task.Done.v1.json\n")
	require.Empty(t, complaints())

	write("schemas/Task.Done.v1.json", other)
	require.Contains(t, complaints(), "what has landed with the sum "+sum(first)+" is gone")
	write("testdata/landed/Task.Done.v1.1.json", first)
	require.Contains(t, complaints(), "id is not described any more")
	require.Contains(t, complaints(), "Make a new version")

	write("schemas/Task.Done.v1.json", added)
	require.Contains(t, complaints(), sum(added)+"  Task.Done.v1.json", "an addition lands too")
	write("schemas/landed.sum", sum(first)+"  Task.Done.v1.json\n"+sum(added)+"  Task.Done.v1.json\n")
	require.Empty(t, complaints())

	require.NoError(t, os.Remove(filepath.Join(context, "schemas", "Task.Done.v1.json")))
	require.Contains(t, complaints(), "Task.Done.v1.json has landed and is gone")
}
