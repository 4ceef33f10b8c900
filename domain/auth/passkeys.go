package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// maxPasskeys is how many passkeys a person can have: one for each device, and some to spare.
const maxPasskeys = 20

// PasskeyCredential is the public half of a passkey, as WebAuthn checked it when it was made.
type PasskeyCredential struct {
	ID             []byte
	PublicKey      []byte
	SignCount      uint32
	BackupEligible bool
}

// Passkey is a key with which a person signs in without a login or a password.
type Passkey struct {
	ID         uuid.UUID
	Person     uuid.UUID
	Credential PasskeyCredential
	Name       string
	AddedAt    time.Time
	// UsedAt is when it last let its person in; nil if it never did.
	UsedAt *time.Time
}

// FindPasskey returns the passkey with that credential id. It refuses one that is unknown or whose person is not active.
func FindPasskey(ctx context.Context, db dbsqlc.DBTX, credential []byte) (Passkey, error) {
	row, err := dbsqlc.New(db).FindPasskey(ctx, credential)
	if errors.Is(err, pgx.ErrNoRows) {
		return Passkey{}, RefusePasskey()
	}
	if err != nil {
		return Passkey{}, fmt.Errorf("find passkey: %w", err)
	}
	return passkeyOf(row), nil
}

// ListPasskeys returns a person's passkeys, the newest first.
func ListPasskeys(ctx context.Context, db dbsqlc.DBTX, person uuid.UUID) ([]Passkey, error) {
	rows, err := dbsqlc.New(db).ListPasskeys(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	passkeys := make([]Passkey, len(rows))
	for i, row := range rows {
		passkeys[i] = passkeyOf(row)
	}
	return passkeys, nil
}

// UsePasskey notes that a passkey has signed, with the count that came with the signature, and returns the active person
// whose it is. It refuses a count that did not go up: then somebody has a copy of the key.
func UsePasskey(ctx context.Context, db dbsqlc.DBTX, credential []byte, signCount uint32, now time.Time) (Person, error) {
	id, err := dbsqlc.New(db).UsePasskey(ctx, dbsqlc.UsePasskeyParams{CredentialID: credential, SignCount: int64(signCount), Now: now})
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, RefusePasskey()
	}
	if err != nil {
		return Person{}, fmt.Errorf("use passkey: %w", err)
	}
	return FindPerson(ctx, db, id)
}

// RefusePasskey is the answer to every passkey that lets nobody in, whatever the reason.
func RefusePasskey() error {
	return refuse("passkey", "auth.passkey_refused", "This passkey does not let you in. Sign in with your password, or try another passkey.")
}

func passkeyOf(row dbsqlc.AuthPasskey) Passkey {
	return Passkey{
		ID: row.ID, Person: row.AccountID,
		Credential: PasskeyCredential{
			ID: row.CredentialID, PublicKey: row.PublicKey, SignCount: uint32(row.SignCount), BackupEligible: row.BackupEligible,
		},
		Name: row.Name, AddedAt: row.AddedAt, UsedAt: row.UsedAt,
	}
}

func refusePasskeyUnknown() error {
	return &domain.Refusal{Kind: domain.NotFound, Code: "auth.unknown_passkey", Message: "You have no such passkey any more."}
}
