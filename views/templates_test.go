package views

import (
	"bytes"
	"testing"

	"github.com/a-h/templ"
	"github.com/stretchr/testify/require"
)

// An element that asks for itself gets itself, and nothing around it.
func TestFragmentsAreTheElementsOfTheirNames(t *testing.T) {
	t.Parallel()
	all := stories()
	for _, name := range []string{"board", "mine", "task", "balance", "people", "person"} {
		var html bytes.Buffer
		require.NoError(t, templ.RenderFragments(t.Context(), &html, all[name], name))
		require.Regexp(t, `^<div id="`+name+`" data-live="[a-z]+(/[\w-]+)?( [a-z]+/[\w-]+)?" hx-get="[^"]+"`, html.String())
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
