package handlers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/sql/dbsqlc"
)

// The provider's two cookies: which browser this is, and who has signed in with it.
const (
	providerBrowserCookie = "ates-auth-browser"
	providerSessionCookie = "ates-auth"
)

// providerPerson is who is signed in at the provider, since when, and how that is known.
type providerPerson struct {
	ID       uuid.UUID
	AuthTime time.Time
	AMR      []string
}

// signedIn returns who has signed in with this browser and is active still.
func (p *provider) signedIn(r *http.Request) (who providerPerson, ok bool, err error) {
	token, ok := p.cookie(r, providerSessionCookie)
	if !ok {
		return who, false, nil
	}
	row, err := p.queries.FindProviderSession(r.Context(), dbsqlc.FindProviderSessionParams{TokenHash: tokenHash(token), Now: p.Now()})
	if errors.Is(err, pgx.ErrNoRows) {
		return who, false, nil
	}
	if err != nil {
		return who, false, fmt.Errorf("find provider session: %w", err)
	}
	return providerPerson{ID: row.AccountID, AuthTime: row.AuthTime, AMR: row.Amr}, true, nil
}

// startSession remembers who has signed in with this browser, in place of whoever had before.
func (p *provider) startSession(w http.ResponseWriter, r *http.Request, who providerPerson) error {
	if err := p.stopSession(w, r); err != nil {
		return err
	}
	token := rand.Text()
	err := p.queries.InsertProviderSession(r.Context(), dbsqlc.InsertProviderSessionParams{
		TokenHash: tokenHash(token), AccountID: who.ID, AuthTime: who.AuthTime, Amr: who.AMR, ExpiresAt: p.Now().Add(sessionLifetime),
	})
	if err != nil {
		return fmt.Errorf("start provider session: %w", err)
	}
	p.setCookie(w, providerSessionCookie, token)
	return nil
}

// stopSession forgets who has signed in with this browser.
func (p *provider) stopSession(w http.ResponseWriter, r *http.Request) error {
	token, ok := p.cookie(r, providerSessionCookie)
	if !ok {
		return nil
	}
	err := p.queries.EndProviderSession(r.Context(), dbsqlc.EndProviderSessionParams{TokenHash: tokenHash(token), Now: p.Now()})
	if err != nil {
		return fmt.Errorf("end provider session: %w", err)
	}
	p.setCookie(w, providerSessionCookie, "")
	return nil
}

// browser returns the mark of this browser, if it has one.
func (p *provider) browser(r *http.Request) (hash []byte, ok bool) {
	token, ok := p.cookie(r, providerBrowserCookie)
	return tokenHash(token), ok
}

// markBrowser returns the mark of this browser and gives it one if it has none.
func (p *provider) markBrowser(w http.ResponseWriter, r *http.Request) (hash []byte) {
	if hash, ok := p.browser(r); ok {
		return hash
	}
	token := rand.Text()
	p.setCookie(w, providerBrowserCookie, token)
	return tokenHash(token)
}

func (p *provider) cookie(r *http.Request, name string) (value string, ok bool) {
	c, err := r.Cookie(cookieName(name, p.secure))
	if err != nil || c.Value == "" {
		return "", false
	}
	return c.Value, true
}

// setCookie sets a cookie that ends with the browser, or takes it away when value is "".
func (p *provider) setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{ //nolint:gosec // not Secure only where the public URL is http://localhost
		Name: cookieName(name, p.secure), Value: value, Path: "/",
		HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
