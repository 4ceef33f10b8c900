package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/sql/dbsqlc"
)

// token turns a code into tokens. The client shows who it is with HTTP Basic before its code is looked at, so nobody else
// can use a code up.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	if !p.authenticatesClient(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		op.RequestError(w, r, oidc.ErrInvalidClient().WithDescription("HTTP Basic with the client's id and secret is required"), nil)
		return
	}
	switch err := parseOnce(r); {
	case err != nil:
		op.RequestError(w, r, oidc.ErrInvalidRequest().WithDescription("%s", err.Error()), nil)
	case r.URL.RawQuery != "":
		op.RequestError(w, r, oidc.ErrInvalidRequest().WithDescription("parameters belong in the body"), nil)
	case r.PostForm.Get("grant_type") != string(oidc.GrantTypeCode):
		op.RequestError(w, r, oidc.ErrUnsupportedGrantType().WithDescription("only authorization_code is supported"), nil)
	default:
		op.CodeExchange(w, r, p.op)
	}
}

// authenticatesClient undoes the form encoding of both halves (RFC 6749 2.3.1).
func (p *provider) authenticatesClient(r *http.Request) bool {
	rawID, rawSecret, ok := r.BasicAuth()
	id, errID := url.QueryUnescape(rawID)
	secret, errSecret := url.QueryUnescape(rawSecret)
	return ok && errID == nil && errSecret == nil && p.Client.authenticates(id, secret)
}

// userinfo tells the bearer of an access token what it grants to know. The token is taken from the header only: what is
// in an address ends up in logs (RFC 9700 2.6).
func (p *provider) userinfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "A bearer token is required.", http.StatusUnauthorized)
		return
	}
	info, err := p.granted(r, token)
	switch {
	case errors.Is(err, errTokenInvalid):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		http.Error(w, "The token is not valid any more.", http.StatusUnauthorized)
	case err != nil:
		op.RequestError(w, r, err, nil)
	default:
		httphelper.MarshalJSON(w, info)
	}
}

var errTokenInvalid = errors.New("the access token is not valid")

// granted returns what an access token grants to know. A token is the sealed id of the authorization that bought it.
func (p *provider) granted(r *http.Request, token string) (*oidc.UserInfo, error) {
	opened, err := p.op.Crypto().Decrypt(token)
	if err != nil {
		return nil, errTokenInvalid
	}
	text, _, _ := strings.Cut(opened, ":")
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, errTokenInvalid
	}
	grant, err := p.queries.FindGrant(r.Context(), dbsqlc.FindGrantParams{ID: id, RedeemedAfter: p.Now().Add(-providerTokenLifetime)})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errTokenInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("find grant: %w", err)
	}
	info := new(oidc.UserInfo)
	describe(info, grant.AuthAccount, grant.Scopes)
	return info, nil
}

// describe sets the claims that scopes grant.
func describe(info *oidc.UserInfo, account dbsqlc.AuthAccount, scopes []string) {
	info.Subject = account.ID.String()
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name = account.Name
		info.PreferredUsername = account.Login
		info.AppendClaims("roles", []string{account.Role})
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email = account.Email
	}
}
