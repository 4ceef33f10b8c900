package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

// providerStorage is what the library asks of us while it turns a code into tokens. Requests and sign-ins never pass
// through it: authorize and signIn write them.
type providerStorage struct {
	*provider
	unusedStorage
}

var (
	_ op.Storage                   = (*providerStorage)(nil)
	_ op.CanSetUserinfoFromRequest = (*providerStorage)(nil)
)

// AuthRequestByCode uses a code up, whatever comes of it: of any number of tries, at any time, one at most gets past here.
// A second try ends what the first one bought, with all that has come of it since (RFC 6749 4.1.2, RFC 9700 4.14).
func (s *providerStorage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	hash, now := tokenHash(code), s.Now()
	row, err := s.queries.RedeemAuthorization(ctx, dbsqlc.RedeemAuthorizationParams{
		CodeHash: hash, Now: now, IssuedAfter: now.Add(-providerCodeLifetime),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err := s.queries.ReplayAuthorization(ctx, dbsqlc.ReplayAuthorizationParams{CodeHash: hash, Now: now}); err != nil {
			return nil, fmt.Errorf("note replay of a code: %w", err)
		}
		if err := s.queries.EndRefreshFamilyOfCode(ctx, dbsqlc.EndRefreshFamilyOfCodeParams{CodeHash: hash, Now: now}); err != nil {
			return nil, fmt.Errorf("end the refresh tokens of a code: %w", err)
		}
		return nil, errors.New("the code is unknown, too old or used")
	}
	if err != nil {
		return nil, fmt.Errorf("redeem code: %w", err)
	}
	return redeemedRequest{row}, nil
}

// CreateAccessToken gives an access token the id of the authorization that bought it, whose row decides what it is worth.
func (s *providerStorage) CreateAccessToken(_ context.Context, request op.TokenRequest) (id string, expiration time.Time, err error) {
	redeemed, ok := request.(redeemedRequest)
	if !ok {
		return "", time.Time{}, errUnused
	}
	// The library works out expires_in with the machine's clock, not with the program's.
	return redeemed.GetID(), time.Now().Add(providerTokenLifetime), nil
}

// SetUserinfoFromRequest fills the ID token. It fails for a person who was deactivated since the code was granted.
func (s *providerStorage) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	id, err := uuid.Parse(request.GetSubject())
	if err != nil {
		return fmt.Errorf("read subject: %w", err)
	}
	account, err := s.queries.FindAccount(ctx, id)
	if err != nil {
		return fmt.Errorf("find person: %w", err)
	}
	if auth.Status(account.Status) != auth.Active {
		return oidc.ErrInvalidGrant().WithDescription("the person has been deactivated")
	}
	describe(info, account, scopes)
	return nil
}

// SetUserinfoFromScopes leaves everything to SetUserinfoFromRequest.
func (s *providerStorage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// DeleteAuthRequest keeps the row, which remembers that the code is used.
func (s *providerStorage) DeleteAuthRequest(context.Context, string) error { return nil }

// GetClientByClientID knows the clients of the configuration.
func (s *providerStorage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	client, ok := s.client(id)
	if !ok {
		return nil, errors.New("there is no such client")
	}
	return opClient{client}, nil
}

// AuthorizeClientIDSecret knows the clients of the configuration.
func (s *providerStorage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if client, ok := s.client(id); !ok || !client.authenticates(id, secret) {
		return errors.New("wrong client id or secret")
	}
	return nil
}

// SignatureAlgorithms is the one we sign with.
func (s *providerStorage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.SignatureAlgorithm(providerAlgorithm)}, nil
}

// redeemedRequest is an authorization whose code has just been used up, as the library reads it.
type redeemedRequest struct{ row dbsqlc.AuthAuthorization }

func (r redeemedRequest) GetID() string                      { return r.row.ID.String() }
func (r redeemedRequest) GetACR() string                     { return "" }
func (r redeemedRequest) GetAMR() []string                   { return r.row.Amr }
func (r redeemedRequest) GetAudience() []string              { return []string{r.row.ClientID} }
func (r redeemedRequest) GetAuthTime() time.Time             { return *r.row.AuthTime }
func (r redeemedRequest) GetClientID() string                { return r.row.ClientID }
func (r redeemedRequest) GetNonce() string                   { return r.row.Nonce }
func (r redeemedRequest) GetRedirectURI() string             { return r.row.RedirectUri }
func (r redeemedRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (r redeemedRequest) GetResponseMode() oidc.ResponseMode { return oidc.ResponseModeQuery }
func (r redeemedRequest) GetScopes() []string                { return r.row.Scopes }
func (r redeemedRequest) GetState() string                   { return r.row.State }
func (r redeemedRequest) GetSubject() string                 { return r.row.AccountID.String() }
func (r redeemedRequest) Done() bool                         { return true }
func (r redeemedRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.row.CodeChallenge, Method: oidc.CodeChallengeMethodS256}
}
