package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/accounting"
	"ates/sql/sqltest"
)

func TestAnAddressThatAsksWithoutEndHasToWait_ASVS_11_1(t *testing.T) {
	t.Parallel()
	h := &Handlers{Config: Config{Now: time.Now, Books: accounting.Books{Zone: time.UTC, Unit: 100}, Currency: "USD", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}, rates: newRates(), sessions: newSessions(sqltest.Pool(t), false, time.Now)}
	served := 0
	handler := h.localized(h.ratedByAddress(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })))
	ask := func(from string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/login", nil) // its peer is 192.0.2.1
		r.Header.Set("X-Forwarded-For", from)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		return answer
	}
	for range rateOfAddress {
		require.Equal(t, http.StatusOK, ask("2001:db8::1").Code)
	}
	refused := ask("2001:db8::1")
	require.Equal(t, http.StatusTooManyRequests, refused.Code)
	require.Equal(t, "10", refused.Header().Get("Retry-After"))
	require.Contains(t, refused.Body.String(), "too many requests")
	require.Equal(t, http.StatusTooManyRequests, ask("2001:db8::2").Code, "the same customer's other address")
	require.Equal(t, http.StatusOK, ask("2001:db8:0:1::1").Code, "somebody else")
	require.Equal(t, rateOfAddress+1, served)
}

func TestAPersonWhoChangesWithoutEndHasToWait(t *testing.T) {
	t.Parallel()
	h := &Handlers{rates: newRates()}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/tasks", nil)
	for range rateOfPerson {
		require.NoError(t, h.rated(w, r, "ann"))
	}
	var refusal *domain.Refusal
	require.ErrorAs(t, h.rated(w, r, "ann"), &refusal)
	require.Equal(t, domain.TooSoon, refusal.Kind)
	require.NoError(t, h.rated(w, r, "bob"))
}
