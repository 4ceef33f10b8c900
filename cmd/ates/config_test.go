package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPublicURLMustUseTLSExceptOnThisMachine_OIDCDiscovery_3(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                "http://localhost:8080",
		"https://ates.example.com":        "https://ates.example.com",
		"https://ates.example.com/":       "https://ates.example.com",
		"http://localhost:8080":           "http://localhost:8080",
		"http://ates.localhost":           "http://ates.localhost",
		"http://127.0.0.1:8080":           "http://127.0.0.1:8080",
		"http://[::1]:8080":               "http://[::1]:8080",
		"http://ates.example.com":         "",
		"http://192.168.1.10":             "",
		"http://localhost.evil.example":   "",
		"ftp://localhost":                 "",
		"ates.example.com":                "",
		"https://ann@ates.example.com":    "",
		"https://ates.example.com/sub":    "",
		"https://ates.example.com/?x=1":   "",
		"https://ates.example.com/#login": "",
	} {
		got, err := site{Addr: "localhost:8080", PublicURL: given}.publicURL()
		require.Equal(t, want, got, given)
		if want == "" {
			require.ErrorContains(t, err, "ATES_PUBLIC_URL", given)
		} else {
			require.NoError(t, err, given)
		}
	}
}
