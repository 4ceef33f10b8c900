package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// providerClient is the one client of the Auth-Service: the program itself. Redirect URIs are compared letter by letter.
type providerClient struct {
	ID             string
	Secret         string
	RedirectURIs   []string
	PostLogoutURIs []string
}

// authenticates reports whether these are the client's id and secret, in a time that does not tell how much of them fits.
func (c providerClient) authenticates(id, secret string) bool {
	equal := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return equal(id, c.ID)&equal(secret, c.Secret) == 1
}

// opClient is how the library sees the client: confidential, with a code for a token and HTTP Basic as its only ways.
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
func (c opClient) GrantTypes() []oidc.GrantType         { return []oidc.GrantType{oidc.GrantTypeCode} }
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
