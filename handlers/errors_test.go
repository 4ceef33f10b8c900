package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
)

// Without JavaScript the page that answers a form takes its place, and what was typed would be gone with it.
func TestAFormThatMeetsAFaultIsKeptToBeSentAgain(t *testing.T) {
	t.Parallel()
	h := &Handlers{Config: Config{Now: time.Now, Books: accounting.Books{Zone: time.UTC, Unit: 100}, Currency: "USD"}}
	fail := func(path string, form url.Values) string {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.failed(w, r, errors.New("out of seeds"))
		require.Equal(t, http.StatusInternalServerError, w.Code)
		require.NotContains(t, w.Body.String(), "seeds")
		return w.Body.String()
	}
	body := fail("/tasks", url.Values{"description": {"Mind the <gap>"}, "idempotency_key": {"k-1"}})
	require.Contains(t, body, `method="post" action="/tasks"`)
	require.Contains(t, body, "Mind the &lt;gap&gt;</textarea>")
	require.Contains(t, body, `name="idempotency_key" value="k-1"`)

	body = fail("/people/7", url.Values{"name": {"Ann"}, "email": {"ann@company.example"}})
	require.Contains(t, body, `name="email" value="ann@company.example"`)
	require.NotContains(t, body, "<textarea")

	body = fail("/auth/login", url.Values{"login": {"ann"}, "password": {"open-sesame"}})
	require.NotContains(t, body, "open-sesame", "a password is shown to nobody")
	require.NotContains(t, body, `action="/auth/login"`)
}

func TestWhatWillPassIsToldFromWhatIsBroken(t *testing.T) {
	t.Parallel()
	for code, passes := range map[string]bool{
		pgerrcode.ReadOnlySQLTransaction: true, pgerrcode.TransactionResolutionUnknown: true, pgerrcode.AdminShutdown: true, pgerrcode.TooManyConnections: true,
		pgerrcode.ActiveSQLTransaction: false, pgerrcode.UniqueViolation: false, pgerrcode.SyntaxError: false,
	} {
		require.Equal(t, passes, unavailable(fmt.Errorf("find session: %w", &pgconn.PgError{Code: code})), code)
	}
}
