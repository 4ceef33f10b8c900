package handlers

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"ates/domain"
	"ates/views"
)

// issuerFault is that the provider, and not this program, is what went wrong at a sign-in.
type issuerFault struct {
	err error
	// down says that it cannot be reached or is out of order, so that waiting helps; else its answer is not one to trust.
	down bool
}

func (f *issuerFault) Error() string { return f.err.Error() }
func (f *issuerFault) Unwrap() error { return f.err }

// faultOf is an error of talking to the provider. A client that has left is nobody's fault.
func faultOf(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var network net.Error
	return &issuerFault{err: err, down: errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded)}
}

// explain says on the page for errors what the matter is with the provider.
func (f *issuerFault) explain(w http.ResponseWriter, r *http.Request, data *views.ErrorData) {
	data.Again = "/login"
	if f.down {
		w.Header().Set("Retry-After", "10")
		data.Status = http.StatusServiceUnavailable
		data.Title, data.Message = views.T(r.Context(), "issuer.down_title"), views.T(r.Context(), "issuer.down")
		return
	}
	data.Status = http.StatusBadGateway
	data.Title, data.Message = views.T(r.Context(), "issuer.garbled_title"), views.T(r.Context(), "issuer.garbled")
}

// signInAgain is where somebody goes on who was refused at the sign-in, "" where the refusal is of another kind. Who is
// known and may not come in has to be able to come as somebody else, though the provider would not ask.
func signInAgain(refusal *domain.Refusal) string {
	switch code := refusal.Code; {
	case !strings.HasPrefix(code, "sign_in."):
		return ""
	case refusal.Kind == domain.Forbidden:
		return "/login?other=1"
	}
	return "/login"
}
