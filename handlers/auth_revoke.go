package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"ates/sql/dbsqlc"
)

// revoke lets a client give up a token of its own (RFC 7009). A refresh token takes its family with it, the access tokens
// included; an access token goes alone. What is no token, or none any more, is as good as revoked. The hint is not needed.
func (p *provider) revoke(w http.ResponseWriter, r *http.Request) {
	client, ok := p.byClient(w, r)
	if !ok {
		return
	}
	token := r.PostForm.Get("token")
	if token == "" {
		p.refuseClient(w, r, oidc.ErrInvalidRequest().WithDescription("token is missing"))
		return
	}
	err := p.revokeRefreshToken(r.Context(), token, client)
	if errors.Is(err, pgx.ErrNoRows) {
		err = p.revokeAccessToken(r.Context(), token, client)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		p.refuseClient(w, r, err)
	}
}

// revokeRefreshToken returns pgx.ErrNoRows when it is none.
func (p *provider) revokeRefreshToken(ctx context.Context, token string, client providerClient) error {
	row, err := p.queries.FindRefreshToken(ctx, tokenHash(token))
	if err != nil {
		return fmt.Errorf("find refresh token: %w", err)
	}
	if row.AuthRefreshFamily.ClientID != client.ID {
		return refuseRevocation()
	}
	err = p.queries.EndRefreshFamily(ctx, dbsqlc.EndRefreshFamilyParams{ID: row.AuthRefreshFamily.ID, Now: p.Now()})
	if err != nil {
		return fmt.Errorf("end refresh tokens: %w", err)
	}
	return nil
}

// revokeAccessToken returns pgx.ErrNoRows when it is none.
func (p *provider) revokeAccessToken(ctx context.Context, token string, client providerClient) error {
	id, ok := p.openAccessToken(token)
	if !ok {
		return pgx.ErrNoRows
	}
	owner, err := p.queries.FindAccessTokenClient(ctx, id)
	if err != nil {
		return fmt.Errorf("find access token: %w", err)
	}
	if owner != client.ID {
		return refuseRevocation()
	}
	if err := p.queries.RevokeAccessToken(ctx, dbsqlc.RevokeAccessTokenParams{ID: id, Now: p.Now()}); err != nil {
		return fmt.Errorf("revoke access token: %w", err)
	}
	return nil
}

// refuseRevocation answers a client that holds a token of another's (RFC 7009 2.1).
func refuseRevocation() error {
	return oidc.ErrInvalidGrant().WithDescription("the token was given to another client")
}
