package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryRefusalIsTranslated finds the codes of refusals in the program and looks for their words in both languages. Without
// them people would be shown the English message, whatever they speak.
func TestEveryRefusalIsTranslated(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?:Code: |refuse\("[a-z_]*", |auth\.)?"((?:auth|board|balance|command|page|request|sign_in|task)\.[a-z_]+)"`)
	codes := map[string]string{}
	for _, dir := range []string{"domain", "handlers", "jobs"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range code.FindAllStringSubmatch(string(source), -1) {
				codes[found[1]] = path
			}
			return err
		})
		require.NoError(t, err)
	}
	require.Greater(t, len(codes), 20)
	for _, language := range []string{"en", "ru"} {
		var words map[string]any
		content, err := os.ReadFile(filepath.Join("..", "..", "views", "locales", language+".json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(content, &words))
		for c, path := range codes {
			if words[c] != nil {
				continue // words of a page
			}
			require.NotNil(t, words["refusal."+c], "%s: there are no words for refusal.%s, refused in %s", language, c, path)
		}
	}
}
