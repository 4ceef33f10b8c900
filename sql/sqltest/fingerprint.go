package sqltest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"ates/sql/migrations"
)

// schemaFingerprint names the schema that migrations.Up makes: it changes with the program's migrations and with River's.
func schemaFingerprint() (string, error) {
	sum := sha256.New()
	files := migrations.Files()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		fmt.Fprintf(sum, "%s\n%s\n", path, text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	river, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return "", fmt.Errorf("read River's migrations: %w", err)
	}
	for _, m := range river.AllVersions() {
		fmt.Fprintf(sum, "%d %s\n%s\n", m.Version, m.Name, m.SQLUp)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}
