package handlers

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"ates/domain"
	"ates/views"
)

// statuses are how the kinds of refusal are answered.
var statuses = map[domain.Kind]int{
	domain.Invalid:   http.StatusUnprocessableEntity,
	domain.NotFound:  http.StatusNotFound,
	domain.Forbidden: http.StatusForbidden,
	domain.Conflict:  http.StatusConflict,
	domain.TooSoon:   http.StatusTooManyRequests,
}

// failed answers with what went wrong: the reason of a refusal, or, for a fault, only that there was one and the id under
// which the log has the rest.
func (h *Handlers) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	var refusal *domain.Refusal
	var issuer *issuerFault
	var tooLarge *http.MaxBytesError
	data := views.ErrorData{RequestID: domain.RequestID(r.Context())}
	switch {
	case errors.As(err, &refusal):
		data.Status = statuses[refusal.Kind]
		data.Message, data.Again = translate(r.Context(), refusal), signInAgain(refusal)
		retryAfter(w, refusal)
	case errors.As(err, &issuer):
		h.logFault(r, err)
		issuer.explain(w, r, &data)
	case errors.As(err, &tooLarge):
		data.Status = http.StatusRequestEntityTooLarge
	case unavailable(err):
		h.logFault(r, err)
		w.Header().Set("Retry-After", "5")
		data.Status = http.StatusServiceUnavailable
	default:
		h.logFault(r, err)
		data.Status = http.StatusInternalServerError
	}
	if data.Status == http.StatusTooManyRequests || data.Status >= http.StatusInternalServerError {
		data.Resend = resend(r)
	}
	h.showError(w, r, data)
}

// resend is the form that a request brought, to be sent again when it was not the form's fault that it came to nothing. Its
// idempotency key goes with it, so that this is safe. Forms of the Auth-Service are left out, for they have passwords.
func resend(r *http.Request) *views.ResendForm {
	if r.Method != http.MethodPost || strings.HasPrefix(r.URL.Path, "/auth/") || r.ParseForm() != nil || len(r.PostForm) == 0 {
		return nil
	}
	form := &views.ResendForm{Action: r.URL.RequestURI(), Description: typed(r.PostForm.Get("description"))}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			if name != "description" || form.Description == "" {
				form.Fields = append(form.Fields, views.Option{Label: typed(name), Value: typed(value)})
			}
		}
	}
	return form
}

// retryAfter tells programs how long a refusal asks to wait, rounded up so that nobody comes back too early.
func retryAfter(w http.ResponseWriter, r *domain.Refusal) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.RetryAfter+time.Second-1)/time.Second)))
	}
}

// translate is a refusal in the reader's language.
func translate(ctx context.Context, r *domain.Refusal) string {
	return views.Refusal(ctx, r.Code, r.Message, r.Details)
}

// unavailable reports whether an error means that Postgres cannot be reached, has no room, or has become a standby meanwhile, so that
// trying again helps.
func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), pgconn.SafeToRetry(err):
		return true
	case errors.As(err, &pg) && pg.Code == pgerrcode.ReadOnlySQLTransaction:
		return true
	case errors.As(err, &pg):
		switch pg.Code[:2] {
		case "08", "53", "55", "57":
			return true
		}
	}
	return false
}

// logFault logs what went wrong, with who was there.
func (h *Handlers) logFault(r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	slog.ErrorContext(r.Context(), "fault", "method", r.Method, "path", r.URL.Path, "error", err)
}
