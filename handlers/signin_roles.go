package handlers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ates/domain"
)

// precedence is which role wins where a provider gives somebody several: the first of these.
var precedence = []domain.Role{domain.Admin, domain.TopManager, domain.Manager, domain.Worker}

// RoleRules say where another provider's claims name a person's roles, and which of ours they mean.
type RoleRules struct {
	claim claimPath
	// roles are ours by the provider's names; nil where the provider uses our names.
	roles map[string]domain.Role
}

// ParseRoleRules reads the place of a claim and a map of names, either of which may be empty: the claim is then "roles",
// and the names are our own. The errors say which of the two cannot be read and what would be right.
func ParseRoleRules(claim, roleMap string) (rules RoleRules, claimErr, mapErr error) {
	if claim == "" {
		claim = "roles"
	}
	rules.claim, claimErr = parseClaimPath(claim)
	rules.roles, mapErr = parseRoleMap(roleMap)
	if mapErr == nil && rules.byEmail() {
		if rules.roles == nil {
			return rules, claimErr, errors.New("it must say which email has which role when roles go by email, such as ada@example.com=admin")
		}
		lower := map[string]domain.Role{}
		for email, role := range rules.roles {
			lower[strings.ToLower(email)] = role
		}
		rules.roles = lower
	}
	return rules, claimErr, mapErr
}

// byEmail reports whether people have their roles by their address, which must be verified then.
func (r RoleRules) byEmail() bool { return slices.Equal(r.claim, claimPath{"email"}) }

// role returns the role that claims give a person. It refuses who has none.
func (r RoleRules) role(claims claims) (domain.Role, error) {
	value, found := claims.find(r.claim)
	if r.byEmail() {
		email, verified := claims.email()
		if email != "" && !verified {
			return "", &domain.Refusal{
				Kind: domain.Forbidden, Code: "sign_in.email_unverified",
				Message: "Your role goes by your email address, and the sign-in service has not verified it. Verify it there, then sign in again.",
			}
		}
		value = strings.ToLower(email)
	}
	if !found && claims.leftOut(r.claim) {
		return "", &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.roles_left_out",
			Message: "You are in so many groups that the sign-in service left them all out. Whoever runs it can have it send app roles instead.",
		}
	}
	var best domain.Role
	rank := len(precedence)
	for _, name := range names(value) {
		role := domain.Role(name)
		if r.roles != nil {
			role = r.roles[name]
		}
		if i := slices.Index(precedence, role); i >= 0 && i < rank {
			best, rank = role, i
		}
	}
	if best == "" {
		return "", &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.no_role",
			Message: "You are signed in, but the sign-in service names no role that you have here. Ask whoever manages your account there to give you one.",
		}
	}
	return best, nil
}

// names are the roles or groups that the value of a claim lists: one text, a list of texts, or an object with a key for
// each that is neither null nor false.
func names(value any) (names []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, item := range value {
			if name, ok := item.(string); ok {
				names = append(names, name)
			}
		}
	case map[string]any:
		for name, held := range value {
			if held != nil && held != false {
				names = append(names, name)
			}
		}
	}
	return names
}

// claimPath is where in a person's claims something is: the key to look up, and then the key in the object found there.
type claimPath []string

// parseClaimPath reads "roles" and "realm_access.roles", each dot being a step; a name with a colon, such as
// "https://example.com/roles", which is one key whatever dots it has; and, for keys that are neither, what begins with a
// slash as a JSON Pointer (RFC 6901).
func parseClaimPath(text string) (claimPath, error) {
	var path claimPath
	pointer := strings.HasPrefix(text, "/")
	switch {
	case pointer:
		unescape := strings.NewReplacer("~1", "/", "~0", "~")
		for step := range strings.SplitSeq(text[1:], "/") {
			if strings.Contains(strings.NewReplacer("~1", "", "~0", "").Replace(step), "~") {
				return nil, errors.New("in a JSON Pointer, ~ must be written ~0 and / within a key ~1")
			}
			path = append(path, unescape.Replace(step))
		}
	case strings.Contains(text, ":"):
		path = claimPath{text}
	default:
		path = strings.Split(text, ".")
	}
	if slices.Contains(path, "") {
		return nil, errors.New("a key is empty; name a claim such as roles, realm_access.roles, https://example.com/roles or /resource_access/my.client/roles")
	}
	return path, nil
}

// parseRoleMap reads pairs such as "ates-admins=admin,ates-managers=manager", nil when there are none. Names with commas in
// them, such as those of LDAP, are kept apart by semicolons or new lines. The last = of a pair counts.
func parseRoleMap(text string) (map[string]domain.Role, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	separator := func(r rune) bool { return r == ',' }
	if strings.ContainsAny(text, ";\n") {
		separator = func(r rune) bool { return r == ';' || r == '\n' }
	}
	roles := map[string]domain.Role{}
	for pair := range strings.FieldsFuncSeq(text, separator) {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		at := strings.LastIndex(pair, "=")
		if at < 0 {
			return nil, fmt.Errorf("%q is no pair; write name=role, such as ates-admins=admin", pair)
		}
		name, role := strings.TrimSpace(pair[:at]), domain.Role(strings.TrimSpace(pair[at+1:]))
		switch {
		case name == "":
			return nil, fmt.Errorf("%q names nobody; write name=role, such as ates-admins=admin", pair)
		case !slices.Contains(precedence, role):
			return nil, fmt.Errorf("%q gives the role %q; the roles are worker, manager, top-manager and admin", pair, role)
		case roles[name] != "":
			return nil, fmt.Errorf("%q is there twice", name)
		}
		roles[name] = role
	}
	return roles, nil
}
