package handlers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

// onePasskey is a database that knows one passkey, and that its person was asked to sign, or to make another, with one challenge.
type onePasskey struct {
	*emptyDatabase
	challenge       string
	signing, making json.RawMessage
	credential, key []byte
	person          uuid.UUID
	// used says that the passkey was noted as one that has signed.
	used bool
}

// scan is a row that fills in what it is asked for.
type scan func(to []any)

func (s scan) Scan(to ...any) error {
	s(to)
	return nil
}

func (d *onePasskey) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	switch {
	case strings.Contains(query, "delete from auth.passkey_challenges") && bytes.Equal(args[0].([]byte), tokenHash(d.challenge)):
		asked := d.signing
		if args[3].(*uuid.UUID) != nil {
			asked = d.making
		}
		return scan(func(to []any) { *to[0].(*json.RawMessage) = asked })
	case strings.Contains(query, "from auth.passkeys p join") && bytes.Equal(args[0].([]byte), d.credential):
		return scan(func(to []any) {
			*to[1].(*uuid.UUID), *to[2].(*[]byte), *to[3].(*[]byte) = d.person, d.credential, d.key
		})
	case strings.Contains(query, "update auth.passkeys"):
		d.used = true
	}
	return d.emptyDatabase.QueryRow(ctx, query, args...)
}

// sameDevice is an authenticator that is the same at every start, as the processes of a fuzzer have to agree on their seeds.
func sameDevice(f *testing.F, origin string) (*device, *ecdsa.PrivateKey) {
	f.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	require.NoError(f, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(f, err)
	d := &device{
		party: virtualwebauthn.RelyingParty{ID: "ates.example.com", Name: "aTES", Origin: origin}, auth: virtualwebauthn.NewAuthenticator(),
		key: virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, encoded),
	}
	d.key.ID, d.key.Counter = bytes.Repeat([]byte{9}, 32), 1
	return d, key
}

// hasSigned reports whether an answer is one to what was asked, signed by the passkey's key. It does not ask the library that is tried.
func (d *onePasskey) hasSigned(answer string, key *ecdsa.PublicKey) bool {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return false
	}
	sent := parsed.Raw.AssertionResponse
	var said struct{ Type, Challenge, Origin string }
	if json.Unmarshal(sent.ClientDataJSON, &said) != nil || said.Type != "webauthn.get" || said.Challenge != d.challenge || said.Origin != "https://ates.example.com" {
		return false
	}
	asked := sha256.Sum256(sent.ClientDataJSON)
	digest := sha256.Sum256(append(bytes.Clone(sent.AuthenticatorData), asked[:]...))
	return bytes.Equal(parsed.RawID, d.credential) && ecdsa.VerifyASN1(key, digest[:], sent.Signature)
}

// Whatever an authenticator answers, it is refused as an answer that was sent, never a fault; only what the passkey has signed is
// noted as that, and only a key that can be used is made.
func FuzzPasskeys(f *testing.F) {
	said := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // each refusal is logged
	f.Cleanup(func() { slog.SetDefault(said) })
	p, empty := fuzzed(f)
	person := auth.Person{ID: uuid.MustParse("01890000-0000-7000-8000-000000000000"), Login: "ann", Name: "Ann"}
	d, key := sameDevice(f, p.origin.String())
	challenge := bytes.Repeat([]byte{5}, 32)
	db := &onePasskey{
		emptyDatabase: empty, challenge: base64.RawURLEncoding.EncodeToString(challenge),
		credential: d.key.ID, key: d.key.Key.AttestationData(), person: person.ID,
	}
	p.DB, p.queries = db, dbsqlc.New(db)
	_, signing, err := p.relyingParty.BeginDiscoverableLogin()
	require.NoError(f, err)
	_, making, err := p.relyingParty.BeginRegistration(passkeyHolder{person: person})
	require.NoError(f, err)
	for to, session := range map[*json.RawMessage]*webauthn.SessionData{&db.signing: signing, &db.making: making} {
		session.Challenge = db.challenge
		*to, err = json.Marshal(session)
		require.NoError(f, err)
	}
	d.auth.Options.UserHandle = person.ID[:]
	signed := virtualwebauthn.CreateAssertionResponse(d.party, d.auth, d.key, virtualwebauthn.AssertionOptions{Challenge: challenge, RelyingPartyID: d.party.ID})
	made := virtualwebauthn.CreateAttestationResponse(d.party, d.auth, d.key, virtualwebauthn.AttestationOptions{Challenge: challenge, RelyingPartyID: d.party.ID, UserID: string(person.ID[:])})

	// Both are good, or the fuzzer would begin with nothing.
	_, err = p.recognizePasskey(f.Context(), nil, signed)
	require.Error(f, err, "there is nobody whom it would let in")
	require.True(f, db.used)
	_, err = p.madePasskey(&http.Request{PostForm: url.Values{"passkey": {made}}}, person)
	require.NoError(f, err)

	for _, answer := range []string{
		signed, made, "", "{}", "[", "null", strings.Repeat("[", 1000), `{"id":"CQ","rawId":"CQ==","type":"public-key","response":{}}`,
		strings.Replace(signed, `"type":"public-key"`, `"type":"other","type":"public-key","clientExtensionResults":{"appid":true}`, 1),
		strings.Replace(made, `"response":{`, `"authenticatorAttachment":"x","response":{"transports":["usb",""],`, 1),
	} {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		db.used = false
		_, err := p.recognizePasskey(t.Context(), nil, answer)
		requireInvalid(t, err)
		require.True(t, !db.used || db.hasSigned(answer, &key.PublicKey), "what was not signed is noted: %s", answer)

		made, err := p.madePasskey(&http.Request{PostForm: url.Values{"passkey": {answer}}}, person)
		if err != nil {
			requireInvalid(t, err)
			return
		}
		require.NotEmpty(t, made.ID)
		_, err = webauthncose.ParsePublicKey(made.PublicKey)
		require.NoError(t, err)
	})
}
