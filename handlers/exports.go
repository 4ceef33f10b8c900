package handlers

import (
	"encoding/csv"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"ates/views"
)

// export writes a file for spreadsheets as it goes, in the way of the reader's language: nothing is kept, so a file may be as
// large as the ledger. Once it has begun an answer cannot become an error page, so a file that cannot be finished is cut off,
// which browsers show as a failed download.
type export struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	csv     *csv.Writer
}

// cell is what stands in one place of a file, safe to open.
type cell string

// textCell is a cell of words. What a spreadsheet would take for a formula is made plain text.
func textCell(s string) cell {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		s = "'" + s
	}
	return cell(s)
}

// money is a cell to calculate with.
func (e *export) money(minor int64) cell { return cell(views.PlainMoney(e.r.Context(), minor)) }

// newExport begins a file. Excel takes it for UTF-8 only with a byte order mark, and where the decimal mark is a comma it
// separates cells by semicolons.
func newExport(w http.ResponseWriter, r *http.Request, name string) *export {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	e := &export{w: w, r: r, control: http.NewResponseController(w), csv: csv.NewWriter(w)}
	if views.DecimalComma(r.Context()) {
		e.csv.Comma = ';'
	}
	e.csv.UseCRLF = true
	_, _ = w.Write([]byte("\ufeff"))
	return e
}

// row writes a row. Errors come out of flush.
func (e *export) row(cells ...cell) {
	record := make([]string, len(cells))
	for i, c := range cells {
		record[i] = string(c)
	}
	_ = e.csv.Write(record)
}

// flush sends what has been written. A reader who does not take it in time is given up.
func (e *export) flush() error {
	_ = e.control.SetWriteDeadline(time.Now().Add(writeWithin))
	e.csv.Flush()
	if err := e.csv.Error(); err != nil {
		return err
	}
	return e.control.Flush()
}

// end sends the rest.
func (e *export) end() error {
	if err := e.flush(); err != nil {
		e.abort(err)
	}
	_ = e.control.SetWriteDeadline(time.Time{})
	return nil
}

// abort cuts the file off.
func (e *export) abort(err error) {
	slog.InfoContext(e.r.Context(), "a file could not be finished", "path", e.r.URL.Path, "error", err)
	panic(http.ErrAbortHandler)
}
