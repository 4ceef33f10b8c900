package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"ates/handlers"
	"ates/views/viewstest"
)

// Another program, on another address, lets somebody in with a click in a real browser, and asks again while they are away.
func TestPeopleSignInToOtherProgramsHere_RFC6749_6(t *testing.T) {
	t.Parallel()
	answers := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			answers <- r.URL.Query().Get("code")
			_, _ = w.Write([]byte("Welcome to the diary"))
		}
	}))
	t.Cleanup(other.Close)
	diary := handlers.Client{
		ID: "diary", Secret: strings.Repeat("a secret of the diary ", 2), RedirectURIs: []string{other.URL + "/callback"}, Offline: true,
	}
	content, err := json.Marshal([]handlers.Client{diary})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "clients.json")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	database := demoCompany.URL(t)
	p := start(t, append(demo(database), "ATES_CLIENTS="+file))

	provider, err := oidc.NewProvider(context.WithoutCancel(t.Context()), p.address+"/auth")
	require.NoError(t, err)
	client := oauth2.Config{
		ClientID: diary.ID, ClientSecret: diary.Secret, Endpoint: provider.Endpoint(), RedirectURL: diary.RedirectURIs[0],
		Scopes: []string{oidc.ScopeOpenID, "profile", oidc.ScopeOfflineAccess},
	}
	client.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	verifier := oauth2.GenerateVerifier()
	tab := viewstest.Browser(t)
	tab.Open(client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	tab.Click("button[name=demo][value=worker]")
	tab.WaitText("body", "Welcome to the diary")
	token, err := client.Exchange(t.Context(), <-answers, oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	require.NotEmpty(t, token.RefreshToken)

	again, err := client.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	require.NoError(t, err)
	require.NotEqual(t, token.RefreshToken, again.RefreshToken)
	raw, _ := again.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: diary.ID}).Verify(t.Context(), raw)
	require.NoError(t, err)
	var who struct{ Name string }
	require.NoError(t, idToken.Claims(&who))
	require.Equal(t, "Ann Lorikeet", who.Name)
}
