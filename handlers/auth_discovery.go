package handlers

import (
	"net/http"

	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// discovery says what the provider can do. The library's own document promises more than is true.
func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	httphelper.MarshalJSON(w, map[string]any{
		"issuer":                                p.Issuer,
		"authorization_endpoint":                p.Issuer + "/authorize",
		"token_endpoint":                        p.Issuer + "/token",
		"userinfo_endpoint":                     p.Issuer + "/userinfo",
		"end_session_endpoint":                  p.Issuer + "/end_session",
		"jwks_uri":                              p.Issuer + "/keys",
		"scopes_supported":                      providerScopes,
		"response_types_supported":              []string{string(oidc.ResponseTypeCode)},
		"response_modes_supported":              []string{string(oidc.ResponseModeQuery)},
		"grant_types_supported":                 []string{string(oidc.GrantTypeCode)},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{providerAlgorithm},
		"token_endpoint_auth_methods_supported": []string{string(oidc.AuthMethodBasic)},
		"code_challenge_methods_supported":      []string{string(oidc.CodeChallengeMethodS256)},
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
