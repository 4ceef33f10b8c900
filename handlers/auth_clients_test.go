package handlers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClientsAreReadStrictly_RFC9700_2_1(t *testing.T) {
	t.Parallel()
	const secret = `"secret": "0123456789abcdef0123456789abcdef"`
	client := func(rest string) string { return `[{"id": "diary", ` + secret + `, ` + rest + `}]` }
	for text, says := range map[string]string{
		``:      "no JSON list",
		`{}`:    "no JSON list",
		`[] []`: "after the list",
		client(`"redirect_uris": ["https://diary.example/callback"], "redirect_uri": ""`): "unknown field",
		client(`"redirect_uris": []`):                                                                                 "redirect_uris",
		client(`"redirect_uris": ["/callback"]`):                                                                      "whole https address",
		client(`"redirect_uris": ["http://diary.example/callback"]`):                                                  "whole https address",
		client(`"redirect_uris": ["https://diary.example/callback#x"]`):                                               "whole https address",
		client(`"redirect_uris": ["https://diary.example/#"]`):                                                        "whole https address",
		client(`"redirect_uris": ["https://*.diary.example/callback"]`):                                               "whole https address",
		client(`"redirect_uris": ["https://ann@diary.example/"]`):                                                     "whole https address",
		client(`"redirect_uris": ["javascript:alert(1)"]`):                                                            "whole https address",
		client(`"redirect_uris": ["https://diary.example;x/"]`):                                                       "whole https address",
		client(`"redirect_uris": ["https://diary.example/"], "post_logout_redirect_uris": ["http://diary.example/"]`): "whole https address",
		`[{"id": "ates", ` + secret + `, "redirect_uris": ["https://diary.example/"]}]`:                               "taken",
		`[{"id": "a b", ` + secret + `, "redirect_uris": ["https://diary.example/"]}]`:                                "letters, digits",
		`[{"id": "diary", "secret": "short", "redirect_uris": ["https://diary.example/"]}]`:                           "32 characters",
	} {
		_, err := ReadClients(strings.NewReader(text))
		require.ErrorContains(t, err, says, text)
		require.NotContains(t, err.Error(), "0123456789abcdef", "secrets are not told")
	}

	clients, err := ReadClients(strings.NewReader(client(`"offline_access": true,
		"redirect_uris": ["https://diary.example/callback?x=1", "http://127.0.0.1:9000/callback"], "post_logout_redirect_uris": ["https://diary.example/"]`)))
	require.NoError(t, err)
	require.Equal(t, []Client{{
		ID: "diary", Secret: "0123456789abcdef0123456789abcdef", Offline: true,
		RedirectURIs:   []string{"https://diary.example/callback?x=1", "http://127.0.0.1:9000/callback"},
		PostLogoutURIs: []string{"https://diary.example/"},
	}}, clients)
	require.Contains(t, signInPolicy(clients), "; form-action 'self' https://diary.example http://127.0.0.1:9000; base-uri 'none'")
	require.Equal(t, policy, signInPolicy(nil))
}
