package views

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/a-h/templ"
	"github.com/stretchr/testify/require"
)

// What htmx 2 knew does nothing in htmx 4, and what needs eval or inline code does nothing under the content security policy:
// neither says so.
func TestTemplatesHoldNothingThatSilentlyDoesNothing(t *testing.T) {
	t.Parallel()
	source := sources(t, "*.templ")
	for _, wrong := range []string{
		`sse-swap`, `[^:]sse-connect`, `hx-ext\b`, `hx-disabled-elt`, `hx-on`, `"js:`, `hx-trigger="[^"]*\[`, ` style=`, `<style`, `<script>`, `onclick=`,
	} {
		require.Empty(t, regexp.MustCompile(wrong).FindString(source), wrong)
	}
}

// An element that asks for itself gets itself, and nothing around it.
func TestFragmentsAreTheElementsOfTheirNames(t *testing.T) {
	t.Parallel()
	all := stories()
	for _, name := range []string{"board", "mine", "task", "balance", "people", "person"} {
		var html bytes.Buffer
		require.NoError(t, templ.RenderFragments(t.Context(), &html, all[name], name))
		require.Regexp(t, `^<div id="`+name+`" data-live="[a-z]+(/[\w-]+)?" hx-get="[^"]+"`, html.String())
		require.Regexp(t, `</div>$`, html.String())
		require.NotContains(t, html.String(), "<main")
	}
}

// Addresses that come from elsewhere, such as where to return to, must not become scripts.
func TestAddressesAreNoScripts(t *testing.T) {
	t.Parallel()
	var html bytes.Buffer
	p := Page{Flash: &Flash{Text: "x", Href: "javascript:alert(1)", LinkText: "y"}}
	require.NoError(t, Refused(p, ErrorData{Status: 404, ReturnTo: "javascript:alert(1)"}).Render(t.Context(), &html))
	require.NotContains(t, html.String(), "javascript:")
}
