package main

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"ates/handlers"
)

// openID says who says who people are, when it is not the embedded Auth-Service.
type openID struct {
	Issuer       string `name:"oidc-issuer" env:"OIDC_ISSUER" placeholder:"URL" help:"OpenID Connect provider that signs people in (default: the embedded Auth-Service)."`
	ClientID     string `name:"oidc-client-id" env:"OIDC_CLIENT_ID" placeholder:"ID" help:"What the provider knows this program by."`
	ClientSecret string `name:"oidc-client-secret" env:"OIDC_CLIENT_SECRET" placeholder:"SECRET" help:"How this program proves itself to the provider."`
	RolesClaim   string `name:"oidc-roles-claim" env:"OIDC_ROLES_CLAIM" placeholder:"CLAIM" help:"Where the provider names a person's roles, such as realm_access.roles (default: roles)."`
	RoleMap      string `name:"oidc-role-map" env:"OIDC_ROLE_MAP" placeholder:"NAME=ROLE,…" help:"Which of the provider's names means which role, such as ates-admins=admin (default: the names are our roles)."`
}

// everyTenant are the issuers of Entra that stand for many: no token is ever issued in their names.
var everyTenant = regexp.MustCompile(`^https://login\.microsoftonline\.com/(common|organizations|consumers)(/|$)`)

// foreign reports whether people sign in elsewhere.
func (o openID) foreign() bool { return o.Issuer != "" }

// openIDProvider is where people sign in, nil when it is here, or an error that names the variable at fault and no secret.
func (o openID) openIDProvider() (*handlers.OpenIDProvider, error) {
	if !o.foreign() {
		for name, value := range map[string]string{
			"OIDC_CLIENT_ID": o.ClientID, "OIDC_CLIENT_SECRET": o.ClientSecret, "OIDC_ROLES_CLAIM": o.RolesClaim, "OIDC_ROLE_MAP": o.RoleMap,
		} {
			if value != "" {
				return nil, fmt.Errorf("%s is set, but OIDC_ISSUER names no provider; set both or none", name)
			}
		}
		return nil, nil
	}
	const right = "use the address that its discovery document gives as issuer, such as https://id.example.com/realms/company"
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil:
		return nil, errors.New("OIDC_ISSUER cannot be read; " + right)
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("OIDC_ISSUER is %q; %s", u.Redacted(), right)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("OIDC_ISSUER is %q: signing in over plain http is only safe on this machine itself; use an https address", o.Issuer)
	case everyTenant.MatchString(o.Issuer):
		return nil, fmt.Errorf("OIDC_ISSUER is %q, which stands for every tenant; use your own, such as https://login.microsoftonline.com/<tenant id>/v2.0", o.Issuer)
	case o.ClientID == "":
		return nil, errors.New("OIDC_CLIENT_ID is missing; with OIDC_ISSUER it must be the id under which the provider has registered this program")
	case o.ClientSecret == "":
		return nil, errors.New("OIDC_CLIENT_SECRET is missing; register this program with the provider as a confidential client and use the secret it gives")
	}
	roles, claimErr, mapErr := handlers.ParseRoleRules(o.RolesClaim, o.RoleMap)
	if claimErr != nil {
		return nil, fmt.Errorf("OIDC_ROLES_CLAIM is %q: %w", o.RolesClaim, claimErr)
	}
	if mapErr != nil {
		return nil, fmt.Errorf("OIDC_ROLE_MAP cannot be read: %w", mapErr)
	}
	return &handlers.OpenIDProvider{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Roles: roles}, nil
}
