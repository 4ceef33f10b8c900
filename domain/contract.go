package domain

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Contract is how the events of one context look, to everybody who tells or reads them: a JSON Schema (draft 2020-12) for each version of
// each event that was ever told. Whoever reads takes properties that the schema does not know, so that an event may get more to tell
// without a new version; whoever tells may not have any, so that what is told is always in a schema.
type Contract struct {
	told, read map[shape]*jsonschema.Schema
	lately     checked
}

// shape is one version of an event.
type shape struct {
	name    string
	version int
}

func (s shape) String() string { return s.name + ".v" + strconv.Itoa(s.version) }

// schemaFile is how a schema's file is called, such as "Task.Created.v2.json".
var schemaFile = regexp.MustCompile(`^(.+)\.v([1-9][0-9]*)\.json$`)

// NewContract compiles the schemas of a folder. Formats, such as uuid and date-time, are checked like everything else.
func NewContract(folder fs.FS) (*Contract, error) {
	files, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("list schemas: %w", err)
	}
	c := &Contract{told: map[shape]*jsonschema.Schema{}, read: map[shape]*jsonschema.Schema{}}
	for _, file := range files {
		parts := schemaFile.FindStringSubmatch(file.Name())
		if parts == nil {
			continue
		}
		version, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, fmt.Errorf("read the version of %s: %w", file.Name(), err)
		}
		text, err := fs.ReadFile(folder, file.Name())
		if err != nil {
			return nil, fmt.Errorf("read a schema: %w", err)
		}
		of := shape{parts[1], version}
		if c.read[of], err = compile(text, nil); err != nil {
			return nil, fmt.Errorf("compile %s: %w", file.Name(), err)
		}
		if c.told[of], err = compile(text, map[string]any{"additionalProperties": false}); err != nil {
			return nil, fmt.Errorf("compile %s: %w", file.Name(), err)
		}
	}
	if len(c.read) == 0 {
		return nil, errors.New("there is no schema")
	}
	return c, nil
}

// MustContract is NewContract for schemas that are part of the program.
func MustContract(files fs.FS, folder string) *Contract {
	schemas, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	c, err := NewContract(schemas)
	if err != nil {
		panic(err)
	}
	return c
}

// compile compiles a schema, with some of its keywords replaced.
func compile(text []byte, but map[string]any) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	keywords, ok := doc.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	maps.Copy(keywords, but)
	const address = "urn:schema"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(address, keywords); err != nil {
		return nil, err
	}
	return compiler.Compile(address)
}

// Events are the names of the events with all their versions, in order.
func (c *Contract) Events() map[string][]int {
	events := map[string][]int{}
	for s := range c.read {
		events[s.name] = append(events[s.name], s.version)
	}
	for _, versions := range events {
		slices.Sort(versions)
	}
	return events
}

// ErrUnknownEvent means that no schema says how an event looks: it, or its version, is not known to this program.
var ErrUnknownEvent = errors.New("is not known to this version of the program")

// CheckTold checks what is about to be told against its schema.
func (c *Contract) CheckTold(name string, version int, data []byte) error {
	return check(c.told, shape{name, version}, data)
}

// CheckRead checks what was told, perhaps by a newer program, against the schema of its version. To check the same again soon costs little.
func (c *Contract) CheckRead(name string, version int, data []byte) error {
	h := held{shape{name, version}, sha256.Sum256(data)}
	if c.lately.has(h) {
		return nil
	}
	if err := check(c.read, h.shape, data); err != nil {
		return err
	}
	c.lately.add(h)
	return nil
}

func check(schemas map[shape]*jsonschema.Schema, of shape, data []byte) error {
	schema, ok := schemas[of]
	if !ok {
		return fmt.Errorf("%s %w", of, ErrUnknownEvent)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("it breaks the schema %s: %s", of, broken(err))
	}
	return nil
}

// broken is what is wrong with an event, in one line.
func broken(err error) string {
	var wrong *jsonschema.ValidationError
	if !errors.As(err, &wrong) {
		return err.Error()
	}
	reasons := reasonsOf(wrong)
	slices.Sort(reasons) // the order in which they are found is that of a map
	return strings.Join(reasons, "; ")
}

var english = message.NewPrinter(language.English)

// reasonsOf are the leaves of an error: where something is wrong, and what.
func reasonsOf(wrong *jsonschema.ValidationError) (reasons []string) {
	for _, cause := range wrong.Causes {
		reasons = append(reasons, reasonsOf(cause)...)
	}
	if len(wrong.Causes) > 0 {
		return reasons
	}
	const longest = 200 // characters: what was told may be long, and is in the log
	reason := []rune(strings.Join(wrong.InstanceLocation, ".") + ": " + wrong.ErrorKind.LocalizedString(english))
	if len(reason) > longest {
		reason = append(reason[:longest-1], '…')
	}
	return []string{strings.TrimPrefix(string(reason), ": ")}
}

// Decode reads the data of an event of today's version; of any other it cannot say how it looks. The data must hold to its schema.
func Decode[T EventData](version int, data []byte) (EventData, error) {
	var event T
	if version != event.EventVersion() {
		return nil, fmt.Errorf("%s %w", shape{event.EventName(), version}, ErrUnknownEvent)
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return event, nil
}
