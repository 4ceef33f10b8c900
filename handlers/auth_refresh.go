package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/sql/dbsqlc"
)

const (
	// A client may go on asking for a month after the person signed in, and no longer than a week after it asked last.
	refreshLifetime = 30 * 24 * time.Hour
	refreshIdle     = 7 * 24 * time.Hour
)

// refresh turns a refresh token into new tokens, another refresh token among them, and only once. A token that comes a second
// time is in two hands, and nobody can tell whose are the right ones, so its whole family ends: also for the client that won a
// race against itself, since a race looks like a theft (RFC 9700 4.14.2). Clients must ask one at a time.
func (p *provider) refresh(w http.ResponseWriter, r *http.Request, client providerClient) {
	if !client.Offline {
		p.refuseClient(w, r, oidc.ErrUnauthorizedClient().WithDescription("this client gets no refresh tokens"))
		return
	}
	token := r.PostForm.Get("refresh_token")
	if token == "" {
		p.refuseClient(w, r, oidc.ErrInvalidRequest().WithDescription("refresh_token is missing"))
		return
	}
	request, err := p.refreshable(r.Context(), token, client)
	if err == nil {
		err = request.narrow(r.PostForm.Get("scope"))
	}
	if err != nil {
		p.refuseClient(w, r, err)
		return
	}
	answer, err := op.CreateTokenResponse(r.Context(), request, opClient{client}, p.op, true, "", token)
	if err != nil {
		p.refuseClient(w, r, err)
		return
	}
	httphelper.MarshalJSON(w, answer)
}

// refreshable returns what a refresh token is good for, and ends its family when the token has been used already.
func (p *provider) refreshable(ctx context.Context, token string, client providerClient) (*refreshRequest, error) {
	now := p.Now()
	row, err := p.queries.FindRefreshToken(ctx, tokenHash(token))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, refuseRefresh()
	}
	if err != nil {
		return nil, fmt.Errorf("find refresh token: %w", err)
	}
	family, last := row.AuthRefreshFamily, row.AuthRefreshToken
	switch {
	case last.UsedAt != nil:
		return nil, p.refuseReplay(ctx, family.ID)
	case family.ClientID != client.ID, family.EndedAt != nil, !row.Active,
		!family.ExpiresAt.After(now), !last.IssuedAt.After(now.Add(-refreshIdle)):
		return nil, refuseRefresh()
	}
	return &refreshRequest{family: family, scopes: family.Scopes}, nil
}

// refuseReplay ends a family of which a used token has come again.
func (p *provider) refuseReplay(ctx context.Context, family uuid.UUID) error {
	if err := p.queries.EndRefreshFamily(ctx, dbsqlc.EndRefreshFamilyParams{ID: family, Now: p.Now()}); err != nil {
		return fmt.Errorf("end refresh tokens: %w", err)
	}
	return refuseRefresh()
}

func refuseRefresh() error {
	return oidc.ErrInvalidGrant().WithDescription("the refresh token is unknown, too old, used or revoked")
}

// CreateAccessAndRefreshTokens begins a family with what a code has bought, or uses current up and makes the next one of its
// family. The access token gets the id of the refresh token's row.
func (s *providerStorage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (id, next string, expiration time.Time, err error) {
	turn, next, now := uuid.New(), rand.Text(), s.Now()
	switch request := request.(type) {
	case redeemedRequest:
		err = s.beginFamily(ctx, request, dbsqlc.InsertRefreshTokenParams{
			ID: turn, Family: request.row.ID, TokenHash: tokenHash(next), Scopes: request.row.Scopes, Now: now,
		})
	case *refreshRequest:
		var rotated int64
		rotated, err = s.queries.RotateRefreshToken(ctx, dbsqlc.RotateRefreshTokenParams{
			TokenHash: tokenHash(current), ID: turn, NextHash: tokenHash(next), Scopes: request.scopes, Now: now,
		})
		switch {
		case err != nil:
			err = fmt.Errorf("rotate refresh token: %w", err)
		case rotated == 0:
			err = s.refuseReplay(ctx, request.family.ID)
		}
	default:
		err = errUnused
	}
	if err != nil {
		return "", "", time.Time{}, err
	}
	// The library works out expires_in with the machine's clock, not with the program's.
	return turn.String(), next, time.Now().Add(providerTokenLifetime), nil
}

// beginFamily refuses when the code has been tried again since it was redeemed.
func (s *providerStorage) beginFamily(ctx context.Context, redeemed redeemedRequest, first dbsqlc.InsertRefreshTokenParams) error {
	begun, err := s.queries.InsertRefreshFamily(ctx, dbsqlc.InsertRefreshFamilyParams{
		AuthorizationID: redeemed.row.ID, Now: first.Now, ExpiresAt: redeemed.row.AuthTime.Add(refreshLifetime),
	})
	if err != nil {
		return fmt.Errorf("begin refresh tokens: %w", err)
	}
	if begun == 0 {
		return oidc.ErrInvalidGrant().WithDescription("the code is used")
	}
	if err := s.queries.InsertRefreshToken(ctx, first); err != nil {
		return fmt.Errorf("store refresh token: %w", err)
	}
	return nil
}

// refreshRequest is a refresh token that is about to be used, as the library reads it.
type refreshRequest struct {
	family dbsqlc.AuthRefreshFamily
	// scopes are what the access token is to grant.
	scopes []string
}

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

func (r *refreshRequest) GetAMR() []string          { return r.family.Amr }
func (r *refreshRequest) GetAudience() []string     { return []string{r.family.ClientID} }
func (r *refreshRequest) GetAuthTime() time.Time    { return r.family.AuthTime }
func (r *refreshRequest) GetClientID() string       { return r.family.ClientID }
func (r *refreshRequest) GetScopes() []string       { return r.scopes }
func (r *refreshRequest) GetSubject() string        { return r.family.AccountID.String() }
func (r *refreshRequest) SetCurrentScopes([]string) {}

// narrow lets the next access token grant less than the family does. The family stays as it is (RFC 6749 6).
func (r *refreshRequest) narrow(scope string) error {
	scopes := strings.Fields(scope)
	if len(scopes) == 0 {
		return nil
	}
	for _, s := range scopes {
		if !slices.Contains(r.family.Scopes, s) {
			return oidc.ErrInvalidScope().WithDescription("the scope is wider than what was granted")
		}
	}
	if !slices.Contains(scopes, oidc.ScopeOpenID) {
		return oidc.ErrInvalidScope().WithDescription("scope openid is required")
	}
	r.scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	return nil
}
