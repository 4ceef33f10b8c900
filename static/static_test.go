package static

import (
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
