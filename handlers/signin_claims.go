package handlers

import (
	"strings"
)

// claims are what an issuer says of a person: the ID token's, then UserInfo's where that was asked. What the first has, the
// second does not change.
type claims []map[string]any

// find returns what is at a path in the first of them that has it.
func (c claims) find(path claimPath) (value any, found bool) {
	for _, source := range c {
		value, found = any(source), true
		for _, key := range path {
			var object map[string]any
			if object, found = value.(map[string]any); !found {
				break
			}
			if value, found = object[key]; !found {
				break
			}
		}
		if found && value != nil {
			return value, true
		}
	}
	return nil, false
}

// text returns the first of some claims that is a text with something in it.
func (c claims) text(names ...string) string {
	for _, name := range names {
		value, _ := c.find(claimPath{name})
		if text, ok := value.(string); ok && strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

// email returns the address and whether the same source calls it verified. Some providers say so in a text.
func (c claims) email() (address string, verified bool) {
	for i := range c {
		if address = c[i : i+1].text("email"); address != "" {
			said := c[i]["email_verified"]
			return address, said == true || said == "true"
		}
	}
	return "", false
}

// name returns what people call the person, or the nearest to it.
func (c claims) name() string {
	if name := c.text("name"); name != "" {
		return name
	}
	if name := strings.TrimSpace(c.text("given_name") + " " + c.text("family_name")); name != "" {
		return name
	}
	return c.text("nickname", "preferred_username")
}

// leftOut reports whether an issuer says that it has a claim which it did not send (OpenID Connect Core 5.6.2).
func (c claims) leftOut(path claimPath) bool {
	_, elsewhere := c.find(claimPath{"_claim_names", path[0]})
	return elsewhere
}
