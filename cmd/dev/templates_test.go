package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Attributes and events of htmx 2 do nothing in htmx 4, silently; hx-on, js: and filters of triggers need eval, and styles and scripts
// in the page need what else the content security policy refuses.
var refusedInTemplates = regexp.MustCompile(
	`\sstyle=|<style|<script>|\son[a-z]+=|sse-swap|sse-connect|hx-ext|hx-disabled-elt|htmx:afterSwap|hx-on|\bjs:|hx-trigger\S*\s*=\s*(?:\{\s*)?["'` + "`" + `][^"'` + "`" + `]*\[`)

func TestTemplatesAreForTheHtmxAtHand(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir(filepath.Join(root, "views"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".templ") {
			return err
		}
		if filepath.Base(path) == "mail.templ" {
			return nil // a mail has no style sheet and no htmx
		}
		found++
		text, err := os.ReadFile(path)
		for number, line := range strings.Split(string(text), "\n") {
			if refused := refusedInTemplates.FindString(line); refused != "" {
				t.Errorf("%s:%d: %q is not for this htmx or this content security policy", path, number+1, refused)
			}
		}
		return err
	})
	require.NoError(t, err)
	require.NotZero(t, found)
}

func TestLeftoversOfHtmx2AreFound(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`<div hx-ext="sse" sse-connect="/live">`,
		`<button hx-on:click="x()">`,
		`<p style="color: red">`,
		`<button onclick="x()">`,
		`<script>x()</script>`,
		`<a hx-vals="js:{a: 1}">`,
		`<input hx-trigger="keyup[ctrlKey]">`,
		`<input hx-trigger={ "click[a]" }>`,
	} {
		require.Regexp(t, refusedInTemplates, line)
	}
	for _, line := range []string{
		`<div hx-sse:connect="/live" hx-trigger="topics throttle:1s">`,
		`<script src="/static/app.js"></script>`,
		`<div hx-trigger="load" data-x="[1]">`,
	} {
		require.NotRegexp(t, refusedInTemplates, line)
	}
}
