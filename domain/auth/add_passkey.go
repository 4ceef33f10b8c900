package auth

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// AddPasskey gives whoever asks another way to sign in. It refuses what cannot be a name, a passkey that is known already,
// more than twenty of them, and whoever is not active or signs in elsewhere.
type AddPasskey struct {
	domain.Request
	Name string `json:"name"`
	// Credential is kept in the row only.
	Credential PasskeyCredential `json:"-"`

	// Passkey is the answer: the id of the passkey.
	Passkey uuid.UUID `json:"passkey"`
}

// Handle adds the passkey. It tells nothing: how people sign in is no other service's business.
func (c *AddPasskey) Handle(ctx context.Context, tx domain.Tx) ([]domain.Event, error) {
	name, err := CleanPasskeyName(c.Name)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("draw an id: %w", err)
	}
	added, err := dbsqlc.New(tx).InsertPasskey(ctx, dbsqlc.InsertPasskeyParams{
		ID: id, AccountID: c.By.ID, CredentialID: c.Credential.ID, PublicKey: c.Credential.PublicKey,
		SignCount: int64(c.Credential.SignCount), BackupEligible: c.Credential.BackupEligible,
		Name: name, Now: tx.Now, Most: maxPasskeys,
	})
	if violates(err, "passkeys_one_per_credential") {
		return nil, &domain.Refusal{Kind: domain.Conflict, Code: "auth.passkey_known", Message: "This passkey has been added already."}
	}
	if err != nil {
		return nil, fmt.Errorf("insert passkey: %w", err)
	}
	if added == 0 {
		return nil, &domain.Refusal{
			Kind: domain.Forbidden, Code: "auth.no_more_passkeys",
			Message: "You cannot add another passkey. Remove one first.",
		}
	}
	c.Passkey = id
	return nil, nil
}

// CleanPasskeyName returns a passkey's name as it is kept and refuses what cannot be one.
func CleanPasskeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 60 || !readable(name) {
		return "", refuse("name", "auth.passkey_name_invalid", "Give the passkey a name of 1 to 60 characters, such as that of the device.")
	}
	return name, nil
}
