package static

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What others have written is here as they published it: htmx.org 4.0.1, @fontsource-variable/inter 5.3.0.
func TestVendoredFilesAreUnchanged(t *testing.T) {
	t.Parallel()
	published := map[string]string{
		"vendor/htmx.min.js":          "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
		"vendor/hx-sse.min.js":        "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
		"vendor/hx-preload.min.js":    "6526defdf2cafd6a6b9f09fe39136e7af7611d103f05cc7068489ef83993f244",
		"vendor/inter-latin.woff2":    "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62",
		"vendor/inter-cyrillic.woff2": "71d5ee93cc1e9f1d520a3a8b66456de18c7879d8df09d57fcd2eaff75fef0075",
	}
	require.NoError(t, fs.WalkDir(files, "vendor", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		require.Equal(t, published[name], hex.EncodeToString(sum[:]), name)
		require.Equal(t, string(content), string(contents[URL(name)]), "%s is served as it is", name)
		return nil
	}))
}

func TestFilesMayBeKeptForEver(t *testing.T) {
	t.Parallel()
	for name, contentType := range map[string]string{
		"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "parrot.svg": "image/svg+xml",
		"vendor/inter-latin.woff2": "font/woff2",
	} {
		require.Regexp(t, `^/static/(vendor/)?[\w-]+\.[0-9a-f]{12}\.\w+$`, URL(name))
		answer := get(URL(name))
		require.Equal(t, http.StatusOK, answer.Code)
		require.Equal(t, "public, max-age=31536000, immutable", answer.Header().Get("Cache-Control"))
		require.Equal(t, contentType, answer.Header().Get("Content-Type"))
	}
	for _, path := range []string{"/static/", "/static/app.css", "/static/app.000000000000.css", "/static/static.go", "/static/vendor/htmx.LICENSE"} {
		answer := get(path)
		require.Equal(t, http.StatusNotFound, answer.Code, path)
		require.NotContains(t, answer.Header().Get("Cache-Control"), "immutable", path)
	}
	require.Panics(t, func() { URL("mistyped.css") })
}

// A reference that stayed without its hash would be answered 404.
func TestFilesFindOneAnother(t *testing.T) {
	t.Parallel()
	found := 0
	for url, content := range contents {
		if path.Dir(url)+"/" != Prefix {
			continue
		}
		for _, match := range regexp.MustCompile(`(?:from|import|url\()\s*"([^"]+)"`).FindAllSubmatch(content, -1) {
			require.Contains(t, contents, string(match[1]), url)
			found++
		}
	}
	require.Greater(t, found, 8)
}

func TestNothingIsFetchedFromElsewhere(t *testing.T) {
	t.Parallel()
	for url, content := range contents {
		if path.Dir(url)+"/" != Prefix {
			continue
		}
		plain := strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", "")
		require.NotRegexp(t, `https?://|url\(\s*["']?//`, plain, url)
	}
}

func get(path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}
