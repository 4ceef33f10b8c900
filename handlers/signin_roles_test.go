package handlers

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

// rules are those of a configuration that can be read.
func rules(t *testing.T, claim, roleMap string) RoleRules {
	t.Helper()
	r, claimErr, mapErr := ParseRoleRules(claim, roleMap)
	require.NoError(t, claimErr)
	require.NoError(t, mapErr)
	return r
}

// said are claims as the sources have them, the ID token first.
func said(t *testing.T, sources ...string) (c claims) {
	t.Helper()
	for _, source := range sources {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(source), &object))
		c = append(c, object)
	}
	return c
}

func TestRolesAreFoundInTheClaimsOfEachProvider(t *testing.T) {
	t.Parallel()
	const (
		keycloak = `{"realm_access": {"roles": ["offline_access", "ates-manager"]},
			"resource_access": {"ates": {"roles": ["worker"]}, "ates.popug.example": {"roles": ["admin"]}, "account": {"roles": ["manage-account"]}}}`
		zitadel = `{"urn:zitadel:iam:org:project:roles": {"top-manager": {"2716": "popug.example"}, "worker": {"2716": "popug.example"}}}`
		auth0   = `{"https://ates.popug.example/roles": ["manager"]}`
	)
	for name, c := range map[string]struct {
		claim, roleMap string
		claims         []string
		want           domain.Role
		refused        string
	}{
		"the default, a list":                       {"", "", []string{`{"roles": ["worker"]}`}, domain.Worker, ""},
		"the default, a text":                       {"", "", []string{`{"roles": "top-manager"}`}, domain.TopManager, ""},
		"Keycloak, of the realm":                    {"realm_access.roles", "ates-manager=manager", []string{keycloak}, domain.Manager, ""},
		"Keycloak, of the client":                   {"resource_access.ates.roles", "", []string{keycloak}, domain.Worker, ""},
		"Keycloak, of a client with dots":           {"/resource_access/ates.popug.example/roles", "", []string{keycloak}, domain.Admin, ""},
		"Keycloak, of a client it knows nothing of": {"resource_access.other.roles", "", []string{keycloak}, "", "sign_in.no_role"},
		"Entra, app roles":                          {"roles", "Ates.Admin=admin,Ates.Worker=worker", []string{`{"roles": ["Ates.Worker"]}`}, domain.Worker, ""},
		"Entra, groups by id":                       {"groups", "6f1c9f3e-70cf-4c8a-9c52-0d5f1f6ac5e1=manager", []string{`{"groups": ["0a", "6f1c9f3e-70cf-4c8a-9c52-0d5f1f6ac5e1"]}`}, domain.Manager, ""},
		"Entra, too many groups":                    {"groups", "0a=manager", []string{`{"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example"}}}`}, "", "sign_in.roles_left_out"},
		"Google, by email":                          {"email", "Ada@popug.example=admin", []string{`{"email": "ada@Popug.example", "email_verified": true}`}, domain.Admin, ""},
		"Google, by an email that is not verified":  {"email", "ada@popug.example=admin", []string{`{"email": "ada@popug.example", "email_verified": false}`}, "", "sign_in.email_unverified"},
		"by an email of which nothing is said":      {"email", "ada@popug.example=admin", []string{`{"email": "ada@popug.example"}`}, "", "sign_in.email_unverified"},
		"by an email verified in another source":    {"email", "ada@popug.example=admin", []string{`{"email": "ada@popug.example"}`, `{"email": "eve@popug.example", "email_verified": true}`}, "", "sign_in.email_unverified"},
		"by an email verified in words":             {"email", "ada@popug.example=admin", []string{`{"email": "ada@popug.example", "email_verified": "true"}`}, domain.Admin, ""},
		"Google, somebody else":                     {"email", "ada@popug.example=admin", []string{`{"email": "eve@evil.example", "email_verified": true}`}, "", "sign_in.no_role"},
		"Google, without an email":                  {"email", "ada@popug.example=admin", []string{`{"sub": "1"}`}, "", "sign_in.no_role"},
		"Dex":                                       {"groups", "popug:ates-admins=admin", []string{`{"groups": ["popug:all", "popug:ates-admins"]}`}, domain.Admin, ""},
		"Auth0, a claim with an address for a name": {"https://ates.popug.example/roles", "", []string{auth0}, domain.Manager, ""},
		"Auth0, as a pointer":                       {"/https:~1~1ates.popug.example~1roles", "", []string{auth0}, domain.Manager, ""},
		"ZITADEL, keys of an object":                {"urn:zitadel:iam:org:project:roles", "", []string{zitadel}, domain.TopManager, ""},
		"keys of what is not held":                  {"roles", "", []string{`{"roles": {"admin": false, "manager": null, "worker": true}}`}, domain.Worker, ""},
		"the highest wins, whatever the order":      {"", "", []string{`{"roles": ["worker", "top-manager", "admin", "manager"]}`}, domain.Admin, ""},
		"a Top-Manager rather than a Manager":       {"", "", []string{`{"roles": ["manager", "top-manager", "worker"]}`}, domain.TopManager, ""},
		"groups of LDAP":                            {"groups", "CN=admins,OU=ates=admin; CN=all,OU=ates=worker", []string{`{"groups": ["CN=all,OU=ates"]}`}, domain.Worker, ""},
		"only UserInfo has them":                    {"realm_access.roles", "", []string{`{"sub": "1", "realm_access": {}}`, `{"realm_access": {"roles": ["manager"]}}`}, domain.Manager, ""},
		"UserInfo adds nothing to what there is":    {"", "", []string{`{"roles": ["worker"]}`, `{"roles": ["admin"]}`}, domain.Worker, ""},
		"with a map, our own names mean nothing":    {"", "boss=admin", []string{`{"roles": ["admin"]}`}, "", "sign_in.no_role"},
		"names in another case are others":          {"", "", []string{`{"roles": ["Admin"]}`}, "", "sign_in.no_role"},
		"the program's own role is none":            {"", "", []string{`{"roles": ["system", ""]}`}, "", "sign_in.no_role"},
		"no claim":                                  {"", "", []string{`{"sub": "1"}`}, "", "sign_in.no_role"},
		"an empty list":                             {"", "", []string{`{"roles": []}`}, "", "sign_in.no_role"},
		"values that are no names":                  {"", "", []string{`{"roles": [1, {"admin": true}, ["admin"], null]}`}, "", "sign_in.no_role"},
		"a number":                                  {"", "", []string{`{"roles": 1}`}, "", "sign_in.no_role"},
		"a path through a text":                     {"roles.ates", "", []string{`{"roles": "admin"}`}, "", "sign_in.no_role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role, err := rules(t, c.claim, c.roleMap).role(said(t, c.claims...))
			if c.refused != "" {
				var refusal *domain.Refusal
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, c.refused, refusal.Code)
				require.Equal(t, domain.Forbidden, refusal.Kind)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, role)
		})
	}
}

func TestRoleRulesThatCannotBeReadSayWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ claim, roleMap, inClaim, inMap string }{
		{"realm_access..roles", "", "empty", ""},
		{".", "", "empty", ""},
		{"/", "", "empty", ""},
		{"/a/~2", "", "~0", ""},
		{"", "admins", "", "name=role"},
		{"", "=admin", "", "name=role"},
		{"", "admins=boss", "", "top-manager"},
		{"", "admins=Admin", "", "the roles are"},
		{"", "a=admin,a=worker", "", "twice"},
		{"email", "", "", "ada@example.com=admin"},
	} {
		_, claimErr, mapErr := ParseRoleRules(c.claim, c.roleMap)
		for want, err := range map[string]error{c.inClaim: claimErr, c.inMap: mapErr} {
			if want != "" {
				require.ErrorContains(t, err, want, "%q %q", c.claim, c.roleMap)
			}
		}
		require.True(t, claimErr != nil || mapErr != nil)
	}
}

func TestPeopleAreCalledWhatTheirProviderCallsThem(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`{"name": "Polly Parrot", "preferred_username": "polly"}`: "Polly Parrot",
		`{"given_name": "Polly", "family_name": "Parrot"}`:        "Polly Parrot",
		`{"family_name": "Parrot"}`:                               "Parrot",
		`{"name": " ", "preferred_username": "polly"}`:            "polly",
		`{"name": 7, "nickname": "Pol"}`:                          "Pol",
		`{"sub": "1"}`:                                            "",
	} {
		require.Equal(t, want, said(t, source).name(), source)
	}
}

// Whatever is configured and claimed, nobody gets a role that is none of ours.
func FuzzRoleRules(f *testing.F) {
	f.Add("roles", "a=admin,b=worker", `{"roles": ["a"]}`)
	f.Add("/a~1b/c", "", `{"a/b": {"c": {"admin": true}}}`)
	f.Add("email", "ada@popug.example=admin", `{"email": "ada@popug.example", "email_verified": true}`)
	f.Add("urn:roles", "x;y=worker", `{"_claim_names": {"urn:roles": "s"}}`)
	f.Fuzz(func(t *testing.T, claim, roleMap, source string) {
		rules, claimErr, mapErr := ParseRoleRules(claim, roleMap)
		var object map[string]any
		if claimErr != nil || mapErr != nil || json.Unmarshal([]byte(source), &object) != nil {
			return
		}
		role, err := rules.role(claims{object})
		if err == nil {
			require.Contains(t, domain.Roles(), role)
		} else {
			require.Empty(t, role)
		}
	})
}
