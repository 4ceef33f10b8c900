package handlers

import (
	"net/url"
	"strings"
)

// returnTo is the page of ours that a return_to names, "/" when it names anything else. Browsers read "//x", "/\x" and
// "/<tab>/x" as another host's address, so a single odd character makes it suspect.
func returnTo(path string) string {
	const home = "/"
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return home
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return home
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return home
	}
	return path
}
