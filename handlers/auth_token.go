package handlers

import (
	"errors"
	"fmt"
	"log/slog"
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

// token turns a code, or a refresh token, into tokens.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	client, ok := p.byClient(w, r)
	if !ok {
		return
	}
	switch oidc.GrantType(r.PostForm.Get("grant_type")) {
	case oidc.GrantTypeCode:
		op.CodeExchange(w, r, p.op)
	case oidc.GrantTypeRefreshToken:
		p.refresh(w, r, client)
	default:
		p.refuseClient(w, r, oidc.ErrUnsupportedGrantType().WithDescription("only authorization_code and refresh_token are supported"))
	}
}

// byClient returns which client sent the form, after it has been read. A client shows who it is with HTTP Basic before anything
// else is looked at, so nobody else can use up a code or learn what a token is worth. Whoever is no client, or sends no form, has
// been told so when it is not ok.
func (p *provider) byClient(w http.ResponseWriter, r *http.Request) (client providerClient, ok bool) {
	if client, ok = p.authenticatedClient(r); !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		p.refuseClient(w, r, oidc.ErrInvalidClient().WithDescription("HTTP Basic with the client's id and secret is required"))
		return client, false
	}
	switch err := parseOnce(r); {
	case err != nil:
		p.refuseClient(w, r, oidc.ErrInvalidRequest().WithDescription("%s", err.Error()))
		return client, false
	case r.URL.RawQuery != "":
		p.refuseClient(w, r, oidc.ErrInvalidRequest().WithDescription("parameters belong in the body"))
		return client, false
	}
	return client, true
}

// authenticatedClient undoes the form encoding of both halves (RFC 6749 2.3.1).
func (p *provider) authenticatedClient(r *http.Request) (client providerClient, ok bool) {
	rawID, rawSecret, ok := r.BasicAuth()
	id, errID := url.QueryUnescape(rawID)
	secret, errSecret := url.QueryUnescape(rawSecret)
	if !ok || errID != nil || errSecret != nil {
		return client, false
	}
	client, ok = p.client(id)
	return client, ok && client.authenticates(id, secret)
}

// refuseClient tells a client why it gets nothing. Of a fault it learns only that there was one.
func (p *provider) refuseClient(w http.ResponseWriter, r *http.Request, err error) {
	if refusal := (*oidc.Error)(nil); !errors.As(err, &refusal) {
		slog.ErrorContext(r.Context(), "fault", "method", r.Method, "path", r.URL.Path, "error", err)
		err = oidc.ErrServerError()
	}
	op.RequestError(w, r, err, nil)
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
		p.refuseClient(w, r, err)
	default:
		httphelper.MarshalJSON(w, info)
	}
}

var errTokenInvalid = errors.New("the access token is not valid")

// granted returns what an access token grants to know.
func (p *provider) granted(r *http.Request, token string) (*oidc.UserInfo, error) {
	id, ok := p.openAccessToken(token)
	if !ok {
		return nil, errTokenInvalid
	}
	since := p.Now().Add(-providerTokenLifetime)
	grant, err := p.queries.FindGrant(r.Context(), dbsqlc.FindGrantParams{ID: id, RedeemedAfter: since})
	if errors.Is(err, pgx.ErrNoRows) {
		var refreshed dbsqlc.FindRefreshedGrantRow
		refreshed, err = p.queries.FindRefreshedGrant(r.Context(), dbsqlc.FindRefreshedGrantParams{ID: id, IssuedAfter: since})
		grant = dbsqlc.FindGrantRow(refreshed)
	}
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

// openAccessToken returns the id that an access token is the seal of: that of the authorization whose code bought it, or of the
// refresh token that came with it.
func (p *provider) openAccessToken(token string) (id uuid.UUID, ok bool) {
	opened, err := p.op.Crypto().Decrypt(token)
	if err != nil {
		return uuid.Nil, false
	}
	text, _, _ := strings.Cut(opened, ":")
	id, err = uuid.Parse(text)
	return id, err == nil
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
