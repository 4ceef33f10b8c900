package handlers

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
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
	Scopes      []string `json:"scopes_supported"`
	Prompts     []string `json:"prompt_values_supported"`
	Keys        string   `json:"jwks_uri"`

	roles *RoleRules
}

const (
	// answersWithin is how long the issuer may take for each of its answers, and maxAnswer how many bytes one may have.
	answersWithin = 5 * time.Second
	maxAnswer     = 1 << 20
	// clockSkew is how far the issuer's clock may be from ours.
	clockSkew = time.Minute
)

// discover asks the issuer for its discovery document, once it answers never again. Those who ask at the same time share the
// answer, so that an issuer that hangs holds up nobody for longer than one question.
func (s *signIn) discover(ctx context.Context) (*signInIssuer, error) {
	if issuer := s.issuer.Load(); issuer != nil {
		return issuer, nil
	}
	answer := s.asking.DoChan("", func() (any, error) {
		issuer, err := s.ask(context.WithoutCancel(ctx))
		if err == nil {
			s.issuer.Store(issuer)
		}
		return issuer, err
	})
	select {
	case a := <-answer:
		if a.Err != nil {
			return nil, faultOf(a.Err)
		}
		return a.Val.(*signInIssuer), nil //nolint:forcetypeassert // as returned above
	case <-ctx.Done():
		return nil, faultOf(ctx.Err())
	}
}

func (s *signIn) ask(ctx context.Context) (*signInIssuer, error) {
	client := &http.Client{
		Transport: boundedTransport{cmp.Or[http.RoundTripper](s.Transport, http.DefaultTransport)}, Timeout: answersWithin,
		// A code or a secret goes where the discovery document says and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover issuer %s: %w", s.Issuer, err)
	}
	issuer := &signInIssuer{name: s.Issuer, client: client, provider: provider, roles: s.Roles}
	if err := provider.Claims(issuer); err != nil {
		return nil, fmt.Errorf("read discovery document of %s: %w", s.Issuer, err)
	}
	if err := issuer.checkAddresses(); err != nil {
		return nil, fmt.Errorf("read discovery document of %s: %w", s.Issuer, err)
	}
	issuer.verifier = provider.Verifier(&oidc.Config{ClientID: s.ClientID, Now: func() time.Time { return time.Now().Add(-clockSkew) }})
	issuer.oauth = oauth2.Config{
		ClientID:     s.ClientID,
		ClientSecret: s.ClientSecret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  s.PublicURL + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
	}
	// Some issuers, such as Dex, tell groups only to who asks for the scope of that name; others refuse a scope they do not know.
	if s.Roles != nil && slices.Contains(issuer.Scopes, s.Roles.claim[0]) && !slices.Contains(issuer.oauth.Scopes, s.Roles.claim[0]) {
		issuer.oauth.Scopes = append(issuer.oauth.Scopes, s.Roles.claim[0])
	}
	// Left to itself, oauth2 tries both ways in turn, and the second try would be a replay of the code.
	issuer.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if len(issuer.AuthMethods) > 0 && !slices.Contains(issuer.AuthMethods, "client_secret_basic") {
		issuer.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return issuer, nil
}

// checkAddresses refuses a discovery document without the addresses that a sign-in needs, or with one that is less secret
// than the issuer itself.
func (i *signInIssuer) checkAddresses() error {
	endpoint := i.provider.Endpoint()
	for name, address := range map[string]string{
		"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "jwks_uri": i.Keys,
		"userinfo_endpoint": i.provider.UserInfoEndpoint(), "end_session_endpoint": i.EndSession,
	} {
		if address == "" && (name == "userinfo_endpoint" || name == "end_session_endpoint") {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || strings.HasPrefix(i.name, "https://")) {
			return fmt.Errorf("its %s is %q", name, address)
		}
	}
	return nil
}

// askWho is the prompt with which the issuer asks who it is, though somebody is signed in.
func (i *signInIssuer) askWho() string {
	if slices.Contains(i.Prompts, "select_account") {
		return "select_account"
	}
	return "login"
}

// boundedTransport reads no more of an answer than any sensible one has, and takes an issuer that is out of order for one that
// does not answer.
type boundedTransport struct{ http.RoundTripper }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= http.StatusInternalServerError {
		_ = res.Body.Close()
		return nil, fmt.Errorf("the issuer answered %s", res.Status)
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}

// checkAnswer refuses what is not this issuer's answer, against mix-up (RFC 9207), and an answer that is an error.
func (i *signInIssuer) checkAnswer(query url.Values) error {
	if (i.SaysIssuer || query.Has("iss")) && query.Get("iss") != i.name {
		return &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.wrong_issuer",
			Message: "This answer does not come from the sign-in service that was asked. Sign in again.",
		}
	}
	switch failed := query.Get("error"); failed {
	case "":
		return nil
	case "access_denied":
		return &domain.Refusal{
			Kind: domain.Forbidden, Code: "sign_in.denied",
			Message: "The sign-in service did not let you in. Sign in again, or ask an Admin.",
		}
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		return &domain.Refusal{
			Kind: domain.Conflict, Code: "sign_in.broken_off",
			Message: "The sign-in was not finished. Sign in again.",
		}
	default:
		// All others are between the two programs: nothing that the person could do.
		return &issuerFault{
			err:  fmt.Errorf("the issuer answered %q: %.300q", failed, query.Get("error_description")),
			down: failed == "temporarily_unavailable" || failed == "server_error",
		}
	}
}

// identity is what an issuer vouches for.
type identity struct {
	Issuer, Subject string
	Name, Email     string
	// IDToken is the proof itself.
	IDToken string

	claims claims
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
		return who, faultOf(fmt.Errorf("redeem code: %w", err))
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := i.verifier.Verify(ctx, raw)
	if err != nil {
		return who, faultOf(fmt.Errorf("verify ID token: %w", err))
	}
	who = identity{Issuer: i.name, Subject: idToken.Subject, IDToken: raw}
	claims, err := i.checkToken(idToken, token, attempt)
	if err != nil {
		return who, faultOf(fmt.Errorf("verify ID token: %w", err))
	}
	if claims, err = i.complete(ctx, claims, idToken.Subject, token); err != nil {
		return who, faultOf(fmt.Errorf("ask UserInfo: %w", err))
	}
	who.claims, who.Name = claims, claims.name()
	who.Email, _ = claims.email()
	return who, nil
}

// checkToken checks what the library leaves to us and returns the claims.
func (i *signInIssuer) checkToken(idToken *oidc.IDToken, token *oauth2.Token, attempt signInAttempt) (claims, error) {
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(attempt.Nonce)) != 1 {
		return nil, errors.New("it answers another request (nonce)")
	}
	if idToken.AccessTokenHash != "" {
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, fmt.Errorf("verify access token: %w", err)
		}
	}
	if idToken.Subject == "" {
		return nil, errors.New("it names nobody (sub)")
	}
	var said map[string]any
	if err := idToken.Claims(&said); err != nil {
		return nil, err
	}
	if party, ok := said["azp"]; ok && party != i.oauth.ClientID {
		return nil, fmt.Errorf("it is meant for %q (azp)", party)
	}
	return claims{said}, nil
}

// complete asks UserInfo for what some issuers keep out of the ID token.
func (i *signInIssuer) complete(ctx context.Context, said claims, subject string, token *oauth2.Token) (claims, error) {
	hasRole := i.roles == nil
	if !hasRole {
		_, hasRole = said.find(i.roles.claim)
	}
	if said.text("email") != "" && said.name() != "" && hasRole || i.provider.UserInfoEndpoint() == "" {
		return said, nil
	}
	info, err := i.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	// OpenID Connect Core 5.3.2: without this check a stolen access token could lend somebody else's claims.
	if info.Subject != subject {
		return nil, fmt.Errorf("it speaks of %q, the ID token of %q", info.Subject, subject)
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return append(said, more), nil
}
