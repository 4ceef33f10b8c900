package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ates/domain"
)

// payoutFile answers with the bank file of a day, as it was written.
func (h *Handlers) payoutFile(w http.ResponseWriter, r *http.Request, _ page) error {
	name, isXML := strings.CutSuffix(r.PathValue("file"), ".xml")
	day, err := time.Parse(time.DateOnly, name)
	if err != nil || !isXML {
		return errNoSuchFile()
	}
	file, err := h.queries.FindPayoutFile(r.Context(), day)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoSuchFile()
	}
	if err != nil {
		return fmt.Errorf("find a payout file: %w", err)
	}
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+file.MessageID+`.xml"`)
	_, err = w.Write(file.Content)
	return err
}

func errNoSuchFile() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "payout_file.unknown", Message: "No payouts of that day were written to a bank file."}
}
