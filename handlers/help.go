package handlers

import (
	"net/http"

	"ates/domain/accounting"
	"ates/views"
)

// help explains how pay works.
func (h *Handlers) help(w http.ResponseWriter, r *http.Request, p page) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	unit := h.Books.Unit
	return h.show(w, r, http.StatusOK, views.Help(p.Page, views.HelpData{
		LeastFee: accounting.LeastFee * unit, MostFee: accounting.MostFee * unit,
		LeastReward: accounting.LeastReward * unit, MostReward: accounting.MostReward * unit,
		DayEnds: h.Books.Ends(h.Books.Day(h.Now())), Unit: unit,
	}))
}
