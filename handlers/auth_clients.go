package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Client is another program whose people sign in with the Auth-Service, as its operator registers it.
type Client struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	// RedirectURIs and PostLogoutURIs are where people may be sent back to, letter by letter.
	RedirectURIs   []string `json:"redirect_uris"`
	PostLogoutURIs []string `json:"post_logout_redirect_uris"`
	// Offline lets it ask for refresh tokens, with the scope offline_access.
	Offline bool `json:"offline_access"`
}

// ownClientID is the program's own name as a client of its Auth-Service.
const ownClientID = "ates"

var clientID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ReadClients reads a JSON list of clients, and says what is wrong with the first that cannot be one.
func ReadClients(from io.Reader) ([]Client, error) {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	var clients []Client
	if err := decoder.Decode(&clients); err != nil {
		return nil, fmt.Errorf("it is no JSON list of clients: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("there is something after the list of clients")
	}
	ids := map[string]bool{ownClientID: true}
	for _, c := range clients {
		if !clientID.MatchString(c.ID) {
			return nil, fmt.Errorf("the id %q must have 1 to 64 letters, digits, dots, dashes or underscores", c.ID)
		}
		if ids[c.ID] {
			return nil, fmt.Errorf("the id %q is taken", c.ID)
		}
		ids[c.ID] = true
		if len(c.Secret) < 32 {
			return nil, fmt.Errorf("the secret of %s must have at least 32 characters; draw it at random", c.ID)
		}
		if len(c.RedirectURIs) == 0 {
			return nil, fmt.Errorf("%s needs one of redirect_uris at least", c.ID)
		}
		for _, uri := range slices.Concat(c.RedirectURIs, c.PostLogoutURIs) {
			if !mayRegister(uri) {
				return nil, fmt.Errorf("%q of %s must be a whole https address without a fragment; http is for this machine only", uri, c.ID)
			}
		}
	}
	return clients, nil
}

// mayRegister reports whether people may be sent to an address with a code (RFC 6749 3.1.2, RFC 9700 2.1).
func mayRegister(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(uri, "#") || strings.ContainsAny(u.Host, "*;, '\"") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && onThisMachine(u.Hostname())
}

// onThisMachine reports whether a host is this machine itself, its names below localhost included (RFC 6761 6.3).
func onThisMachine(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// signInPolicy is the content security policy of the sign-in page. Its form leads on to the client that asked, and Chromium holds a
// form's policy against the redirects that answer it too.
func signInPolicy(clients []Client) string {
	origins := []string{"form-action 'self'"}
	for _, c := range clients {
		for _, uri := range c.RedirectURIs {
			if u, err := url.Parse(uri); err == nil {
				origins = append(origins, u.Scheme+"://"+u.Host)
			}
		}
	}
	return strings.Replace(policy, origins[0], strings.Join(origins, " "), 1)
}
