package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/jobs/jobstest"
	"ates/static"
)

// lightEnough is what the first load of a page may weigh, in bytes as they are sent.
const lightEnough = 100_000

// TestTheFirstLoadOfTheBoardIsLight fetches a full board and all that it needs the way a browser does that has nothing yet.
func TestTheFirstLoadOfTheBoardIsLight(t *testing.T) {
	t.Parallel()
	f := openFirm(t, "UTC", "2026-03-01T09:00:00Z")
	jobstest.Tasks(t, f.bus, 60)
	f.idle()
	reader := f.as("manager")
	for language, fonts := range map[string][]string{"en": {"inter-latin"}, "ru": {"inter-latin", "inter-cyrillic"}} {
		sent := map[string]int{}
		fetch := func(path string) string {
			status, body := reader.do(http.MethodGet, path, nil, http.Header{"Accept-Encoding": {"gzip"}, "Accept-Language": {language}})
			require.Equal(t, http.StatusOK, status, path)
			sent[path] = len(body)
			return unpacked(t, body)
		}
		page := fetch("/tasks")
		require.Contains(t, page, "T-60")
		need := linksTo(page, static.Prefix)
		for _, found := range regexp.MustCompile(`src="([^"]+)"`).FindAllStringSubmatch(page, -1) {
			need = append(need, found[1])
		}
		for _, font := range fonts {
			need = append(need, static.URL("fonts/"+font+".woff2"))
		}
		for i := 0; i < len(need); i++ {
			if _, ok := sent[need[i]]; ok {
				continue
			}
			for _, found := range regexp.MustCompile(`(?m)^import .*"(/static/[^"]+)"`).FindAllStringSubmatch(fetch(need[i]), -1) {
				if !slices.Contains(need, found[1]) {
					need = append(need, found[1])
				}
			}
		}
		sum := 0
		for _, size := range sent {
			sum += size
		}
		require.Greater(t, len(sent), 12, "what the page needs has been found: %v", sent)
		require.Less(t, sum, lightEnough, "in %s: %v", language, sent)
		t.Logf("the first load of the board in %s: %d bytes in %d files", language, sum, len(sent))
	}
}

// unpacked is a body as it was before it was compressed, if it was.
func unpacked(t *testing.T, body string) string {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(packed)
	require.NoError(t, err)
	return string(plain)
}
