package handlers

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/httprate"

	"ates/domain"
)

// What one person may change, and what one address may ask of pages that are open to everybody, in each process: more than people
// and offices need, and little enough that a program gone wild harms nobody else.
const (
	rateWindow    = 10 * time.Second
	rateOfPerson  = 500
	rateOfAddress = 2000
)

// newRates counts requests by the keys that rated and ratedByAddress give them.
func newRates() *httprate.RateLimiter {
	return httprate.NewRateLimiter(rateOfPerson, rateWindow, httprate.WithResponseHeaders(httprate.ResponseHeaders{}))
}

// rated refuses a request when too many of its key came before it.
func (h *Handlers) rated(w http.ResponseWriter, r *http.Request, key string) error {
	if h.rates.OnLimit(w, r, key) {
		return &domain.Refusal{Kind: domain.TooSoon, Code: "request.too_many", RetryAfter: rateWindow,
			Message: "There were too many requests in a short time. Wait a few seconds and try again."}
	}
	return nil
}

// ratedByAddress bounds what one address may ask of pages that are open to everybody.
func (h *Handlers) ratedByAddress(next http.Handler) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		bounded := r.WithContext(httprate.WithRequestLimit(r.Context(), rateOfAddress))
		if err := h.rated(w, bounded, addressKey(clientAddress(r, h.TrustedProxies))); err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// addressKey is one key for all addresses that one customer of a provider has.
func addressKey(address netip.Addr) string {
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
