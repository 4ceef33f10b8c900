package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// providerClient is a client of the Auth-Service, such as the program itself. Redirect URIs are compared letter by letter.
type providerClient struct {
	ID             string
	Secret         string
	RedirectURIs   []string
	PostLogoutURIs []string
	// Offline lets the client ask for a refresh token, with the scope offline_access.
	Offline bool
}

// client returns the client of that id.
func (p *provider) client(id string) (c providerClient, ok bool) {
	i := slices.IndexFunc(p.Clients, func(c providerClient) bool { return c.ID == id })
	if i < 0 {
		return c, false
	}
	return p.Clients[i], true
}

// offline reports whether any client may ask for refresh tokens.
func (p *provider) offline() bool {
	return slices.ContainsFunc(p.Clients, func(c providerClient) bool { return c.Offline })
}

// scopes are those that the client may ask for.
func (c providerClient) scopes() []string {
	if c.Offline {
		return append(slices.Clone(providerScopes), oidc.ScopeOfflineAccess)
	}
	return providerScopes
}

// authenticates reports whether these are the client's id and secret, in a time that does not tell how much of them fits.
func (c providerClient) authenticates(id, secret string) bool {
	equal := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return equal(id, c.ID)&equal(secret, c.Secret) == 1
}

// opClient is how the library sees a client: confidential, with a code for tokens, perhaps those for more tokens, and with HTTP
// Basic as its only way to show who it is.
type opClient struct{ providerClient }

var _ op.Client = opClient{}

func (c opClient) GetID() string                       { return c.ID }
func (c opClient) RedirectURIs() []string              { return c.providerClient.RedirectURIs }
func (c opClient) PostLogoutRedirectURIs() []string    { return c.PostLogoutURIs }
func (c opClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c opClient) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c opClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c opClient) GrantTypes() []oidc.GrantType {
	if c.Offline {
		return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	}
	return []oidc.GrantType{oidc.GrantTypeCode}
}
func (c opClient) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c opClient) IDTokenLifetime() time.Duration       { return providerTokenLifetime }
func (c opClient) DevMode() bool                        { return false }
func (c opClient) IsScopeAllowed(string) bool           { return false }
func (c opClient) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c opClient) ClockSkew() time.Duration             { return 0 }

// LoginURL is never asked for: authorize sends browsers to the login page itself.
func (c opClient) LoginURL(string) string { return "" }

func (c opClient) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive,staticcheck // the library's name
	return sameScopes
}

func (c opClient) RestrictAdditionalAccessTokenScopes() func([]string) []string { return sameScopes }

func sameScopes(scopes []string) []string { return scopes }
