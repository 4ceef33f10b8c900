package views

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
)

func TestEveryLanguageHasTheSameWords(t *testing.T) {
	t.Parallel()
	english := locale(t, "en")
	for _, lang := range Languages() {
		require.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(locale(t, lang))), lang)
	}
}

// Some words are named by a value, such as those of roles, months and statuses of HTTP: all that begin like that are needed.
func TestEveryWordIsThereAndNeeded(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	for _, role := range domain.Roles() {
		needed["role."+string(role)] = true
	}
	for _, kind := range []EntryKind{EntryFee, EntryReward, EntryPayout} {
		needed["entry."+string(kind)], needed["entry.why_"+string(kind)] = true, true
	}
	for _, status := range explained {
		data := ErrorData{Status: status}
		needed[data.key("title")], needed[data.key("text")] = true, true
	}
	for _, item := range navigation {
		needed[item.title] = true
	}
	source := sources(t, "*.templ", "*.go", "../handlers/*.go", "../jobs/*.go")
	call := regexp.MustCompile(`\b(?:[TN]\((?:ctx|spoken|\w+\.Context\(\)), |word\(|changed\(w, r, p, id, err, )"([^"]+)"[,)]`)
	for _, match := range call.FindAllStringSubmatch(source, -1) {
		needed[match[1]] = true
	}
	byValue := regexp.MustCompile(`\bT\(ctx, "([a-z_]+\.[a-z_]*)"\s*\+`)
	for _, match := range byValue.FindAllStringSubmatch(source, -1) {
		for _, word := range wordsWith(t, func(id string) bool { return strings.HasPrefix(id, match[1]) }) {
			needed[word] = true
		}
	}
	maps.DeleteFunc(needed, func(id string, _ bool) bool { return strings.HasPrefix(id, "refusal.") })
	require.Equal(t, slices.Sorted(maps.Keys(needed)), wordsWith(t, func(id string) bool { return !strings.HasPrefix(id, "refusal.") }))
}

// The codes are read from the sources, so that a new refusal without a translation is found.
func TestEveryRefusalIsTranslated(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?:\bCode:\s*|\brefuse\("\w*",\s*|\brefusedFile\()"([^"]+)"`)
	codes := map[string]bool{}
	for _, match := range code.FindAllStringSubmatch(sources(t, "../domain/*.go", "../domain/*/*.go", "../handlers/*.go", "../jobs/*.go"), -1) {
		codes["refusal."+match[1]] = true
	}
	require.NotEmpty(t, codes)
	require.Equal(t, slices.Sorted(maps.Keys(codes)), wordsWith(t, func(id string) bool { return strings.HasPrefix(id, "refusal.") }))
}

func TestEveryLanguageFillsInTheSameValues(t *testing.T) {
	t.Parallel()
	value := regexp.MustCompile(`{{\.(\w+)}}`)
	values := func(words string) (names []string) {
		for _, match := range value.FindAllStringSubmatch(words, -1) {
			names = append(names, match[1])
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	english := locale(t, "en")
	for _, lang := range Languages() {
		for id, words := range locale(t, lang) {
			require.Equal(t, values(string(english[id])), values(string(words)), "%s of %s", id, lang)
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	details := map[string]any{"Number": 12, "Assignee": "Ann"}
	russian := WithLocale(t.Context(), Locale{Language: "ru"})
	require.Equal(t, "T-12 уже решена, и это окончательно. Ничего не изменилось.",
		Refusal(russian, "task.resolved_already", "English", details))
	require.Equal(t, "In English.", Refusal(russian, "task.newer_than_the_translation", "In English.", nil))
	require.Equal(t, "In English.", Refusal(russian, "task.resolved_already", "In English.", nil), "a translation that would lack a value")
}

func TestCountsTakeTheirPluralForm(t *testing.T) {
	t.Parallel()
	russian := WithLocale(t.Context(), Locale{Language: "ru"})
	for n, want := range map[int]string{
		1: "1 результат", 3: "3 результата", 5: "5 результатов", 11: "11 результатов", 21: "21 результат", 1204: "1\u00a0204 результата",
	} {
		require.Equal(t, want, N(russian, "palette.count", n))
	}
	require.Equal(t, "1 result", N(t.Context(), "palette.count", 1))
	require.Equal(t, "0 results", N(t.Context(), "palette.count", 0))
}

func TestMatchLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ preference, header, want string }{
		{"", "", "en"},
		{"", "ru-RU,ru;q=0.9,en;q=0.8", "ru"},
		{"", "de-DE,de;q=0.9", "en"},
		{"en", "ru-RU", "en"},
		{"ru", "en-US", "ru"},
		{"xx\"", "ru", "ru"},
		{"", ";;;,=", "en"},
	} {
		require.Equal(t, c.want, MatchLanguage(c.preference, c.header), "%q with %q", c.preference, c.header)
	}
}

// sources are the files that match the patterns, without tests and what templ has made.
func sources(t *testing.T, patterns ...string) string {
	t.Helper()
	var text strings.Builder
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_templ.go") || strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			text.Write(source)
		}
	}
	return text.String()
}

// wordsWith are the ids of the words for which keep is true.
func wordsWith(t *testing.T, keep func(id string) bool) []string {
	t.Helper()
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(locale(t, "en"))) {
		if keep(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func locale(t *testing.T, lang string) map[string]json.RawMessage {
	t.Helper()
	file, err := localeFiles.ReadFile("locales/" + lang + ".json")
	require.NoError(t, err)
	var words map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(file, &words))
	return words
}
