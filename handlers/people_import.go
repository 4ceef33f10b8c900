package handlers

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ates/domain"
	"ates/domain/auth"
	"ates/views"
)

const (
	// importPath is where people are imported.
	importPath = "/people/import"
	// maxImportForm leaves room for what stands around the file.
	maxImportForm = maxImport + 64<<10
	// linesShown is how many lines of an import are shown to look at.
	linesShown = 200
)

// importForm shows the form that imports people.
func (h *Handlers) importForm(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showImport(w, r, p, nil, nil)
}

// previewImport shows what the file that was sent would do. It changes nothing.
func (h *Handlers) previewImport(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readUpload(r); err != nil {
		return err
	}
	content, err := uploaded(r, "file")
	if err != nil {
		return err
	}
	rows, err := readPeopleFile(content)
	var refusal *domain.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	return h.showImport(w, r, p, rows, refusal)
}

// importPeople does what the preview showed, and goes on to the people who are new.
func (h *Handlers) importPeople(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readUpload(r); err != nil {
		return err
	}
	rows, err := readPeopleFile([]byte(r.PostFormValue("people")))
	if err != nil {
		return err
	}
	do := &auth.ImportPeople{Request: p.by(r), People: rows, Seen: r.PostFormValue("seen")}
	err = h.commands.Do(r.Context(), do)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind != domain.Forbidden {
		return h.showImport(w, r, p, rows, refusal)
	}
	if err != nil {
		return err
	}
	to := "/people"
	if do.Created > 0 {
		to = address(to, url.Values{"status": {auth.Invited}, "created": {do.At.UTC().Format(time.RFC3339Nano)}})
	}
	return h.flashAndGo(w, r, to, views.Flash{Kind: views.FlashDone, Text: views.N(r.Context(), "flash.imported", do.Created) +
		" " + views.N(r.Context(), "flash.import_updated", do.Updated) + " " + views.N(r.Context(), "flash.import_kept", do.Kept)})
}

// showImport shows the form, and above it what the rows would do, if there are any.
func (h *Handlers) showImport(w http.ResponseWriter, r *http.Request, p page, rows []auth.ImportRow, refused *domain.Refusal) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	data, status := views.ImportData{Key: p.Key}, http.StatusOK
	if rows != nil {
		plan, err := auth.PlanImport(r.Context(), h.pool, p.Person.Actor(), rows)
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		if err == nil {
			data.Plan = h.importPlan(r, plan)
		}
		if data.Plan != nil && data.Plan.Refused > 0 {
			status = http.StatusUnprocessableEntity
		}
	}
	if refused != nil {
		status, data.Message = statuses[refused.Kind], translate(r.Context(), refused)
	}
	return h.show(w, r, status, views.Import(p.Page, data))
}

// importPlan is a plan as it is shown: of its lines those that are refused first, and none that change nothing.
func (h *Handlers) importPlan(r *http.Request, plan auth.ImportPlan) *views.ImportPlan {
	shown := &views.ImportPlan{Seen: plan.Digest, Create: plan.Create, Update: plan.Update, Keep: plan.Keep, Refused: plan.Refused}
	var content bytes.Buffer
	file := csv.NewWriter(&content)
	_ = file.Write(importColumns)
	for _, l := range plan.Lines {
		_ = file.Write([]string{l.Login, l.Name, l.Email, l.Role})
		if l.Action == auth.ImportKeep {
			continue
		}
		line := views.ImportLine{
			Line: l.Line, Login: typed(l.Login), Name: typed(l.Name), Email: typed(l.Email), Role: typed(l.Role), Action: string(l.Action),
			Was: views.PersonRow{Name: l.Was.Name, Email: l.Was.Email, Role: l.Was.Role},
		}
		if l.Refused != nil {
			line.Message = translate(r.Context(), l.Refused)
		}
		shown.Lines = append(shown.Lines, line)
	}
	file.Flush()
	slices.SortStableFunc(shown.Lines, func(a, b views.ImportLine) int {
		return last(a) - last(b)
	})
	if len(shown.Lines) > linesShown {
		shown.More = len(shown.Lines) - linesShown
		shown.Lines = shown.Lines[:linesShown]
	}
	if plan.Refused == 0 {
		shown.Content = content.String()
	}
	return shown
}

// last puts lines that can be done behind those that cannot.
func last(l views.ImportLine) int {
	if l.Message != "" {
		return 0
	}
	return 1
}

// importColumns are the columns that a file of people must have, in any order; others are left out.
var importColumns = []string{"login", "name", "email", "role"}

// readPeopleFile reads a file of people as spreadsheets write it: in UTF-8, with a header, its cells apart by commas, semicolons
// or tabs. It undoes what our own exports do to cells that look like formulas.
func readPeopleFile(content []byte) ([]auth.ImportRow, error) {
	if !utf8.Valid(content) {
		return nil, refusedFile("people.file_not_utf8", "This file is not in UTF-8. Save it as CSV UTF-8 and import it again.", nil)
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	file := csv.NewReader(bytes.NewReader(content))
	file.Comma = separator(content)
	file.FieldsPerRecord = -1
	header, err := file.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, refusedLine(err)
	}
	columns, err := findColumns(header)
	if err != nil {
		return nil, err
	}
	rows := []auth.ImportRow{}
	for {
		record, err := file.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, refusedLine(err)
		}
		line, _ := file.FieldPos(0)
		cell := func(column string) string {
			if i := columns[column]; i < len(record) {
				return plainCell(record[i])
			}
			return ""
		}
		row := auth.ImportRow{Line: line, Login: cell("login"), Name: cell("name"), Email: cell("email"), Role: cell("role")}
		if row.Login+row.Name+row.Email+row.Role != "" {
			rows = append(rows, row)
		}
	}
}

// separator is what stands between the cells of the first line.
func separator(content []byte) rune {
	first, _, _ := bytes.Cut(content, []byte("\n"))
	for _, c := range ";\t" {
		if bytes.ContainsRune(first, c) {
			return c
		}
	}
	return ','
}

func findColumns(header []string) (map[string]int, error) {
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range importColumns {
		if _, ok := columns[name]; !ok {
			return nil, refusedFile("people.file_columns", "The first line must name the columns login, name, email and role; there is no "+name+".", map[string]any{"Column": name})
		}
	}
	return columns, nil
}

// plainCell is a cell without what textCell put before it.
func plainCell(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && textCell(rest) == cell(s) {
		return rest
	}
	return s
}

func refusedLine(err error) error {
	line := 1
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		line = parse.Line
	}
	return refusedFile("people.file_line", "This file cannot be read beyond a certain line: its quotation marks do not fit together.", map[string]any{"Line": line})
}

func refusedFile(code, message string, details map[string]any) error {
	return &domain.Refusal{Kind: domain.Invalid, Code: code, Field: "file", Message: message, Details: details}
}

// readUpload reads a form that carries a file.
func readUpload(r *http.Request) error {
	err := r.ParseMultipartForm(maxImportForm) //nolint:gosec // h.limited has bounded the body
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	if err != nil || !key.MatchString(r.PostFormValue("idempotency_key")) {
		return &domain.Refusal{Kind: domain.Invalid, Code: "request.form_unreadable",
			Message: "This form cannot be read. Open the page again and send it once more."}
	}
	return nil
}

// uploaded is the content of a file that a form carries, empty when none was chosen.
func uploaded(r *http.Request, name string) ([]byte, error) {
	file, _, err := r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}
