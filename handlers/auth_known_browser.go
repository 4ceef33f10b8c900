package handlers

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A browser that has signed in with a login keeps a cookie that says so, by which its tries are told from a stranger's: what
// others do at its address does not keep its person out. It opens nothing by itself. (OWASP calls it a device cookie.)
const (
	knownBrowserCookie   = "ates-auth-known"
	knownBrowserLifetime = 180 * 24 * time.Hour
)

// knownBrowserKey seals those cookies; all processes on one database have the same.
func knownBrowserKey(secret []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "known browsers", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of known browsers: %w", err)
	}
	return key, nil
}

func (p *provider) sealKnownBrowser(mark, login string) string {
	mac := hmac.New(sha256.New, p.knownBrowsers)
	mac.Write([]byte(mark + "\x00" + strings.ToLower(strings.TrimSpace(login))))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// knownBrowser is the mark of the browser, if somebody has signed in there with that login; "" for any other.
func (p *provider) knownBrowser(r *http.Request, login string) (mark string) {
	value, _ := p.cookie(r, knownBrowserCookie)
	mark, seal, ok := strings.Cut(value, ".")
	if !ok || !hmac.Equal([]byte(seal), []byte(p.sealKnownBrowser(mark, login))) {
		return ""
	}
	return mark
}

// rememberBrowser has the browser remember that somebody has signed in there with that login.
func (p *provider) rememberBrowser(w http.ResponseWriter, login string) {
	mark := rand.Text()
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure only where the public URL is http://localhost
		Name: cookieName(knownBrowserCookie, p.secure), Value: mark + "." + p.sealKnownBrowser(mark, login), Path: "/",
		MaxAge: int(knownBrowserLifetime.Seconds()), HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
}
