package handlers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/domain"
	"ates/sql/dbsqlc"
)

const (
	providerCodeLifetime  = time.Minute
	providerTokenLifetime = 10 * time.Minute
)

var (
	providerScopes   = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail}
	challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	// What RFC 6749 allows a client to hand us for safe keeping, and no more of it than makes sense.
	keepsakePattern = regexp.MustCompile(`^[\x20-\x7e]{0,512}$`)
)

// authorize answers a client that asks who sits at the browser: with a code when somebody is signed in here, else after
// the login page. What is wrong with the client or its redirect URI is shown here and never sent anywhere (RFC 9700 4.1);
// what else is wrong goes back to the client as an error.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) error {
	if err := parseOnce(r); err != nil {
		return err
	}
	req, err := op.ParseAuthorizeRequest(r, p.op.Decoder())
	if err != nil {
		return refuseUnknownClient()
	}
	client, ok := p.client(req.ClientID)
	if !ok || !slices.Contains(client.RedirectURIs, req.RedirectURI) {
		return refuseUnknownClient()
	}
	reply := url.Values{"iss": {p.Issuer}}
	if req.State != "" {
		reply.Set("state", req.State)
	}
	who, signedIn, err := p.signedIn(r)
	if err != nil {
		return err
	}
	hint, refusal := p.checkAuthorize(r, req)
	if refusal == nil {
		signedIn = signedIn && p.maySkipLogin(req, who, hint)
		if !signedIn && slices.Contains(req.Prompt, oidc.PromptNone) {
			refusal = oidc.ErrLoginRequired()
		}
	}
	if refusal != nil {
		reply.Set("error", string(refusal.ErrorType))
		reply.Set("error_description", refusal.Description)
		return send(w, r, req.RedirectURI, reply)
	}
	asked, err := p.ask(w, r, req, client)
	if err != nil {
		return err
	}
	if signedIn {
		return p.grant(w, r, asked, who)
	}
	http.Redirect(w, r, "/auth/login?"+url.Values{"request": {asked.ID.String()}}.Encode(), http.StatusSeeOther)
	return nil
}

func refuseUnknownClient() error {
	return &domain.Refusal{
		Kind: domain.Invalid, Code: "auth.unknown_client",
		Message: "The application that sent you here is not registered like this. Go back to it and try again.",
	}
}

// checkAuthorize returns whom the client expects, if it says so, and what it may not ask for.
func (p *provider) checkAuthorize(r *http.Request, req *oidc.AuthRequest) (hint string, refusal *oidc.Error) {
	switch {
	case req.ResponseType != oidc.ResponseTypeCode:
		return "", &oidc.Error{ErrorType: "unsupported_response_type", Description: "only response_type code is supported"}
	case req.ResponseMode != "" && req.ResponseMode != oidc.ResponseModeQuery:
		return "", oidc.ErrInvalidRequest().WithDescription("only response_mode query is supported")
	case req.RequestParam != "":
		return "", oidc.ErrRequestNotSupported()
	case r.Form.Has("request_uri"):
		return "", &oidc.Error{ErrorType: "request_uri_not_supported"}
	case req.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || !challengePattern.MatchString(req.CodeChallenge):
		return "", oidc.ErrInvalidRequest().WithDescription("PKCE with code_challenge_method S256 is required")
	case !slices.Contains(req.Scopes, oidc.ScopeOpenID):
		return "", oidc.ErrInvalidScope().WithDescription("scope openid is required")
	case !keepsakePattern.MatchString(req.State) || !keepsakePattern.MatchString(req.Nonce):
		return "", oidc.ErrInvalidRequest().WithDescription("state and nonce have at most 512 printable characters of ASCII")
	}
	var err error
	if req.MaxAge, err = op.ValidateAuthReqPrompt(req.Prompt, req.MaxAge); err == nil {
		hint, err = op.ValidateAuthReqIDTokenHint(r.Context(), req.IDTokenHint, p.op.IDTokenHintVerifier(r.Context()))
	}
	if err != nil {
		return "", oidc.DefaultToServerError(err, "the request cannot be checked")
	}
	return hint, nil
}

// maySkipLogin reports whether the client is content with the person who is signed in already.
func (p *provider) maySkipLogin(req *oidc.AuthRequest, who providerPerson, hint string) bool {
	if slices.Contains(req.Prompt, oidc.PromptLogin) || slices.Contains(req.Prompt, oidc.PromptSelectAccount) {
		return false
	}
	if req.MaxAge != nil && p.Now().Sub(who.AuthTime).Seconds() > float64(*req.MaxAge) {
		return false
	}
	return hint == "" || hint == who.ID.String()
}

// providerAsked is an authorization request in its browser. Only the browser that began it can answer it, so nobody can
// have a victim sign in for a request of theirs.
type providerAsked struct {
	ID      uuid.UUID
	Browser []byte
}

// ask notes what the client wants, of the scopes those that it may, and ties it to the browser.
func (p *provider) ask(w http.ResponseWriter, r *http.Request, req *oidc.AuthRequest, client providerClient) (asked providerAsked, err error) {
	asked.ID = uuid.New()
	asked.Browser = p.markBrowser(w, r)
	may := client.scopes()
	scopes := slices.DeleteFunc(slices.Clone([]string(req.Scopes)), func(s string) bool { return !slices.Contains(may, s) })
	now := p.Now()
	err = p.queries.InsertAuthorization(r.Context(), dbsqlc.InsertAuthorizationParams{
		ID:            asked.ID,
		ClientID:      req.ClientID,
		RedirectUri:   req.RedirectURI,
		State:         req.State,
		Nonce:         req.Nonce,
		Scopes:        slices.Compact(slices.Sorted(slices.Values(scopes))),
		CodeChallenge: req.CodeChallenge,
		BrowserHash:   asked.Browser,
		Now:           now,
		ExpiresAt:     now.Add(signInTimeout),
	})
	if err != nil {
		return asked, fmt.Errorf("note authorization request: %w", err)
	}
	return asked, nil
}

// grant sends the browser back to the client with a code for a person. Each request is granted once.
func (p *provider) grant(w http.ResponseWriter, r *http.Request, asked providerAsked, who providerPerson) error {
	code := rand.Text()
	granted, err := p.queries.AnswerAuthorization(r.Context(), dbsqlc.AnswerAuthorizationParams{
		ID:          asked.ID,
		BrowserHash: asked.Browser,
		AccountID:   who.ID,
		AuthTime:    who.AuthTime,
		Amr:         who.AMR,
		CodeHash:    tokenHash(code),
		Now:         p.Now(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return refuseExpired()
	}
	if err != nil {
		return fmt.Errorf("grant authorization request: %w", err)
	}
	reply := url.Values{"code": {code}, "iss": {p.Issuer}}
	if granted.State != "" {
		reply.Set("state", granted.State)
	}
	return send(w, r, granted.RedirectUri, reply)
}

func refuseExpired() error {
	return &domain.Refusal{
		Kind: domain.Conflict, Code: "auth.request_expired",
		Message: "This sign-in page is out of date or belongs to another browser. Start again.",
	}
}
