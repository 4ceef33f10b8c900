package handlers

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"ates/domain"
)

// signInIssuer is a provider as its discovery document describes it.
type signInIssuer struct {
	name     string
	client   *http.Client
	oauth    oauth2.Config
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier

	EndSession  string   `json:"end_session_endpoint"`
	SaysIssuer  bool     `json:"authorization_response_iss_parameter_supported"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
}

// discover asks the issuer for its discovery document, once it answers never again.
func (s *signIn) discover(ctx context.Context) (*signInIssuer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.issuer != nil {
		return s.issuer, nil
	}
	client := &http.Client{Transport: s.Transport, Timeout: 10 * time.Second}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover issuer %s: %w", s.Issuer, err)
	}
	issuer := &signInIssuer{name: s.Issuer, client: client, provider: provider}
	if err := provider.Claims(issuer); err != nil {
		return nil, fmt.Errorf("read discovery document of %s: %w", s.Issuer, err)
	}
	issuer.verifier = provider.Verifier(&oidc.Config{ClientID: s.ClientID})
	issuer.oauth = oauth2.Config{
		ClientID:     s.ClientID,
		ClientSecret: s.ClientSecret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  s.PublicURL + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
	}
	// Left to itself, oauth2 tries both ways in turn, and the second try would be a replay of the code.
	issuer.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if len(issuer.AuthMethods) > 0 && !slices.Contains(issuer.AuthMethods, "client_secret_basic") {
		issuer.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	s.issuer = issuer
	return issuer, nil
}

// checkAnswer refuses what is not this issuer's answer, against mix-up (RFC 9207), and an answer that is an error.
func (i *signInIssuer) checkAnswer(query url.Values) error {
	if (i.SaysIssuer || query.Has("iss")) && query.Get("iss") != i.name {
		return &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.wrong_issuer",
			Message: "This answer does not come from the sign-in service that was asked. Sign in again.",
		}
	}
	if query.Has("error") {
		return &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.denied",
			Message: "The sign-in service did not let you in. Sign in again, or ask an Admin.",
			Details: map[string]any{"error": query.Get("error")},
		}
	}
	return nil
}

// identity is what an issuer vouches for.
type identity struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	// Party is the client that the token is meant for, when the issuer says so.
	Party string `json:"azp"`
	// IDToken is the proof itself.
	IDToken string `json:"-"`
}

// identify redeems the code and checks the ID token as OpenID Connect Core 3.1.3.7 asks: signature, issuer, audience,
// authorized party, expiry, nonce, and the hash of the access token.
func (i *signInIssuer) identify(ctx context.Context, code string, attempt signInAttempt) (who identity, err error) {
	ctx = oidc.ClientContext(ctx, i.client)
	token, err := i.oauth.Exchange(ctx, code, oauth2.VerifierOption(attempt.Verifier))
	if failed := (*oauth2.RetrieveError)(nil); errors.As(err, &failed) && failed.ErrorCode == "invalid_grant" {
		return who, &domain.Refusal{
			Kind: domain.Conflict, Code: "sign_in.code_refused",
			Message: "This sign-in took too long or was used already. Sign in again.",
		}
	}
	if err != nil {
		return who, fmt.Errorf("redeem code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := i.verifier.Verify(ctx, raw)
	if err != nil {
		return who, fmt.Errorf("verify ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(attempt.Nonce)) != 1 {
		return who, errors.New("verify ID token: it answers another request (nonce)")
	}
	if idToken.AccessTokenHash != "" {
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
			return who, fmt.Errorf("verify access token: %w", err)
		}
	}
	if err := idToken.Claims(&who); err != nil {
		return who, fmt.Errorf("read ID token: %w", err)
	}
	if who.Party != "" && who.Party != i.oauth.ClientID {
		return who, fmt.Errorf("verify ID token: it is meant for %q (azp)", who.Party)
	}
	who.IDToken = raw
	return who, i.complete(ctx, &who, token)
}

// complete asks UserInfo for what some issuers keep out of the ID token.
func (i *signInIssuer) complete(ctx context.Context, who *identity, token *oauth2.Token) error {
	if who.Email != "" || i.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := i.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask UserInfo: %w", err)
	}
	// OpenID Connect Core 5.3.2: without this check a stolen access token could lend somebody else's claims.
	if info.Subject != who.Subject {
		return fmt.Errorf("ask UserInfo: it speaks of %q, the ID token of %q", info.Subject, who.Subject)
	}
	var more identity
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("read UserInfo: %w", err)
	}
	who.Email = more.Email
	if who.Name == "" {
		who.Name = more.Name
	}
	return nil
}
