package handlers

import (
	"net/http"
	"slices"

	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// discovery says what the provider can do. The library's own document promises more than is true.
func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	scopes, grants := providerScopes, []oidc.GrantType{oidc.GrantTypeCode}
	if p.offline() {
		scopes, grants = append(slices.Clone(scopes), oidc.ScopeOfflineAccess), append(grants, oidc.GrantTypeRefreshToken)
	}
	basic := []oidc.AuthMethod{oidc.AuthMethodBasic}
	httphelper.MarshalJSON(w, map[string]any{
		"issuer":                                     p.Issuer,
		"authorization_endpoint":                     p.Issuer + "/authorize",
		"token_endpoint":                             p.Issuer + "/token",
		"userinfo_endpoint":                          p.Issuer + "/userinfo",
		"revocation_endpoint":                        p.Issuer + "/revoke",
		"end_session_endpoint":                       p.Issuer + "/end_session",
		"jwks_uri":                                   p.Issuer + "/keys",
		"scopes_supported":                           scopes,
		"response_types_supported":                   []string{string(oidc.ResponseTypeCode)},
		"response_modes_supported":                   []string{string(oidc.ResponseModeQuery)},
		"grant_types_supported":                      grants,
		"subject_types_supported":                    []string{"public"},
		"id_token_signing_alg_values_supported":      []string{providerAlgorithm},
		"token_endpoint_auth_methods_supported":      basic,
		"revocation_endpoint_auth_methods_supported": basic,
		"code_challenge_methods_supported":           []string{string(oidc.CodeChallengeMethodS256)},
		"claims_supported": []string{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "azp", "at_hash",
			"name", "preferred_username", "email", "roles",
		},
		"prompt_values_supported":                        []string{oidc.PromptNone, oidc.PromptLogin, oidc.PromptSelectAccount},
		"authorization_response_iss_parameter_supported": true,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
		"claims_parameter_supported":                     false,
	})
}
