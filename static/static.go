// Package static holds what browsers are given as it is: the style sheet, the scripts, the icon, in vendor/ the few files of
// other people, unchanged, each with its licence, and in fonts/ the part of the typeface that most pages need. All of it is
// compiled in. A name carries a hash of its content, so that a browser may keep a file for ever and still sees a change at once.
//
// A new file only has to be put here. Style sheets and scripts name one another as "./name"; the hash is filled in.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// Prefix is the path below which Handler serves.
const Prefix = "/static/"

//go:embed *.css *.js *.svg vendor/*.js vendor/*.woff2 fonts/*.woff2
var files embed.FS

// urls maps the name of a file to the address of its content, and contents maps that address to the content.
var urls, contents = index(files)

// URL returns the address of the file with the given name, such as "app.css" or "vendor/htmx.min.js". It panics when
// there is no such file: that is a mistake in a view, and every view is rendered in a test.
func URL(name string) string {
	url, ok := urls[name]
	if !ok {
		panic("static: there is no file " + name)
	}
	return url
}

// Handler serves the files under the addresses that URL returns, and nothing else.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := contents[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", contentTypes[path.Ext(r.URL.Path)])
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}

// contentTypes is written out because what the operating system knows of types differs from machine to machine.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

// reference is how a style sheet or a script names a file beside it.
var reference = regexp.MustCompile(`"\./([^"]+)"`)

func index(fsys fs.FS) (urls map[string]string, contents map[string][]byte) {
	urls, contents = map[string]string{}, map[string][]byte{}
	var add func(name string) (url string)
	add = func(name string) string {
		if url, ok := urls[name]; ok {
			return url
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			panic(err)
		}
		if dir := path.Dir(name); dir == "." { // the files of other people stay as they are
			content = reference.ReplaceAllFunc(content, func(match []byte) []byte {
				url := add(string(reference.FindSubmatch(match)[1]))
				return []byte(`"` + url + `"`)
			})
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		urls[name], contents[url] = url, content
		return url
	}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			add(name)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return urls, contents
}
