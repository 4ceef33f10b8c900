package handlers

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

const (
	providerAlgorithm = auth.SigningAlgorithm
	// A retired key stays published for a day longer than anything it signed is valid; sessions show their ID token for half a
	// day, when they end.
	providerKeyOverlap = 24*time.Hour + providerTokenLifetime
)

// ensureKeys makes what is missing of the keys. Processes that start together end up with the same ones, and a restart
// signs nobody out.
func (p *provider) ensureKeys(ctx context.Context) error {
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := p.queries.InsertSealingKey(ctx, secret); err != nil {
		return fmt.Errorf("store sealing key: %w", err)
	}
	return auth.EnsureSigningKey(ctx, p.DB, p.Now())
}

// providerKey is a key as the library signs with it; publicKey is its half that the world may see.
type providerKey struct {
	id      string
	private *ecdsa.PrivateKey
}

func (k providerKey) ID() string { return k.id }
func (k providerKey) Key() any   { return k.private }
func (k providerKey) SignatureAlgorithm() jose.SignatureAlgorithm {
	return jose.SignatureAlgorithm(providerAlgorithm)
}

type publicKey struct{ providerKey }

func (k publicKey) Key() any                           { return k.private.Public() }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.SignatureAlgorithm() }
func (k publicKey) Use() string                        { return "sig" }

func readKey(row dbsqlc.AuthSigningKey) (providerKey, error) {
	decoded, err := x509.ParsePKCS8PrivateKey(row.PrivateKey)
	if err != nil {
		return providerKey{}, fmt.Errorf("read signing key %s: %w", row.ID, err)
	}
	private, ok := decoded.(*ecdsa.PrivateKey)
	if !ok {
		return providerKey{}, fmt.Errorf("read signing key %s: it is a %T", row.ID, decoded)
	}
	return providerKey{id: row.ID, private: private}, nil
}

// SigningKey returns the key that signs. It is asked for at every token, so that all processes follow a rotation at once.
func (s *providerStorage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	row, err := s.queries.FindSigningKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("find signing key: %w", err)
	}
	return readKey(row)
}

// KeySet returns the keys that what we have signed may be checked with, and the one that will sign next.
func (s *providerStorage) KeySet(ctx context.Context) ([]op.Key, error) {
	rows, err := s.queries.ListPublishedKeys(ctx, s.Now().Add(-providerKeyOverlap))
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	keys := make([]op.Key, len(rows))
	for i, row := range rows {
		key, err := readKey(row)
		if err != nil {
			return nil, err
		}
		keys[i] = publicKey{key}
	}
	return keys, nil
}

func (p *provider) keys(w http.ResponseWriter, r *http.Request) { op.Keys(w, r, p.op.Storage()) }
